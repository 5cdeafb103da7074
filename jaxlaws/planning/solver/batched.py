"""Derivatives and small linear systems for a batch of problems.

A point is a list with one array for each variable, each of the shape of the batch. A function
takes a point and works entry by entry. Forward-mode differentiation then computes the derivatives
of all batch entries in one fused kernel. Batched matrices and LAPACK would take several times as
long.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxlaws.foundations.annotations import Array

Point = list[Array]
_T = TypeVar("_T")


def _with(point: Sequence[Array], index: int, value: Array) -> Point:
    return [*point[:index], value, *point[index + 1 :]]


def slope(function: Callable[[Point], Array], point: Sequence[Array], index: int) -> Array:
    """The value of a function, and its derivative along one variable."""
    one = jnp.ones_like(point[index])
    return jax.jvp(lambda value: function(_with(point, index, value)), (point[index],), (one,))


def gradient(function: Callable[[Point], Array], point: Sequence[Array]) -> tuple[Array, Point]:
    """The value of a function, and its gradient."""
    slopes = [slope(function, point, index) for index in range(len(point))]
    return slopes[0][0], [derivative for _, derivative in slopes]


def gradients(
    functions: Sequence[Callable[[Point], Array]], point: Sequence[Array]
) -> list[tuple[Array, Point]]:
    """For each function the same as `gradient`, in a loop over the variables, see `hessians`."""
    along = jnp.eye(len(point), dtype=jnp.result_type(point[0]))
    values, slopes = lax.map(lambda direction: _slopes(functions, point, direction), along)
    return [(value[0], list(slope)) for value, slope in zip(values, slopes, strict=True)]


def _slopes(
    functions: Sequence[Callable[[Point], Array]], point: Sequence[Array], direction: Array
) -> tuple[list[Array], list[Array]]:
    """The values of functions, and their derivatives along a direction."""
    tangent = [jnp.full_like(value, 1.0) * direction[i] for i, value in enumerate(point)]
    return jax.jvp(lambda at: [each(at) for each in functions], (list(point),), (tangent,))


def hessian(
    function: Callable[[Point], Array], point: Sequence[Array]
) -> tuple[Array, Point, list[Point]]:
    """The value of a function, its gradient, and the rows of the lower triangle of its Hessian."""
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


def hessians(
    functions: Sequence[Callable[[Point], Array]], point: Sequence[Array]
) -> list[tuple[Array, Point, list[Point]]]:
    """For each function the same as `hessian`, in a loop over the pairs of variables.

    The program has one copy of the functions instead of one for each pair. It takes a fraction of
    the time to compile and more time to run.
    """
    size = len(point)
    pairs = [(i, j) for i in range(size) for j in range(i + 1)]
    places = {pair: place for place, pair in enumerate(pairs)}
    along = jnp.eye(size, dtype=jnp.result_type(point[0]))[jnp.array(pairs)]

    def step(_: None, pair: Array) -> tuple[None, tuple[list[Array], ...]]:
        tangent = [jnp.full_like(value, 1.0) * pair[1, i] for i, value in enumerate(point)]
        (values, first), (_, second) = jax.jvp(
            lambda at: _slopes(functions, at, pair[0]), (list(point),), (tangent,)
        )
        return None, (values, first, second)

    _, found = lax.scan(step, None, along)
    return [
        (
            value[0],
            [first[places[i, i]] for i in range(size)],
            [[second[places[i, j]] for j in range(i + 1)] for i in range(size)],
        )
        for value, first, second in zip(*found, strict=True)
    ]


def hessian_in_loop(
    function: Callable[[Point], Array], point: Sequence[Array]
) -> tuple[Array, Point, list[Point]]:
    """The same as `hessian`, in a loop, see `hessians`."""
    return hessians([function], point)[0]


def choose(condition: Array, yes: _T, no: _T) -> _T:
    """One of two trees of arrays, entry by entry."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)


def dot(left: Sequence[Array], right: Sequence[Array]) -> Array:
    """The sum of products; 0 for empty sequences."""
    total: Array = 0.0
    for a, b in zip(left, right, strict=True):
        total = total + a * b
    return total


def largest(values: Sequence[Array], least: Array) -> Array:
    """The largest of some values and of `least`."""
    for value in values:
        least = jnp.maximum(least, value)
    return least


def solve(
    lower: Sequence[Sequence[Array]], right: Sequence[Array], num_positive: int, floor: float
) -> tuple[Point, Array]:
    """Solve a small symmetric system by an unrolled `L D L^T` factorisation without pivoting.

    The first `num_positive` pivots should be positive and the others negative, as in a quadratic
    problem with constraints; such matrices need no pivoting. Where a pivot has the wrong sign, the
    factorisation uses its absolute value, so that the solution is still a direction of descent.

    Args:
        lower: rows of the lower triangle.
        right: right-hand side.
        num_positive: number of leading pivots that should be positive.
        floor: smallest absolute value of a pivot.

    Returns:
        The solution, and the smallest of the first `num_positive` pivots, before its sign and its
        size are corrected.
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
    """Solve a small system by unrolled Gaussian elimination without pivoting.

    Where a pivot is zero, up to rounding, the system does not determine an unknown. The solution is
    then finite, and zero in this unknown.

    Args:
        rows: rows of the matrix.
        right: right-hand side; the solution is linear in it.
    """
    size, solution = len(right), list(right)
    matrix = [list(row) for row in rows]
    rounding = jnp.finfo(jnp.result_type(right[0])).eps
    for j in range(size):
        most = largest([jnp.abs(entry) for entry in rows[j]], jnp.zeros_like(rows[j][j]))
        determined = jnp.abs(matrix[j][j]) > rounding * most
        matrix[j][j] = jnp.where(determined, matrix[j][j], jnp.inf)
        for i in range(j + 1, size):
            factor = matrix[i][j] / matrix[j][j]
            matrix[i] = [a - factor * b for a, b in zip(matrix[i], matrix[j], strict=True)]
            solution[i] = solution[i] - factor * solution[j]
    for i in reversed(range(size)):
        known = dot(matrix[i][i + 1 :], solution[i + 1 :])
        solution[i] = (solution[i] - known) / matrix[i][i]
    return solution


def argmin(values: Array, axis: int) -> Array:
    """The index of the least number along an axis, the first of equal ones.

    `jnp.argmin` cannot be used within `precision.in_float64`: JAX lowers it when that has ended.
    """
    if isinstance(values, jax.Array):
        return jnp.take(jnp.argsort(values, axis), 0, axis)
    return np.argmin(values, axis)
