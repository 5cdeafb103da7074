"""The fast way to a minimum: a scan of candidates, then Newton steps in the free coordinates."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jaxlaws.planning.solver.batched import Array, Point, hessian, largest, solve
from jaxlaws.planning.solver.numeric_tolerances import Tolerances
from jaxlaws.planning.solver.problem import Problem, Reduction

_MAX_STEPS = 12
_LONGEST_STEP = 2.0  # in a logarithm
_BEYOND_ANY = 1e4  # nats, or of a cost's logarithm


def _choose(condition: Array, yes: Any, no: Any) -> Any:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)


def penalised(problem: Problem, limits: Tolerances, point: Point, value: Array) -> Array:
    """A value, made worse than any where constraints are violated, the more the further."""
    missed = largest([-constraint(point) for constraint in problem.constraints], 0.0 * value)
    return value + jnp.where(missed > limits.violation, _BEYOND_ANY * (1.0 + missed), 0.0)


def scan(problem: Problem, reduction: Reduction, limits: Tolerances) -> Point:
    """Coordinates of the best candidate, bounds heeded; where none is feasible, of the nearest."""

    def better(index: Any, state: tuple[Point, Point, Array]) -> tuple[Point, Point, Array]:
        before, *best = state
        candidate = reduction.candidate(index)
        if reduction.follow is not None:
            candidate = reduction.follow(candidate, before)
        point = problem.clip(reduction.to_point(candidate, [0.0] * reduction.num_relaxations))
        value = penalised(problem, limits, point, problem.objective(point))
        return candidate, *_choose(value < best[1], (candidate, value), tuple(best))

    first = reduction.candidate(0)
    state = (first, first, jnp.full_like(problem.lower[0], jnp.inf))
    return lax.fori_loop(0, reduction.num_candidates, better, state)[1]


def newton(
    problem: Problem, reduction: Reduction, start: Point, limits: Tolerances
) -> tuple[Point, Array]:
    """Newton's method with halving of steps that do not help.

    Returns:
        Coordinates, and the size of the gradient one step before them.
    """

    def to_point(coordinates: Point) -> Point:
        return reduction.to_point(coordinates, [0.0] * reduction.num_relaxations)

    def step(state):
        count, here, trial, best, error = state
        value, gradient, curvature = hessian(lambda c: problem.objective(to_point(c)), trial)
        for entry, low, high in zip(to_point(trial), problem.lower, problem.upper, strict=True):
            value = jnp.where((entry >= low) & (entry <= high), value, jnp.inf)
        downhill = [-slope for slope in gradient]
        move, least = solve(curvature, downhill, len(trial), limits.pivot)
        length = largest([jnp.abs(part) for part in move], jnp.zeros_like(value))
        shrink = _LONGEST_STEP / jnp.maximum(length, _LONGEST_STEP)
        new_error = largest([jnp.abs(slope) for slope in gradient], jnp.zeros_like(value))
        # Nothing outside the bounds is taken, not even the start, should rounding put it there.
        new_error = jnp.where(value < jnp.inf, new_error, jnp.inf)
        # Near the end the values differ by rounding alone: there the gradient decides.
        noise = limits.noise * jnp.abs(value)
        accepted = (value < best - noise) | ((value <= best + noise) & (new_error < error))
        following = [
            jnp.where(accepted, t + part * shrink, 0.75 * h + 0.25 * t)
            for t, part, h in zip(trial, move, here, strict=True)
        ]
        close = (least > -limits.pivot) & (length <= limits.step)
        new_error = jnp.where(close, new_error, 1 + new_error)
        here, best, error = _choose(accepted, (trial, value, new_error), (here, best, error))
        return count + 1, here, following, best, error

    def unfinished(state):
        return (state[0] < _MAX_STEPS) & jnp.any(state[4] > limits.gradient)

    infinite = jnp.full_like(problem.lower[0], jnp.inf)
    state = (jnp.int32(0), start, start, infinite, infinite)
    _, here, following, _, error = lax.while_loop(unfinished, step, state)
    return _choose(error <= limits.gradient, following, here), error


def descend(problem: Problem, reduction: Reduction, limits: Tolerances) -> tuple[Point, Array]:
    """Minimise along a short cut.

    Returns:
        The point, within the bounds, and whether it is surely the minimum: a stationary point of
        positive curvature, off all bounds but those held, that meets all constraints, none of
        which improves when it is relaxed. Where not, the point is a start for
        `active_set.minimise`.
    """
    coordinates: Point = []
    sure = jnp.ones_like(problem.lower[0], dtype=bool)
    if reduction.num_candidates:
        coordinates = scan(problem, reduction, limits)
        coordinates, error = newton(problem, reduction, coordinates, limits)
        sure = error <= limits.gradient
    kept = [0.0] * reduction.num_relaxations
    point = reduction.to_point(coordinates, kept)
    for index, (value, low, high) in enumerate(
        zip(point, problem.lower, problem.upper, strict=True)
    ):
        if index not in reduction.held:
            sure &= (value > low + limits.margin) & (value < high - limits.margin)
    for constraint in problem.constraints:
        sure &= constraint(point) >= -limits.violation
    value = problem.objective(point)
    for index in range(reduction.num_relaxations):
        relaxation = [*kept[:index], limits.relaxation, *kept[index + 1 :]]
        sure &= problem.objective(reduction.to_point(coordinates, relaxation)) <= value
    return problem.clip(point), sure
