"""An active-set method for few variables: slower than `reduced_newton`, but it always applies.

Each step is a Newton step on the active set, see `point_analysis`. A step is accepted where an
exact penalty function falls.
"""

from typing import TypeAlias

import jax.numpy as jnp
from jax import lax

from jaxlaws.foundations.annotations import Array
from jaxlaws.planning.solver.batched import Point, choose, dot, gradient
from jaxlaws.planning.solver.numeric_tolerances import Tolerances
from jaxlaws.planning.solver.point_analysis import Analysis, analyse
from jaxlaws.planning.solver.problem import Problem

_MAX_STEPS = 120
_PATIENCE = 3
_NUM_PROJECTIONS = 20

# Number of steps; the best point, the point after it and the fraction of the step between them
# that is tried next; the point to analyse; the analyses of the best point and of the latest
# point; the number of steps since the best point.
_State: TypeAlias = tuple[
    Array, tuple[tuple[Point, Point], Array], Point, Analysis, Analysis, Array
]


def _projected(problem: Problem, tol: Tolerances, start: Point) -> Point:
    """A point near the start that meets the constraints, by projections on violated constraints.

    The active set cannot hold two constraints whose equations contradict each other, such as the
    budget and a limit that is far below it. From a point that meets all constraints the search
    does not meet such a pair.
    """

    def project(_: Array, point: Point) -> Point:
        # A violation of the size of rounding is left: it would move variables off their bounds.
        for constraint in problem.constraints:
            value, normal = gradient(constraint, point)
            bounds = zip(normal, point, problem.lower, problem.upper, strict=True)
            movable = [
                jnp.where(((position > low) | (n > 0)) & ((position < high) | (n < 0)), n, 0.0)
                for n, position, low, high in bounds
            ]
            square = dot(movable, movable)
            missed = jnp.where(value < -tol.violation, value, 0.0)
            missed = missed / jnp.where(square > 0, square, 1.0)
            point = problem.clip([p - missed * n for p, n in zip(point, movable, strict=True)])
        return point

    return lax.fori_loop(0, _NUM_PROJECTIONS, project, start)


def newton_on_active_set(problem: Problem, tol: Tolerances, start: Point) -> tuple[Point, Analysis]:
    """Find the minimum near a starting point, within bounds and constraints.

    Returns:
        The point, and the `Analysis` of the point one step before.
    """
    start = problem.clip(start)
    if len(problem.constraints) > 1:
        start = _projected(problem, tol, start)
    kept = [
        jnp.where(constraint(start) <= tol.margin, 1.0, 0.0) for constraint in problem.constraints
    ]

    def step(state: _State) -> _State:
        count, best, trial, known, new_known, patience = state
        new, following = analyse(problem, tol, trial, new_known.kept, new_known.penalty)
        penalty = new.penalty
        fall = known.value - new.value + penalty * (known.violation - new.violation)
        noise = tol.noise * jnp.abs(new.value)
        better = (fall > noise) | ((fall >= -noise) & (new.error < known.error))
        rise = jnp.where(known.length <= tol.late, tol.late_rise, tol.blur)
        better |= (fall >= -rise) & (new.error < 0.5 * known.error)
        better |= jnp.isinf(known.value)
        (here, direction), scale = best
        patience = jnp.where(better, 0, patience + 1)
        lost = patience > _PATIENCE
        scale = jnp.where(better, 1.0, jnp.where(lost, 0.25 * scale, scale))
        here = choose(better, trial, here)
        direction = choose(better, following, direction)
        back = [h + scale * (d - h) for h, d in zip(here, direction, strict=True)]
        known = choose(better, new, known)
        new_known = choose(lost, known, new)
        patience = jnp.where(lost, 0, patience)
        return (
            count + 1,
            ((here, direction), scale),
            choose(lost, back, following),
            known,
            new_known,
            patience,
        )

    def unfinished(state: _State) -> Array:
        known = state[3]
        going = (known.error > tol.gradient) | (known.length > tol.step)
        return (state[0] < _MAX_STEPS) & jnp.any(going)

    nothing = jnp.zeros_like(problem.lower[0])
    infinite = jnp.full_like(nothing, jnp.inf)
    known = Analysis(infinite, nothing, nothing, infinite, infinite, kept, [nothing] * len(kept))
    state = (
        jnp.int32(0),
        ((start, start), nothing + 1.0),
        start,
        known,
        known,
        jnp.zeros_like(nothing, jnp.int32),
    )
    _, ((here, following), _), _, known, _, _ = lax.while_loop(unfinished, step, state)
    # One more step improves a point that is close; a long step along a flat valley does not.
    close = (known.error <= tol.gradient) & (known.length <= tol.step)
    return choose(close, following, here), known
