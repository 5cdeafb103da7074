"""The best student and its teacher, within one budget.

Where the size of the student is not given, it is one more variable; for each size the problem is
that of `student_and_teacher`.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import cast

import jax.numpy as jnp

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning.distillation.reductions import balance_of
from jaxlaws.planning.distillation.student_and_teacher import (
    by_charged_costs,
    distillation_plan,
    distillation_problem,
)
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, Bounds, distillation_law
from jaxlaws.planning.engine.costs import Costs, cost_inputs, in_training_flops
from jaxlaws.planning.engine.evaluation import ask
from jaxlaws.planning.engine.limits import Limit
from jaxlaws.planning.engine.plans import DistillationPlan, bounds_and_values, variable_value
from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.engine.scenarios import (
    TEACHER_PRETRAINING_AND_INFERENCE,
    ChargedCosts,
    Scenario,
    charged_costs,
    check_scenario,
)
from jaxlaws.planning.engine.status import Status
from jaxlaws.planning.solver.batched import Point
from jaxlaws.planning.solver.minimiser import Solution
from jaxlaws.planning.solver.problem import Problem, Reduction, evenly_spaced
from jaxlaws.precision import Precision

_NUM_SIZES = 15
_TOKENS = 1  # index of the student's tokens among the variables of `distillation_problem`


def _of_size(given: Record, log_size: Array) -> Record:
    return given | {"num_student_params": jnp.exp(log_size)}


def _any_size_problem(given: Record, charged: ChargedCosts) -> Problem:
    """The problem with the logarithm of the student's size as first variable."""
    given = in_training_flops(given)
    low = jnp.log(given.lower.num_student_params)
    high = jnp.log(given.upper.num_student_params)
    if charged == ChargedCosts.PRETRAINING:  # once, not for each size
        given = given | {"balance": balance_of(given.law.supervised)}

    def at(log_size: Array) -> Problem:
        return distillation_problem(_of_size(given, log_size), charged)

    def serving(log_size: Array) -> Array:
        """The share of the budget that serving takes."""
        forward = given.num_students * given.forward_flops(jnp.exp(log_size))
        return forward * given.num_inference_tokens / given.flops

    def left(point: Point) -> Array:
        """Logarithm of the budget minus the logarithm of all costs, serving included."""
        served = serving(point[0])
        available = jnp.where(served < 1, 1 - served, 1.0)  # as in `distillation_problem`
        spent = available * jnp.exp(-at(point[0]).constraints[0](point[1:]))
        return -jnp.log(served + spent)

    def reduction(log_size: Array) -> Reduction:
        return cast(Reduction, at(log_size).reduction)

    def limit(index: int) -> Callable[[Point], Array]:
        return lambda point: at(point[0]).constraints[index](point[1:])

    limits = [limit(index) for index in range(1, 1 + len(given.limits))]
    smallest = at(low)
    num_others = reduction(low).num_candidates

    def to_point(coordinates: Point, relaxation: Point) -> Point:
        log_size, *others = coordinates
        rest = reduction(log_size).to_point(others, relaxation)
        affordable = serving(log_size) < 1
        rest[_TOKENS] = jnp.where(affordable, rest[_TOKENS], smallest.lower[_TOKENS] - 1.0)
        return [log_size, *rest]

    def candidate(index: Array) -> Point:
        size = evenly_spaced(low, high, index // num_others, _NUM_SIZES)
        return [size, *reduction(size).candidate(index % num_others)]

    def follow(candidate: Point, before: Point) -> Point:
        of_size = reduction(candidate[0]).follow
        others = candidate[1:] if of_size is None else of_size(candidate[1:], before[1:])
        return [candidate[0], *others]

    return Problem(
        objective=lambda point: at(point[0]).objective(point[1:]),
        has_unit=True,
        lower=[low, *smallest.lower],
        upper=[high, *smallest.upper],
        constraints=(left, *limits),
        preference=lambda point: -left(point),
        reduction=dataclasses.replace(
            reduction(low),
            to_point=to_point,
            candidate=candidate,
            follow=follow,
            num_candidates=_NUM_SIZES * num_others,
            held=tuple(index + 1 for index in reduction(low).held),
            on_curve=False,
        ),
        possible=smallest.possible,
    )


def _variables(solution: Solution, chosen: slice) -> Solution:
    """The part of a solution that belongs to some of the variables."""
    names = ("point", "on_bound", "bound_values")
    return dataclasses.replace(solution, **{n: vars(solution)[n][chosen] for n in names})


def _any_size_plan(given: Record, solution: Solution, charged: ChargedCosts) -> DistillationPlan:
    """The plan from a solution of `_any_size_problem`."""
    size = variable_value(given, solution, "num_student_params", 0)
    plan = distillation_plan(
        given | {"num_student_params": size}, _variables(solution, slice(1, None)), charged
    )
    # Here the first constraint is the whole budget, serving included.
    of_size = bounds_and_values(
        _variables(solution, slice(1)),
        ("num_student_params",),
        flops=solution.multipliers[0],
        limits=given.limits,
    )
    on_bound = (solution.on_bound[0] != 0) & (plan.status == Status.CONVERGED)
    return dataclasses.replace(
        plan,
        status=jnp.where(on_bound, jnp.int32(Status.ON_BOUND), plan.status),
        active_bounds=plan.active_bounds | of_size["active_bounds"],
        marginal_values=plan.marginal_values | of_size["marginal_values"],
    )


_GIVEN_SIZE = by_charged_costs(distillation_problem, distillation_plan)
_ANY_SIZE = by_charged_costs(_any_size_problem, _any_size_plan)


def distill(
    law: Tree,
    *,
    flops: Array,
    scenario: Scenario = TEACHER_PRETRAINING_AND_INFERENCE,
    num_student_params: Array | None = None,
    num_students: Array = 1.0,
    num_inference_tokens: Array = 0.0,
    forward_flops: ForwardFlops = dense_forward_flops,
    num_student_params_bounds: Bounds = DEFAULT_BOUNDS,
    num_student_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    num_teacher_params_bounds: Bounds = DEFAULT_BOUNDS,
    num_teacher_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    limits: Mapping[str, Limit] | None = None,
    cost: Costs | None = None,
    precision: Precision | None = None,
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
        scenario: which costs of the teacher are charged; the default charges all. A traced share is
            assumed to be charged: the teacher is then one that sizes and tokens within their bounds
            can make.
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
        limits: upper limits on other quantities of the sizes and tokens of the student and the
            teacher, by names of your choice. For a teacher that costs nothing the quantity gets
            `teacher_loss` instead of the size and tokens of the teacher.
        cost: prices of training, serving, logits and data, see `Costs`.
        precision: of the computation inside a trace, see `Precision`.

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
        **cost_inputs(cost),
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
        precision=precision,
    )
