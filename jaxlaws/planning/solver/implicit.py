"""Derivatives of a minimum by the implicit function theorem, active bounds included.

At a solution the conditions of Karush, Kuhn and Tucker hold with equality on the set of active
bounds and constraints. Their solution is differentiated, not the steps that led to it: in forward
and in reverse mode, again and again, also where the problem closes over traced values. A variable
on a bound moves with its bound alone. Where a bound or constraint is only just active, the
derivative is the one-sided one with it held.
"""

from collections.abc import Callable

import jax.numpy as jnp
from jax import lax

from jaxlaws.planning.solver.active_set import least_squares_multipliers, preferred
from jaxlaws.planning.solver.batched import Array, Point, dot, eliminate, gradient
from jaxlaws.planning.solver.numeric_tolerances import Tolerances
from jaxlaws.planning.solver.problem import Problem


def differentiable_minimum(
    problem: Problem, limits: Tolerances, find: Callable[[], tuple[Point, Point, Point, Array]]
) -> tuple[Point, Point, Array]:
    """A minimum that carries its derivatives.

    Args:
        problem: the problem.
        limits: what counts as zero.
        find: gives the point; -1, 0 or +1 for each variable on its lower, on no, or on its upper
            bound; 1 or 0 for each constraint that binds or does not; and whether it is solved.

    Returns:
        The point, and the multipliers of the constraints: by how much the objective falls as a
        constraint is relaxed; and whether it is solved.
    """
    num, num_constraints = len(problem.lower), len(problem.constraints)
    size = num + num_constraints

    def conditions(unknown: list[Array]) -> list[Array]:
        point, multipliers = unknown[:num], unknown[num:size]
        active = [lax.stop_gradient(entry) for entry in unknown[size:]]
        on_bound, kept = active[:num], active[num:-1]
        _, slopes = gradient(lambda p: preferred(problem, limits, p), point)
        analysed = [gradient(constraint, point) for constraint in problem.constraints]
        # The squares of kept constraints change no solution and make the matrix definite.
        weights = [
            k * (value - m) for k, m, (value, _) in zip(kept, multipliers, analysed, strict=True)
        ]
        stationary = [
            slope + dot(weights, [normal[i] for _, normal in analysed])
            for i, slope in enumerate(slopes)
        ]
        places = [
            jnp.where(side == 0, condition, place - jnp.where(side > 0, high, low))
            for side, condition, place, low, high in zip(
                on_bound, stationary, point, problem.lower, problem.upper, strict=True
            )
        ]
        bindings = [
            jnp.where(k == 0, m, -value)
            for k, m, (value, _) in zip(kept, multipliers, analysed, strict=True)
        ]
        marks = [mark - held for mark, held in zip(unknown[size:], active, strict=True)]
        return [*places, *bindings, *marks]

    def root(_: object, start: list[Array]) -> list[Array]:
        point, on_bound, kept, solved = find()
        _, slopes = gradient(lambda p: preferred(problem, limits, p), point)
        normals = [gradient(constraint, point)[1] for constraint in problem.constraints]
        free = [jnp.where(side == 0, 1.0, 0.0) for side in on_bound]
        multipliers = least_squares_multipliers(slopes, normals, free, kept, limits.pivot)
        found = [*point, *multipliers, *on_bound, *kept, solved]
        return [value.astype(like.dtype) for value, like in zip(found, start, strict=True)]

    def tangent(linear: Callable[[list[Array]], list[Array]], right: list[Array]) -> list[Array]:
        zero = jnp.zeros_like(right[0])
        one = jnp.ones_like(zero)
        columns = [
            linear([one if i == j else zero for i in range(len(right))])[:size] for j in range(size)
        ]
        rows = [[column[i] for column in columns] for i in range(size)]
        return [*eliminate(rows, right[:size]), *right[size:]]

    start = [jnp.zeros_like(problem.lower[0])] * (2 * size + 1)
    found = lax.custom_root(conditions, start, root, tangent)
    return found[:num], found[num:size], found[-1] > 0
