"""The minimiser that all planning functions use: batched, verified and differentiable.

`minimise` takes a `Problem` and returns a `Solution`: the global minimum, as far as a coarse scan
finds it, whether it is verified for each batch entry, and derivatives by the implicit function
theorem. It can be used without the planner:

>>> import jax, jax.numpy as jnp
>>> from jaxlaws import presets
>>> law = presets.load("besiroglu2024")
>>> def smallest(target):
...     "log N and log D of the run with the least 6 N D that reaches a loss."
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

import jax.numpy as jnp
from jax import lax

from jaxlaws.foundations.annotations import Array
from jaxlaws.planning.solver import point_analysis
from jaxlaws.planning.solver.active_set import newton_on_active_set
from jaxlaws.planning.solver.batched import Point, choose, dot, gradients
from jaxlaws.planning.solver.implicit import differentiable_minimum
from jaxlaws.planning.solver.numeric_tolerances import Tolerances, tolerances
from jaxlaws.planning.solver.problem import Problem
from jaxlaws.planning.solver.reduced_newton import Found, descend, penalised
from jaxlaws.pytree import pytree

# Points along each axis of the grid of starting points, by number of variables.
_GRID = {1: 65, 2: 17, 3: 9, 4: 6}


@pytree
class Solution:
    """A minimum. All arrays have the shape of the batch.

    Attributes:
        point: a list with the value of each variable.
        value: the value of the objective.
        on_bound: a list with -1, 0 or +1 for each variable: on its lower bound, on no bound, or
            on its upper bound.
        binding: a list with booleans for each constraint: whether it binds.
        multipliers: a list for each constraint: by how much the objective falls per unit by which
            the constraint is relaxed.
        bound_values: a list for each variable: by how much the objective falls per unit by which
            its active bound is raised; 0 where no bound is active.
        solved: whether the point is verified to be a minimum.
        possible: whether the point meets the bounds and constraints; false where no point does.
    """

    point: Point
    value: Array
    on_bound: Point
    binding: Point
    multipliers: Point
    bound_values: Point
    solved: Array
    possible: Array


def _sides(problem: Problem, point: Point) -> Point:
    """-1, 0 or +1 for each variable: on its lower bound, on no bound, or on its upper bound."""
    return [
        jnp.where(value >= high, 1.0, jnp.where(value <= low, -1.0, 0.0))
        for value, low, high in zip(point, problem.lower, problem.upper, strict=True)
    ]


def _binding(problem: Problem, point: Point, tol: Tolerances) -> Point:
    """1 for each constraint that binds, else 0."""
    return [
        jnp.where(constraint(point) <= tol.violation, 1.0, 0.0)
        for constraint in problem.constraints
    ]


def _grid_start(problem: Problem, tol: Tolerances) -> Point:
    """The best point of a coarse grid."""
    steps = _GRID[len(problem.lower)]
    grid = jnp.array(list(itertools.product(range(steps), repeat=len(problem.lower))))
    fractions = grid / (steps - 1)

    def point_of(index: Array) -> Point:
        row = fractions[index]
        return [
            low + (high - low) * row[i].astype(jnp.result_type(low))
            for i, (low, high) in enumerate(zip(problem.lower, problem.upper, strict=True))
        ]

    def better(index: Array, best: tuple[Point, Array]) -> tuple[Point, Array]:
        point = point_of(index)
        value = point_analysis.objective_with_preference(problem, tol, point)
        value = penalised(problem, tol, point, value)
        return choose(value < best[1], (point, value), best)

    best = (point_of(0), jnp.full_like(problem.lower[0], jnp.inf))
    return lax.fori_loop(0, len(grid), better, best)[0]


def _possible(problem: Problem) -> Array:
    if problem.possible is None:
        return jnp.ones_like(problem.lower[0], dtype=bool)
    return problem.possible


def _may_be_in_doubt(problem: Problem) -> bool:
    return problem.reduction is not None and problem.reduction.on_curve


def first_pass(problem: Problem) -> Found:
    """The result of the fast route."""
    tol = tolerances(problem.lower[0])
    problem, _ = problem.without_unit()
    impossible = ~_possible(problem)
    if problem.reduction is not None:
        found = descend(problem, problem.reduction, tol)
        in_doubt = found.in_doubt & ~impossible
        return found._replace(final=found.final | impossible, in_doubt=in_doubt)
    start = problem.start
    point = _grid_start(problem, tol) if start is None else problem.clip(start())
    return Found(point, impossible, point, jnp.zeros_like(impossible))


def finish(problem: Problem, start: Point) -> tuple[Point, Array]:
    """The minimum near a starting point, and whether it is verified to be a minimum."""
    tol = tolerances(problem.lower[0])
    problem, _ = problem.without_unit()
    point, known = newton_on_active_set(problem, tol, start)
    stationary = (known.error <= tol.gradient) & (known.length <= tol.flat)
    least = known.error * known.length <= tol.decrement
    return point, stationary | (least & (known.error <= tol.decrement**0.5))


def solution_at(
    problem: Problem, point: Point, solved: Array, multipliers: Point | None = None
) -> Solution:
    """The solution at a point.

    Args:
        problem: the problem.
        point: the point.
        solved: whether the point is verified to be a minimum.
        multipliers: numbers whose derivatives the multipliers of the constraints get; None: they
            get those of the formula.
    """
    tol = tolerances(problem.lower[0])
    possible = _possible(problem)
    (least, grad), *analysed = gradients([problem.objective, *problem.constraints], point)
    for value, _ in analysed:
        possible &= value >= -tol.violation
    sides = [jnp.where(possible, side, 0.0) for side in _sides(problem, point)]
    binding = [value <= tol.violation for value, _ in analysed]
    normals = [normal for _, normal in analysed]
    free = [jnp.where(side == 0, 1.0, 0.0) for side in sides]
    kept = [jnp.where(binds, 1.0, 0.0) for binds in binding]
    least_squares = point_analysis.least_squares_multipliers(grad, normals, free, kept, tol.pivot)
    if multipliers is None:
        multipliers = least_squares
    else:  # their values contain the preference among equally good points
        off = [a - b for a, b in zip(least_squares, multipliers, strict=True)]
        multipliers = [m + lax.stop_gradient(o) for m, o in zip(multipliers, off, strict=True)]
    pushes = [dot(multipliers, [n[i] for n in normals]) - s for i, s in enumerate(grad)]
    return Solution(
        point=point,
        value=least,
        on_bound=[side.astype(jnp.int32) for side in sides],
        binding=binding,
        multipliers=multipliers,
        bound_values=[jnp.where(s == 0, 0.0, push) for s, push in zip(sides, pushes, strict=True)],
        solved=solved,
        possible=possible,
    )


def minimise(problem: Problem) -> Solution:
    """Minimise a problem; the result has the derivatives of the minimum.

    Args:
        problem: the problem; it may close over traced values.

    Returns:
        The solution. It is differentiable with respect to all that the problem closes over.
    """
    tol = tolerances(problem.lower[0])
    original = problem
    problem, unit = original.without_unit()

    def find() -> tuple[Point, Point, Point, Array]:
        found = first_pass(problem)

        rounds = 2 if _may_be_in_doubt(problem) else 1

        def step(count: Array, state: tuple[Point, Array, Point]) -> tuple[Point, Array, Point]:
            point, solved, start = state
            new, new_solved = finish(problem, start)
            old_value, new_value = problem.objective(point), problem.objective(new)
            lower = new_value < old_value - tol.noise * jnp.abs(old_value)
            chosen = jnp.where(count == 0, ~found.final, found.in_doubt & lower)
            point = choose(chosen, new, point)
            start = choose(found.in_doubt, found.other, point)
            return point, jnp.where(chosen, new_solved, solved), start

        def second() -> tuple[Point, Array]:
            state = (found.point, found.final, found.point)
            return lax.fori_loop(0, rounds, step, state)[:2]

        certain = jnp.all(found.final & ~found.in_doubt)
        point, solved = lax.cond(certain, lambda: (found.point, found.final), second)
        # An infeasible entry has derivatives zero: a singular system there would make the sum of
        # the derivatives of the batch NaN.
        nothing = ~_possible(problem)
        sides = [jnp.where(nothing, 1.0, side) for side in _sides(problem, point)]
        kept = [jnp.where(nothing, 0.0, k) for k in _binding(problem, point, tol)]
        return point, sides, kept, solved

    point, multipliers, solved = differentiable_minimum(problem, tol, find)
    return solution_at(original, point, solved, [unit * each for each in multipliers])
