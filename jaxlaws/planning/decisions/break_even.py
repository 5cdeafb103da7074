"""How many students must share a trained teacher before distillation is better."""

from collections.abc import Callable, Mapping

import numpy as np

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning.analysis.plan_roots import root_of
from jaxlaws.planning.decisions.both_sides import train_and_distill
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, Bounds, checked, distillation_law
from jaxlaws.planning.engine.composed_inputs import checked_constraints
from jaxlaws.planning.engine.costs import Costs
from jaxlaws.planning.engine.limits import Limit
from jaxlaws.planning.engine.programs import compiled_when_traced
from jaxlaws.planning.engine.scenarios import (
    TEACHER_PRETRAINING_AND_INFERENCE,
    Scenario,
    check_scenario,
)
from jaxlaws.precision import Precision, array_module

_LOG_MOST = float(np.log(1e6))


@compiled_when_traced()
def break_even_students(
    law: Tree,
    *,
    flops: Array,
    num_student_params: Array,
    scenario: Scenario = TEACHER_PRETRAINING_AND_INFERENCE,
    num_inference_tokens: Array = 0.0,
    forward_flops: ForwardFlops = dense_forward_flops,
    num_student_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    num_teacher_params_bounds: Bounds = DEFAULT_BOUNDS,
    num_teacher_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    limits: Mapping[str, Limit] | None = None,
    cost: Costs | None = None,
    precision: Precision | None = None,
) -> Array:
    """The number of equal students above which sharing one trained teacher is better.

    `k` students put their budgets together, `k flops` in all, and share the teacher that this
    budget trains. Without a teacher, each student is trained on its own budget. The more students
    share, the smaller the part of the teacher's cost that each student pays.

    Args:
        law: a distillation law.
        flops: the budget of one student, any shape.
        num_student_params: size of each student, broadcast with the budget.
        scenario: which costs of the teacher are charged; the default charges all.
        num_inference_tokens: tokens that each student will serve, on both sides; its budget pays
            for serving.
        forward_flops: forward FLOPs per token of a size.
        num_student_tokens_bounds: lower and upper bound of a student's tokens, on both sides.
        num_teacher_params_bounds: lower and upper bound of the teacher's size.
        num_teacher_tokens_bounds: lower and upper bound of the teacher's tokens.
        limits: upper limits on other quantities, on both sides, see `Limit`.
        cost: prices of training, serving, logits and data, see `Costs`.
        precision: of the computation inside a trace, see `Precision`.

    Returns:
        The number, not rounded; 1 where distilling a single student is already better, infinite
        where a million students are not enough. NumPy float64 outside a trace, in the caller's
        dtype inside one, with the derivatives of the implicit function theorem.

    Raises:
        ValueError: budget or size is not positive and finite, or a share of the scenario is outside
            [0, 1]. Inside a trace the number is then NaN.
        TypeError: the law is not a distillation law, or the scenario is not a `Scenario`.

    >>> from jaxlaws import presets
    >>> from jaxlaws.planning import TEACHER_PRETRAINING
    >>> law = presets.load("busbridge2025_consistent")
    >>> one = {"flops": 1e21, "num_student_params": 1e9}
    >>> f"{break_even_students(law, **one, scenario=TEACHER_PRETRAINING):.2f}"
    '9.81'
    """
    check_scenario(scenario)
    law = distillation_law(law)
    constraints = checked_constraints(
        num_student_tokens_bounds=num_student_tokens_bounds,
        num_teacher_params_bounds=num_teacher_params_bounds,
        num_teacher_tokens_bounds=num_teacher_tokens_bounds,
        limits=limits,
        cost=cost,
    )
    inputs = {
        "flops": flops,
        "num_student_params": num_student_params,
        "num_inference_tokens": num_inference_tokens,
    }
    xp = array_module(law, inputs, scenario, forward_flops, constraints)
    if xp is np:
        inputs = {
            name: checked(name, value, may_be_zero=name == "num_inference_tokens")
            for name, value in inputs.items()
        }

    def excess(given: Tree) -> Callable[[Array], Array]:
        """The loss of students that share a teacher, above the loss of a student alone."""
        law, inputs, scenario, constraints = given

        def function(log_students: Array) -> Array:
            num = xp.exp(log_students)
            supervised, distilled = train_and_distill(
                law,
                **inputs | {"flops": inputs["flops"] * num},
                num_students=num,
                scenario=scenario,
                forward_flops=forward_flops,
                **constraints,
            )
            return distilled.loss - supervised.loss

        return function

    given = (law, inputs, scenario, constraints)
    single = excess(given)(xp.zeros(()))
    low = xp.zeros_like(single)
    root, _ = root_of(excess, given, low, low + _LOG_MOST)
    num = xp.where(root < _LOG_MOST, xp.exp(root), xp.inf)
    return xp.where(xp.isnan(single), xp.nan, num)[()]
