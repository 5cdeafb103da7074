"""The best student of any size up to a cap, with its teacher, within one budget.

The size of the student is a variable more; for each size the problem is that of `distill`.
"""

import dataclasses
import functools
from typing import Any

import jax.numpy as jnp

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.planning.distillation.student_and_teacher import (
    distillation_plan,
    distillation_problem,
)
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, Bounds, callable_tree, distillation_law
from jaxlaws.planning.engine.evaluation import Question, ask
from jaxlaws.planning.engine.plans import DistillationPlan, bounds_told, quantity
from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.engine.scenarios import Scenario, check_scenario, kind_of
from jaxlaws.planning.engine.status import Status
from jaxlaws.planning.solver.batched import Array, Point
from jaxlaws.planning.solver.minimiser import Solution
from jaxlaws.planning.solver.problem import Problem

_NUM_SIZES = 15
_TOKENS = 1  # place of the student's tokens among the variables of `distill`


def _of_size(given: Record, log_size: Array) -> Record:
    return Record(given | {"num_student_params": jnp.exp(log_size)})


def _problem(given: Record, kind: str) -> Problem:
    low = jnp.log(given.num_student_params_bounds_lower)
    high = jnp.log(given.num_student_params_bounds_upper)

    def at(log_size: Array) -> Problem:
        return distillation_problem(_of_size(given, log_size), kind)

    def serving(log_size: Array) -> Array:
        """Its part of the budget."""
        forward = given.num_students * given.forward_flops(jnp.exp(log_size))
        return forward * given.num_inference_tokens / given.flops

    def left(point: Point) -> Array:
        """Log of the budget over all that is spent, serving too."""
        served = serving(point[0])
        available = jnp.where(served < 1, 1 - served, 1.0)  # as the problem of a size takes it
        spent = available * jnp.exp(-at(point[0]).constraints[0](point[1:]))
        return -jnp.log(served + spent)

    def reduction(log_size: Array) -> Any:
        return at(log_size).reduction

    smallest = at(low)
    num_others = reduction(low).num_candidates

    def place(coordinates: Point, loosened: Point) -> Point:
        log_size, *others = coordinates
        rest = reduction(log_size).place(others, loosened)
        affordable = serving(log_size) < 1
        rest[_TOKENS] = jnp.where(affordable, rest[_TOKENS], smallest.lower[_TOKENS] - 1.0)
        return [log_size, *rest]

    def candidate(index: Any) -> Point:
        size = low + (high - low) * ((index // num_others) / (_NUM_SIZES - 1))
        return [size, *reduction(size).candidate(index % num_others)]

    def follow(candidate: Point, before: Point) -> Point:
        of_size = reduction(candidate[0]).follow
        others = candidate[1:] if of_size is None else of_size(candidate[1:], before[1:])
        return [candidate[0], *others]

    return Problem(
        objective=lambda point: at(point[0]).objective(point[1:]),
        lower=[low, *smallest.lower],
        upper=[high, *smallest.upper],
        constraints=(left,),
        preference=lambda point: -left(point),
        reduction=dataclasses.replace(
            reduction(low),
            place=place,
            candidate=candidate,
            follow=follow,
            num_candidates=_NUM_SIZES * num_others,
            held=tuple(index + 1 for index in reduction(low).held),
        ),
        possible=smallest.possible,
    )


def _variables(solution: Solution, chosen: slice) -> Solution:
    """A solution of some of its variables."""
    names = ("point", "on_bound", "bound_values")
    return dataclasses.replace(solution, **{n: vars(solution)[n][chosen] for n in names})


def _plan(given: Record, solution: Solution, kind: str) -> DistillationPlan:
    size = quantity(given, solution, "num_student_params", 0)
    plan = distillation_plan(
        Record(given | {"num_student_params": size}), _variables(solution, slice(1, None)), kind
    )
    # Here the budget that binds is the whole one, serving included.
    told = bounds_told(
        _variables(solution, slice(1)), ("num_student_params",), flops=solution.multipliers[0]
    )
    on_bound = (solution.on_bound[0] != 0) & (plan.status == Status.CONVERGED)
    return dataclasses.replace(
        plan,
        status=jnp.where(on_bound, jnp.int32(Status.ON_BOUND), plan.status),
        active_bounds=Record(plan.active_bounds | told["active_bounds"]),
        marginal_values=Record(plan.marginal_values | told["marginal_values"]),
    )


_QUESTIONS = {
    kind: Question(
        problem=functools.partial(_problem, kind=kind), plan=functools.partial(_plan, kind=kind)
    )
    for kind in ("free teacher", "free tokens", "all paid")
}


def distill_any_size(
    law: Any,
    *,
    flops: Any,
    scenario: Scenario,
    num_student_params_bounds: Bounds = DEFAULT_BOUNDS,
    num_students: Any = 1.0,
    num_inference_tokens: Any = 0.0,
    forward_flops: ForwardFlops = dense_forward_flops,
    num_student_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    num_teacher_params_bounds: Bounds = DEFAULT_BOUNDS,
    num_teacher_tokens_bounds: Bounds = DEFAULT_BOUNDS,
) -> DistillationPlan:
    """The size of the student too: all of `distill`, with the student of least loss.

    A cap on the size, or on what serving a token costs, is the upper bound of the size; serving a
    known demand comes out of the budget, and calls for a smaller student.

    Args:
        law: a distillation law.
        flops: the whole budget, any shape.
        scenario: who pays for the teacher, such as `FREE_TEACHER`.
        num_student_params_bounds: least and largest student, broadcast with the budget.
        num_students: students alike that share the teacher, all paid from the budget.
        num_inference_tokens: tokens that each student will serve.
        forward_flops: forward FLOPs per token of a size.
        num_student_tokens_bounds: least and largest number of tokens for a student.
        num_teacher_params_bounds: least and largest teacher.
        num_teacher_tokens_bounds: least and largest number of tokens for the teacher.

    Returns:
        A plan as that of `distill`, and the same errors.

    Raises:
        ValueError: as `distill`.
        TypeError: as `distill`.

    >>> from jaxlaws import presets
    >>> from jaxlaws.planning import FREE_TEACHER
    >>> law = presets.load("busbridge2025_consistent")
    >>> plan = distill_any_size(law, flops=1e21, scenario=FREE_TEACHER)
    >>> f"{plan.num_student_params:.2g} parameters, loss {plan.loss:.3f}"
    '7.7e+09 parameters, loss 2.104'
    """
    check_scenario(scenario)
    return ask(
        _QUESTIONS[kind_of(scenario)],
        {"law": distillation_law(law), "forward_flops": callable_tree(forward_flops)},
        {
            "flops": flops,
            "num_students": num_students,
            "num_inference_tokens": num_inference_tokens,
            "logits": scenario.logits,
            "pretraining": scenario.pretraining,
            "num_student_params_bounds": num_student_params_bounds,
            "num_student_tokens_bounds": num_student_tokens_bounds,
            "num_teacher_params_bounds": num_teacher_params_bounds,
            "num_teacher_tokens_bounds": num_teacher_tokens_bounds,
        },
        may_be_zero=("num_inference_tokens", "logits", "pretraining"),
    )
