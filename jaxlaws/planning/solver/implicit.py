"""Derivatives of a minimum by the implicit function theorem, with active bounds and constraints.

At a solution the Karush-Kuhn-Tucker conditions hold with equality on the active set. The
derivatives are those of the solution of these conditions, not those of the steps of the search.
They exist in forward and in reverse mode and to any order, also where the problem closes over
traced values. A variable on a bound moves only with its bound. Where a bound or constraint is only
just active, the derivative is one-sided: the bound or constraint stays active.
"""

import functools
from collections.abc import Callable

import jax.numpy as jnp
from jax import lax

from jaxlaws.foundations.annotations import Array
from jaxlaws.planning.solver.batched import Point, dot, eliminate, gradient, gradients
from jaxlaws.planning.solver.numeric_tolerances import Tolerances
from jaxlaws.planning.solver.point_analysis import (
    least_squares_multipliers,
    objective_with_preference,
)
from jaxlaws.planning.solver.problem import Problem


def differentiable_minimum(
    problem: Problem, tol: Tolerances, find: Callable[[], tuple[Point, Point, Point, Array]]
) -> tuple[Point, Point, Array]:
    """A minimum that carries its derivatives.

    Args:
        problem: the problem.
        tol: the tolerances for the precision of the problem.
        find: returns the point; -1, 0 or +1 for each variable, on its lower bound, on no bound or
            on its upper bound; 1 for each constraint that binds, else 0; and whether the point is
            a minimum.

    Returns:
        The point; the multipliers of the constraints, which are by how much the objective falls
        per unit by which a constraint is relaxed; and whether the point is a minimum.
    """
    num, num_constraints = len(problem.lower), len(problem.constraints)
    size = num + num_constraints

    def conditions(unknown: list[Array]) -> list[Array]:
        point, multipliers = unknown[:num], unknown[num:size]
        active = [lax.stop_gradient(entry) for entry in unknown[size:]]
        on_bound, kept = active[:num], active[num:-1]
        _, grad = gradient(lambda p: objective_with_preference(problem, tol, p), point)
        analysed = [gradient(constraint, point) for constraint in problem.constraints]
        # The squares of active constraints make the matrix definite and do not change the solution.
        weights = [
            k * (value - m) for k, m, (value, _) in zip(kept, multipliers, analysed, strict=True)
        ]
        stationary = [
            slope + dot(weights, [normal[i] for _, normal in analysed])
            for i, slope in enumerate(grad)
        ]
        of_point = [
            jnp.where(side == 0, condition, position - jnp.where(side > 0, high, low))
            for side, condition, position, low, high in zip(
                on_bound, stationary, point, problem.lower, problem.upper, strict=True
            )
        ]
        bindings = [
            jnp.where(k == 0, m, -value)
            for k, m, (value, _) in zip(kept, multipliers, analysed, strict=True)
        ]
        marks = [mark - value for mark, value in zip(unknown[size:], active, strict=True)]
        return [*of_point, *bindings, *marks]

    def root(_: object, start: list[Array]) -> list[Array]:
        point, on_bound, kept, solved = find()
        objective = functools.partial(objective_with_preference, problem, tol)
        (_, grad), *analysed = gradients([objective, *problem.constraints], point)
        normals = [normal for _, normal in analysed]
        free = [jnp.where(side == 0, 1.0, 0.0) for side in on_bound]
        multipliers = least_squares_multipliers(grad, normals, free, kept, tol.pivot)
        found = [*point, *multipliers, *on_bound, *kept, solved]
        return [value.astype(like.dtype) for value, like in zip(found, start, strict=True)]

    def tangent(linear: Callable[[list[Array]], list[Array]], right: list[Array]) -> list[Array]:
        # In a loop, so that the program has one copy of the conditions.
        def column(direction: Array) -> list[Array]:
            return linear([entry * jnp.ones_like(right[0]) for entry in direction])[:size]

        columns = lax.map(column, jnp.eye(size, len(right), dtype=right[0].dtype))
        rows = [[columns[i][j] for j in range(size)] for i in range(size)]
        return [*eliminate(rows, right[:size]), *right[size:]]

    start = [jnp.zeros_like(problem.lower[0])] * (2 * size + 1)
    found = lax.custom_root(conditions, start, root, tangent)
    return found[:num], found[num:size], found[-1] > 0
