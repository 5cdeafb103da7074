"""The minimiser under every question: vmapped, certified, differentiable.

`minimise` takes a `Problem` and gives its global minimum as far as a scan can tell, a status for
each entry of the batch, and derivatives by the implicit function theorem. A question of one's own:

>>> import jax, jax.numpy as jnp
>>> from jaxlaws import presets
>>> law = presets.load("besiroglu2024")
>>> def smallest(target):
...     "log N and log D of the run of least 6 N D that reaches a loss."
...     problem = Problem(
...         objective=lambda p: p[0] + p[1],
...         constraints=(
...             lambda p: target - law.loss(num_params=jnp.exp(p[0]), num_tokens=jnp.exp(p[1])),
...         ),
...         lower=[jnp.log(1e6), jnp.log(1e6)],
...         upper=[jnp.log(1e13), jnp.log(1e15)],
...     )
...     return minimise(problem).point
>>> f"{jnp.exp(jax.jit(smallest)(2.2)[0]):.1e}"
'5.6e+09'
"""

import itertools
from typing import Any

import jax.numpy as jnp
from jax import lax

from jaxlaws.planning.solver import active_set
from jaxlaws.planning.solver.batched import Array, Point, dot, gradient
from jaxlaws.planning.solver.implicit import differentiable_minimum
from jaxlaws.planning.solver.numeric_tolerances import Tolerances, tolerances
from jaxlaws.planning.solver.problem import Problem
from jaxlaws.planning.solver.reduced_newton import descend, penalised
from jaxlaws.pytree import pytree

__all__ = ["Problem", "Solution", "finish", "first_pass", "minimise"]

_GRID = {1: 65, 2: 17, 3: 9, 4: 6}


@pytree
class Solution:
    """A minimum.

    Attributes:
        point: the variables, each of the batch's shape.
        on_bound: -1, 0 or +1 for each variable on its lower, on no, or on its upper bound.
        binding: for each constraint, whether it binds.
        multipliers: for each constraint, by how much the objective falls per unit by which it is
            relaxed.
        bound_values: for each variable on a bound, by how much the objective falls per unit by
            which the bound is raised; else 0.
        solved: whether all conditions of a minimum hold.
        possible: whether bounds and constraints can be met, and are.
    """

    point: Any
    on_bound: Any
    binding: Any
    multipliers: Any
    bound_values: Any
    solved: Any
    possible: Any


def _sides(problem: Problem, point: Point) -> Point:
    """-1, 0 or +1 for each variable on its lower, on no, or on its upper bound."""
    return [
        jnp.where(value >= high, 1.0, jnp.where(value <= low, -1.0, 0.0))
        for value, low, high in zip(point, problem.lower, problem.upper, strict=True)
    ]


def _binding(problem: Problem, point: Point, limits: Tolerances) -> Point:
    """1 for each constraint that binds, else 0."""
    return [
        jnp.where(constraint(point) <= limits.violation, 1.0, 0.0)
        for constraint in problem.constraints
    ]


def _grid_start(problem: Problem, limits: Tolerances) -> Point:
    """The best point of a coarse grid."""
    steps = _GRID[len(problem.lower)]
    places = jnp.array(list(itertools.product(range(steps), repeat=len(problem.lower))))
    fractions = places / (steps - 1)

    def point_of(index: Any) -> Point:
        row = fractions[index]
        return [
            low + (high - low) * row[i].astype(jnp.result_type(low))
            for i, (low, high) in enumerate(zip(problem.lower, problem.upper, strict=True))
        ]

    def better(index: Any, best: tuple[Point, Array]) -> tuple[Point, Array]:
        point = point_of(index)
        value = active_set.preferred(problem, limits, point)
        value = penalised(problem, limits, point, value)
        improved = value < best[1]
        chosen = [jnp.where(improved, p, b) for p, b in zip(point, best[0], strict=True)]
        return chosen, jnp.where(improved, value, best[1])

    best = (point_of(0), jnp.full_like(problem.lower[0], jnp.inf))
    return lax.fori_loop(0, len(places), better, best)[0]


def _possible(problem: Problem) -> Array:
    if problem.possible is None:
        return jnp.ones_like(problem.lower[0], dtype=bool)
    return problem.possible


def first_pass(problem: Problem) -> tuple[Point, Array]:
    """A point, and whether that is final: surely the minimum, or there is none."""
    limits = tolerances(problem.lower[0])
    if problem.reduction is not None:
        point, sure = descend(problem, problem.reduction, limits)
        return point, sure | ~_possible(problem)
    return _grid_start(problem, limits), ~_possible(problem)


def finish(problem: Problem, start: Point) -> tuple[Point, Array]:
    """The minimum near a start, and whether all conditions of one hold."""
    limits = tolerances(problem.lower[0])
    point, known = active_set.minimise(problem, limits, start)
    return point, (known.error <= limits.gradient) & (known.length <= limits.flat)


def described(
    problem: Problem, point: Point, solved: Array, multipliers: Point | None = None
) -> Solution:
    """The solution at a point."""
    limits = tolerances(problem.lower[0])
    possible = _possible(problem)
    analysed = [gradient(constraint, point) for constraint in problem.constraints]
    for value, _ in analysed:
        possible &= value >= -limits.violation
    sides = [jnp.where(possible, side, 0.0) for side in _sides(problem, point)]
    binding = [value <= limits.violation for value, _ in analysed]
    _, slopes = gradient(problem.objective, point)
    normals = [normal for _, normal in analysed]
    if multipliers is None:
        free = [jnp.where(side == 0, 1.0, 0.0) for side in sides]
        kept = [jnp.where(binds, 1.0, 0.0) for binds in binding]
        multipliers = active_set.least_squares_multipliers(
            slopes, normals, free, kept, limits.pivot
        )
    pushes = [dot(multipliers, [n[i] for n in normals]) - s for i, s in enumerate(slopes)]
    return Solution(
        point=point,
        on_bound=[side.astype(jnp.int32) for side in sides],
        binding=binding,
        multipliers=multipliers,
        bound_values=[jnp.where(s == 0, 0.0, push) for s, push in zip(sides, pushes, strict=True)],
        solved=solved,
        possible=possible,
    )


def minimise(problem: Problem) -> Solution:
    """Minimise, and carry the derivatives of the minimum.

    Args:
        problem: what to minimise; it may close over traced values.
    """
    limits = tolerances(problem.lower[0])

    def find() -> tuple[Point, Point, Point, Array]:
        start, final = first_pass(problem)

        def second() -> tuple[Point, Array]:
            point, solved = finish(problem, start)
            return [jnp.where(final, s, p) for s, p in zip(start, point, strict=True)], (
                final | solved
            )

        point, solved = lax.cond(jnp.all(final), lambda: (start, final), second)
        # Where there is no plan, nothing moves: a singular system there would spoil the sum of
        # a batch's derivatives.
        nothing = ~_possible(problem)
        sides = [jnp.where(nothing, 1.0, side) for side in _sides(problem, point)]
        kept = [jnp.where(nothing, 0.0, k) for k in _binding(problem, point, limits)]
        return point, sides, kept, solved

    point, multipliers, solved = differentiable_minimum(problem, limits, find)
    return described(problem, point, solved, multipliers)
