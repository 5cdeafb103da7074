"""The fast route to a minimum: a scan of candidates, then Newton steps in a `Reduction`."""

from typing import NamedTuple, TypeAlias

import jax.numpy as jnp
from jax import lax

from jaxlaws.foundations.annotations import Array
from jaxlaws.planning.solver.batched import (
    Point,
    choose,
    hessian,
    hessian_in_loop,
    largest,
    solve,
)
from jaxlaws.planning.solver.numeric_tolerances import Tolerances
from jaxlaws.planning.solver.problem import Problem, Reduction

_MAX_STEPS = 12
_LONGEST_STEP = 2.0  # in a logarithm
# Added to the objective where a constraint is violated: more than any loss in nats, and more than
# the logarithm of any cost.
_PENALTY = 1e4

# Between its points a curve may fall below a local minimum of its points by this share of the
# largest step to a neighbour, but by no more than a share of the value.
_SHARE_OF_STEP, _MOST_BELOW = 0.5, 0.05
_STEPS_BEFORE = 4  # of a curve that goes on before its first candidate
_STEPS_TO_CURVE = 4  # Newton steps that bring one candidate to the curve

# Number of steps, best coordinates, coordinates to try, best value, size of the best gradient.
_State: TypeAlias = tuple[Array, Point, Point, Array, Array]


def penalised(problem: Problem, tol: Tolerances, point: Point, value: Array) -> Array:
    """A value plus a large penalty where constraints are violated, larger for larger violations."""
    missed = largest([-constraint(point) for constraint in problem.constraints], 0.0 * value)
    return value + jnp.where(missed > tol.violation, _PENALTY * (1.0 + missed), 0.0)


class Scanned(NamedTuple):
    """The result of a scan.

    Attributes:
        best: coordinates of the best candidate, or of the least violation where none is feasible.
        other: coordinates near another local minimum of the curve of the candidates.
        other_value: what the objective may be at that minimum at least; infinite where there is no
            other minimum.
    """

    best: Point
    other: Point
    other_value: Array


class _Scan(NamedTuple):
    """Where a scan is. A minimum is known by the index of its candidate.

    Attributes:
        before: the candidate before, with its value and the value before that.
        best: the best candidate and its value.
        minimum: the index of the best candidate, and what the objective may be near it at least:
            infinite while it is not known to be a local minimum.
        other: the same for the lowest local minimum apart from the best.
    """

    before: tuple[Point, Array, Array]
    best: tuple[Point, Array]
    minimum: tuple[Array, Array]
    other: tuple[Array, Array]


def scan(problem: Problem, reduction: Reduction, tol: Tolerances) -> Scanned:
    """Evaluate all candidates."""

    def step(index: Array, state: _Scan) -> _Scan:
        (before, middle, first), best, minimum, other = state
        candidate = reduction.candidate(index)
        if reduction.follow is not None:
            candidate = reduction.follow(candidate, before)
        point = problem.clip(reduction.to_point(candidate, [0.0] * reduction.num_relaxations))
        value = penalised(problem, tol, point, problem.objective(point))
        lower = value < best[1]
        if reduction.on_curve:
            below = _SHARE_OF_STEP * (jnp.maximum(first, value) - middle)
            least = middle - jnp.minimum(below, _MOST_BELOW * jnp.abs(middle))
            is_minimum = (middle <= first) & (middle < value) & (first < jnp.inf)
            is_best = middle <= best[1]
            found = is_minimum & ~is_best & (least < other[1])
            other = choose(found, (jnp.broadcast_to(index - 1, value.shape), least), other)
            minimum = (minimum[0], jnp.where(is_minimum & is_best, least, minimum[1]))
            other = choose(lower & (minimum[1] < other[1]), minimum, other)
            here = (jnp.broadcast_to(index, value.shape), jnp.full_like(value, jnp.inf))
            minimum = choose(lower, here, minimum)
        best = choose(lower, (candidate, value), best)
        return _Scan((candidate, value, middle), best, minimum, other)

    start, infinite = reduction.candidate(jnp.int32(0)), jnp.full_like(problem.lower[0], jnp.inf)
    nothing = (jnp.zeros_like(infinite, dtype=jnp.int32), infinite)
    state = _Scan((start, infinite, infinite), (start, infinite), nothing, nothing)
    state = lax.fori_loop(0, reduction.num_candidates, step, state)
    best, (index, other_value) = state.best[0], state.other
    if not reduction.on_curve:
        return Scanned(best, best, other_value)
    if reduction.follow is not None:
        goes_on = state.minimum[0] == 0
        index, other_value = choose(goes_on, (-_STEPS_BEFORE, -infinite), (index, other_value))
    other = reduction.candidate(index)
    if reduction.follow is not None:
        for _ in range(_STEPS_TO_CURVE):
            other = reduction.follow(other, other)
    return Scanned(best, other, other_value)


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

    # In a loop, so that the program has one copy of the objective.
    derivatives = hessian if len(start) == 1 else hessian_in_loop

    def step(state: _State) -> _State:
        count, here, trial, best, error = state
        value, gradient, curvature = derivatives(lambda c: problem.objective(to_point(c)), trial)
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
        accepted |= (value <= best + tol.blur) & (new_error < 0.5 * error)
        following = [
            jnp.where(accepted, t + part * shrink, 0.75 * h + 0.25 * t)
            for t, part, h in zip(trial, move, here, strict=True)
        ]
        close = (least > -tol.pivot) & (length <= tol.step)
        new_error = jnp.where(close, new_error, 1 + new_error)
        here, best, error = choose(accepted, (trial, value, new_error), (here, best, error))
        return count + 1, here, following, best, error

    def unfinished(state: _State) -> Array:
        return (state[0] < _MAX_STEPS) & jnp.any(state[4] > tol.gradient)

    infinite = jnp.full_like(problem.lower[0], jnp.inf)
    state = (jnp.int32(0), start, start, infinite, infinite)
    _, here, following, _, error = lax.while_loop(unfinished, step, state)
    return choose(error <= tol.gradient, following, here), error


class Found(NamedTuple):
    """The result of the fast route.

    Attributes:
        point: the point, within the bounds.
        final: whether the point needs no second pass: a verified minimum, or infeasible.
        other: a point near another minimum of the curve of the candidates.
        in_doubt: whether that minimum may be lower, so that it needs a second pass as well.
    """

    point: Point
    final: Array
    other: Point
    in_doubt: Array


def descend(problem: Problem, reduction: Reduction, tol: Tolerances) -> Found:
    """Minimise in the coordinates of a reduction.

    A point is verified to be a minimum where its gradient is zero, its curvature is positive, it
    lies on no bounds except those of `reduction.held`, it meets all constraints, with equality
    those of the reduction, and relaxing these does not raise the objective. Other points are
    starting points for `newton_on_active_set`.
    """
    coordinates: Point = []
    verified = jnp.ones_like(problem.lower[0], dtype=bool)
    other, other_value = coordinates, jnp.full_like(problem.lower[0], jnp.inf)
    if reduction.num_candidates:
        coordinates, other, other_value = scan(problem, reduction, tol)
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
    # In a loop, so that the program has one copy of the objective.
    one_each = jnp.eye(1 + reduction.num_relaxations, dtype=problem.lower[0].dtype)
    value, *relaxed = lax.map(
        lambda row: problem.objective(reduction.to_point(coordinates, list(row))),
        tol.relaxation * one_each[:, 1:],
    )
    for each in relaxed:
        verified &= each <= value
    return Found(
        point=problem.clip(point),
        final=verified,
        other=problem.clip(reduction.to_point(other, kept)),
        in_doubt=other_value < value,
    )
