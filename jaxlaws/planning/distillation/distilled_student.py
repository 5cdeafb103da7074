"""The best student, of a given size or of any size, and its teacher, within one budget."""

import functools
from collections.abc import Mapping

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning.distillation.any_student_size import any_size_plan, any_size_problem
from jaxlaws.planning.distillation.student_and_teacher import (
    distillation_plan,
    distillation_problem,
)
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, Bounds, distillation_law
from jaxlaws.planning.engine.evaluation import Question, ask
from jaxlaws.planning.engine.limits import Limit
from jaxlaws.planning.engine.plans import DistillationPlan
from jaxlaws.planning.engine.scenarios import (
    ChargedCosts,
    Scenario,
    charged_costs,
    check_scenario,
)

_MAY_BE_ZERO = ("num_inference_tokens", "logits", "pretraining")

# One question for each form of the problem, made once: its identity decides what is compiled.
_GIVEN_SIZE = {
    costs: Question(
        problem=functools.partial(distillation_problem, kind=costs),
        plan=functools.partial(distillation_plan, kind=costs),
        may_be_zero=_MAY_BE_ZERO,
    )
    for costs in ChargedCosts
}
_ANY_SIZE = {
    costs: Question(
        problem=functools.partial(any_size_problem, kind=costs),
        plan=functools.partial(any_size_plan, kind=costs),
        may_be_zero=_MAY_BE_ZERO,
    )
    for costs in ChargedCosts
}


def distill(
    law: Tree,
    *,
    flops: Array,
    scenario: Scenario,
    num_student_params: Array | None = None,
    num_students: Array = 1.0,
    num_inference_tokens: Array = 0.0,
    forward_flops: ForwardFlops = dense_forward_flops,
    num_student_params_bounds: Bounds = DEFAULT_BOUNDS,
    num_student_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    num_teacher_params_bounds: Bounds = DEFAULT_BOUNDS,
    num_teacher_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    limits: Mapping[str, Limit] | None = None,
) -> DistillationPlan:
    """The student's tokens and the teacher that make the best student within a budget.

    With F the forward FLOPs per token, k students, and the shares that the scenario charges,
    `k (3 F(N_S) + logits F(N_T)) D_S + pretraining 3 F(N_T) D_T + k F(N_S) D_serve <= flops`
    (Busbridge et al. 2025, Eq. 9). The teacher's loss is what the law's `supervised` predicts for
    the teacher's size and tokens. Where the training of the teacher is free, its tokens are at
    their upper bound. Where its logits are free too, the teacher's loss is chosen, from the
    irreducible loss up, and its size is NaN. Of plans with equal loss the cheapest is returned.

    Args:
        law: a distillation law.
        flops: the whole budget, any shape.
        scenario: which costs of the teacher are charged, such as `FREE_TEACHER`. A traced share
            is assumed to be charged: the teacher is then one that sizes and tokens within their
            bounds can make.
        num_student_params: size of the student, broadcast with the budget. None: the size of least
            loss is chosen as well, within its bounds.
        num_students: number of equal students that share the teacher; the budget pays for all.
        num_inference_tokens: tokens that each student will serve; the budget pays for serving.
        forward_flops: forward FLOPs per token of a size.
        num_student_params_bounds: lower and upper bound of the student's size, where the size is
            chosen. A cap on the size, or on what serving a token costs, is the upper bound.
        num_student_tokens_bounds: lower and upper bound of the student's tokens.
        num_teacher_params_bounds: lower and upper bound of the teacher's size.
        num_teacher_tokens_bounds: lower and upper bound of the teacher's tokens.
        limits: upper limits on other quantities of the student's and the teacher's sizes and
            tokens, by names of your choice; of `teacher_loss` for a teacher that costs nothing.

    Returns:
        A plan whose leaves have the broadcast shape: NumPy float64 outside a trace, in the
        caller's dtype inside one.

    Raises:
        ValueError: budget, size or a bound is not positive and finite, a share of the scenario is
            outside [0, 1], bounds exclude each other, or the student's size has a value and bounds.
            Inside a trace the plan then has the status INFEASIBLE and NaN for sizes.
        TypeError: the law is not a distillation law, or the scenario is not a `Scenario`.

    >>> from jaxlaws import presets
    >>> from jaxlaws.planning import FREE_TEACHER, TEACHER_INFERENCE
    >>> law = presets.load("busbridge2025_consistent")
    >>> plan = distill(law, flops=1e21, num_student_params=1e9, scenario=TEACHER_INFERENCE)
    >>> f"{plan.loss:.2f} from a teacher of {plan.num_teacher_params:.0e} parameters"
    '2.21 from a teacher of 1e+09 parameters'
    >>> plan = distill(law, flops=1e21, scenario=FREE_TEACHER)
    >>> f"{plan.num_student_params:.2g} parameters, loss {plan.loss:.3f}"
    '7.7e+09 parameters, loss 2.104'
    """
    check_scenario(scenario)
    inputs = {
        "flops": flops,
        "num_students": num_students,
        "num_inference_tokens": num_inference_tokens,
        "logits": scenario.logits,
        "pretraining": scenario.pretraining,
    }
    bounds = {
        "num_student_tokens": num_student_tokens_bounds,
        "num_teacher_params": num_teacher_params_bounds,
        "num_teacher_tokens": num_teacher_tokens_bounds,
    }
    if num_student_params is None:
        questions = _ANY_SIZE
        bounds["num_student_params"] = num_student_params_bounds
    else:
        questions = _GIVEN_SIZE
        inputs["num_student_params"] = num_student_params
        if num_student_params_bounds is not DEFAULT_BOUNDS:
            raise ValueError(
                "num_student_params_bounds have no effect where num_student_params is given: "
                "leave out one of the two"
            )
    return ask(
        questions[charged_costs(scenario)],
        distillation_law(law),
        inputs,
        bounds=bounds,
        limits=limits,
        functions={"forward_flops": forward_flops},
    )
