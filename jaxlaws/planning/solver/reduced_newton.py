"""The fast route to a minimum: a scan of candidates, then Newton steps in a `Reduction`."""

from typing import TypeAlias, TypeVar

import jax
import jax.numpy as jnp
from jax import lax

from jaxlaws.foundations.annotations import Array
from jaxlaws.planning.solver.batched import Point, hessian, largest, solve
from jaxlaws.planning.solver.numeric_tolerances import Tolerances
from jaxlaws.planning.solver.problem import Problem, Reduction

_MAX_STEPS = 12
_LONGEST_STEP = 2.0  # in a logarithm
# Added to the objective where a constraint is violated: more than any loss in nats, and more than
# the logarithm of any cost.
_PENALTY = 1e4

_T = TypeVar("_T")

# Number of steps, best coordinates, coordinates to try, best value, size of the best gradient.
_State: TypeAlias = tuple[Array, Point, Point, Array, Array]


def _choose(condition: Array, yes: _T, no: _T) -> _T:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)


def penalised(problem: Problem, tol: Tolerances, point: Point, value: Array) -> Array:
    """A value plus a large penalty where constraints are violated, larger for larger violations."""
    missed = largest([-constraint(point) for constraint in problem.constraints], 0.0 * value)
    return value + jnp.where(missed > tol.violation, _PENALTY * (1.0 + missed), 0.0)


def scan(problem: Problem, reduction: Reduction, tol: Tolerances) -> Point:
    """Coordinates of the best candidate, or of the least violation where none is feasible."""

    def better(index: Array, state: tuple[Point, Point, Array]) -> tuple[Point, Point, Array]:
        before, best, least = state
        candidate = reduction.candidate(index)
        if reduction.follow is not None:
            candidate = reduction.follow(candidate, before)
        point = problem.clip(reduction.to_point(candidate, [0.0] * reduction.num_relaxations))
        value = penalised(problem, tol, point, problem.objective(point))
        best, least = _choose(value < least, (candidate, value), (best, least))
        return candidate, best, least

    first = reduction.candidate(0)
    state = (first, first, jnp.full_like(problem.lower[0], jnp.inf))
    return lax.fori_loop(0, reduction.num_candidates, better, state)[1]


def newton(
    problem: Problem, reduction: Reduction, start: Point, tol: Tolerances
) -> tuple[Point, Array]:
    """Newton's method; a step that does not lower the objective is shortened.

    Returns:
        Coordinates, and the size of the gradient one step before them. One is added to the size
        where the curvature is not positive or the step is long.
    """

    def to_point(coordinates: Point) -> Point:
        return reduction.to_point(coordinates, [0.0] * reduction.num_relaxations)

    def step(state: _State) -> _State:
        count, here, trial, best, error = state
        value, gradient, curvature = hessian(lambda c: problem.objective(to_point(c)), trial)
        for entry, low, high in zip(to_point(trial), problem.lower, problem.upper, strict=True):
            value = jnp.where((entry >= low) & (entry <= high), value, jnp.inf)
        downhill = [-part for part in gradient]
        move, least = solve(curvature, downhill, len(trial), tol.pivot)
        length = largest([jnp.abs(part) for part in move], jnp.zeros_like(value))
        shrink = _LONGEST_STEP / jnp.maximum(length, _LONGEST_STEP)
        new_error = largest([jnp.abs(part) for part in gradient], jnp.zeros_like(value))
        # No point outside the bounds is accepted, not even a start that rounding moved outside.
        new_error = jnp.where(value < jnp.inf, new_error, jnp.inf)
        # Close to the minimum the values differ only by rounding: then the gradient decides.
        noise = tol.noise * jnp.abs(value)
        accepted = (value < best - noise) | ((value <= best + noise) & (new_error < error))
        following = [
            jnp.where(accepted, t + part * shrink, 0.75 * h + 0.25 * t)
            for t, part, h in zip(trial, move, here, strict=True)
        ]
        close = (least > -tol.pivot) & (length <= tol.step)
        new_error = jnp.where(close, new_error, 1 + new_error)
        here, best, error = _choose(accepted, (trial, value, new_error), (here, best, error))
        return count + 1, here, following, best, error

    def unfinished(state: _State) -> Array:
        return (state[0] < _MAX_STEPS) & jnp.any(state[4] > tol.gradient)

    infinite = jnp.full_like(problem.lower[0], jnp.inf)
    state = (jnp.int32(0), start, start, infinite, infinite)
    _, here, following, _, error = lax.while_loop(unfinished, step, state)
    return _choose(error <= tol.gradient, following, here), error


def descend(problem: Problem, reduction: Reduction, tol: Tolerances) -> tuple[Point, Array]:
    """Minimise in the coordinates of a reduction.

    Returns:
        The point, within the bounds, and whether it is verified to be the minimum: its gradient
        is zero, its curvature is positive, it lies on no bounds except those of
        `reduction.held`, it meets all constraints, with equality those of the reduction, and
        relaxing these does not raise the objective. Other points are starting points for
        `newton_on_active_set`.
    """
    coordinates: Point = []
    verified = jnp.ones_like(problem.lower[0], dtype=bool)
    if reduction.num_candidates:
        coordinates = scan(problem, reduction, tol)
        coordinates, error = newton(problem, reduction, coordinates, tol)
        verified = error <= tol.gradient
    kept = [0.0] * reduction.num_relaxations
    point = reduction.to_point(coordinates, kept)
    for index, (value, low, high) in enumerate(
        zip(point, problem.lower, problem.upper, strict=True)
    ):
        if index not in reduction.held:
            verified &= (value > low + tol.margin) & (value < high - tol.margin)
    for constraint in problem.constraints:
        verified &= constraint(point) >= -tol.violation
    # Coordinates that leave a part of the budget would give a minimum of a smaller budget.
    for constraint in problem.constraints[: reduction.num_relaxations - len(reduction.held)]:
        verified &= constraint(point) <= tol.violation
    value = problem.objective(point)
    for index in range(reduction.num_relaxations):
        relaxation = [*kept[:index], tol.relaxation, *kept[index + 1 :]]
        verified &= problem.objective(reduction.to_point(coordinates, relaxation)) <= value
    return problem.clip(point), verified
