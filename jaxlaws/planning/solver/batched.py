"""Derivatives and small linear systems of a whole batch of problems at once, entry by entry.

A point is a list of few arrays, one a variable, each of the batch's shape; a function takes such
a list and works entry by entry. Forward mode then gives every lane its own derivatives in one
fused kernel, where batched matrices and LAPACK would cost several times as much.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

Array = Any
Point = list[Array]


def _with(point: Sequence[Array], index: int, value: Array) -> Point:
    return [*point[:index], value, *point[index + 1 :]]


def slope(function: Callable[[Point], Array], point: Sequence[Array], index: int) -> Array:
    """Value and derivative along one variable."""
    one = jnp.ones_like(point[index])
    return jax.jvp(lambda value: function(_with(point, index, value)), (point[index],), (one,))


def gradient(function: Callable[[Point], Array], point: Sequence[Array]) -> tuple[Array, Point]:
    """Value and gradient."""
    slopes = [slope(function, point, index) for index in range(len(point))]
    return slopes[0][0], [derivative for _, derivative in slopes]


def hessian(
    function: Callable[[Point], Array], point: Sequence[Array]
) -> tuple[Array, Point, list[Point]]:
    """Value, gradient, and the rows of the lower triangle of the Hessian."""
    value: Array = 0.0
    first, second = [], []
    for i in range(len(point)):
        derivative: Array = 0.0
        row = []
        for j in range(i + 1):

            def along_i(other: Array, i: int = i, j: int = j) -> Array:
                return slope(function, _with(point, j, other), i)

            (value, derivative), (_, mixed) = jax.jvp(
                along_i, (point[j],), (jnp.ones_like(point[j]),)
            )
            row.append(mixed)
        first.append(derivative)
        second.append(row)
    return value, first, second


def dot(left: Sequence[Array], right: Sequence[Array]) -> Array:
    """Sum of products; 0 of nothing."""
    total: Array = 0.0
    for a, b in zip(left, right, strict=True):
        total = total + a * b
    return total


def largest(values: Sequence[Array], least: Array) -> Array:
    """The largest of some values and a least one."""
    for value in values:
        least = jnp.maximum(least, value)
    return least


def solve(
    lower: Sequence[Sequence[Array]], right: Sequence[Array], num_positive: int, floor: float
) -> tuple[Point, Array]:
    """Solve a small symmetric system by an unrolled `L D L^T` without pivoting.

    The first `num_positive` pivots ought to be positive and the rest negative, as in a quadratic
    problem with constraints (such matrices need no pivoting). Where a pivot has the wrong sign,
    its absolute value is taken: the solution is then a direction of descent nevertheless.

    Args:
        lower: rows of the lower triangle.
        right: right-hand side.
        num_positive: number of leading pivots that ought to be positive.
        floor: least size of a pivot.

    Returns:
        The solution, and the least of the pivots that ought to be positive, as it was.
    """
    size = len(right)
    factor = [list(row) for row in lower]
    pivots: Point = []
    least: Array = jnp.inf
    for j in range(size):
        pivot = factor[j][j] - dot([factor[j][k] ** 2 for k in range(j)], pivots)
        if j < num_positive:
            least = jnp.minimum(least, pivot)
        size_of_pivot = jnp.maximum(jnp.abs(pivot), floor)
        pivots.append(size_of_pivot if j < num_positive else -size_of_pivot)
        for i in range(j + 1, size):
            scaled = [factor[i][k] * factor[j][k] for k in range(j)]
            factor[i][j] = (factor[i][j] - dot(scaled, pivots[:j])) / pivots[j]
    solution = list(right)
    for i in range(size):
        solution[i] = solution[i] - dot(factor[i][:i], solution[:i])
    solution = [value / pivot for value, pivot in zip(solution, pivots, strict=True)]
    for i in reversed(range(size)):
        below = [factor[k][i] for k in range(i + 1, size)]
        solution[i] = solution[i] - dot(below, solution[i + 1 :])
    return solution, least


def eliminate(rows: Sequence[Sequence[Array]], right: Sequence[Array]) -> Point:
    """Solve a small system by unrolled elimination, without pivoting; linear in `right`."""
    size, solution = len(right), list(right)
    matrix = [list(row) for row in rows]
    for j in range(size):
        for i in range(j + 1, size):
            factor = matrix[i][j] / matrix[j][j]
            matrix[i] = [a - factor * b for a, b in zip(matrix[i], matrix[j], strict=True)]
            solution[i] = solution[i] - factor * solution[j]
    for i in reversed(range(size)):
        known = dot(matrix[i][i + 1 :], solution[i + 1 :])
        solution[i] = (solution[i] - known) / matrix[i][i]
    return solution
