"""The best student of any size up to a cap, with its teacher, within one budget.

The size of the student is a variable more; for each size the problem is that of `distill`.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from jaxlaws.planning.distillation.student_and_teacher import (
    distillation_plan,
    distillation_problem,
)
from jaxlaws.planning.engine.plans import DistillationPlan, bounds_and_values, variable_value
from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.engine.scenarios import ChargedCosts
from jaxlaws.planning.engine.status import Status
from jaxlaws.planning.solver.batched import Array, Point
from jaxlaws.planning.solver.minimiser import Solution
from jaxlaws.planning.solver.problem import Problem

_NUM_SIZES = 15
_TOKENS = 1  # place of the student's tokens among the variables of `distill`


def _of_size(given: Record, log_size: Array) -> Record:
    return Record(given | {"num_student_params": jnp.exp(log_size)})


def any_size_problem(given: Record, kind: ChargedCosts) -> Problem:
    """The problem of a scenario, with the logarithm of the student's size as first variable."""
    low = jnp.log(given.lower.num_student_params)
    high = jnp.log(given.upper.num_student_params)

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
        constraints=(left, *limits),
        preference=lambda point: -left(point),
        reduction=dataclasses.replace(
            reduction(low),
            to_point=to_point,
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


def any_size_plan(given: Record, solution: Solution, kind: ChargedCosts) -> DistillationPlan:
    """The plan from a solution of `any_size_problem`."""
    size = variable_value(given, solution, "num_student_params", 0)
    plan = distillation_plan(
        Record(given | {"num_student_params": size}), _variables(solution, slice(1, None)), kind
    )
    # Here the budget that binds is the whole budget, serving included.
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
        active_bounds=Record(plan.active_bounds | of_size["active_bounds"]),
        marginal_values=Record(plan.marginal_values | of_size["marginal_values"]),
    )
