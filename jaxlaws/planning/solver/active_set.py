"""An active-set method for few variables: slower than `reduced_newton`, but it always applies.

Each step is a Newton step on the active set. A variable whose gradient points out of its bounds
stays on its bound. The active constraints are linearised and solved for together with the free
variables in one small system. A violated constraint enters the active set; a constraint with a
negative multiplier leaves it (Rosen's rule). A step is accepted where an exact penalty function
falls.
"""

from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jax import lax

from jaxlaws.foundations.annotations import Array
from jaxlaws.planning.solver.batched import Point, dot, gradient, hessians, largest, solve
from jaxlaws.planning.solver.numeric_tolerances import Tolerances
from jaxlaws.planning.solver.problem import Problem

_MAX_STEPS = 120
_PATIENCE = 3
_LONGEST_STEP = 2.0  # in a logarithm
_NUM_PROJECTIONS = 20


class Analysis(NamedTuple):
    """The state of the search at a point.

    Attributes:
        value: the objective, including the preference.
        violation: sum of the absolute values of the active constraints.
        penalty: weight of the violation in the penalty function.
        error: the largest part of the projected gradient, or the violation if that is larger. One
            is added where the curvature is negative, so that the point is not a minimum.
        length: the largest part of the next Newton step.
        kept: 1 for each constraint in the active set, else 0.
        multipliers: multipliers of the constraints; not negative at a solution.
    """

    value: Array
    violation: Array
    penalty: Array
    error: Array
    length: Array
    kept: Point
    multipliers: Point


def objective_with_preference(problem: Problem, tol: Tolerances, point: Point) -> Array:
    """The objective plus the preference, whose weight is so small that it only breaks ties."""
    value = problem.objective(point)
    if problem.preference is None:
        return value
    return value + tol.preference * problem.preference(point)


def least_squares_multipliers(
    grad: Point, normals: list[Point], free: Point, kept: Point, floor: float
) -> Point:
    """Multipliers of the active constraints that leave the smallest gradient in free variables.

    Args:
        grad: gradient of the objective.
        normals: gradient of each constraint.
        free: 1 for each variable that is not on a bound, else 0.
        kept: 1 for each constraint in the active set, else 0.
        floor: added to the diagonal of the normal equations.
    """
    masked = [
        [k * f * part for f, part in zip(free, normal, strict=True)]
        for k, normal in zip(kept, normals, strict=True)
    ]
    # Normals of length one: otherwise the floor would distort a constraint with a small gradient.
    lengths = [jnp.sqrt(dot(normal, normal)) for normal in masked]
    lengths = [jnp.where(length > 0, length, 1.0) for length in lengths]
    masked = [[part / a for part in n] for n, a in zip(masked, lengths, strict=True)]
    rows = [
        [
            dot(masked[i], masked[j]) + ((1 - kept[i]) + floor if i == j else 0.0)
            for j in range(i + 1)
        ]
        for i in range(len(normals))
    ]
    found, _ = solve(rows, [dot(normal, grad) for normal in masked], len(rows), floor)
    return [value / length for value, length in zip(found, lengths, strict=True)]


def _without_parallel(
    normals: list[Point], free: Point, values: Point, kept: Point, tol: Tolerances
) -> Point:
    """The active set without constraints that are parallel to a nearer one.

    The equations of two parallel constraints, such as the budget and a limit on compute,
    contradict each other. Only the constraint that allows less can be active.

    Args:
        normals: gradient of each constraint.
        free: 1 for each variable that is not on a bound, else 0.
        values: value of each constraint.
        kept: 1 for each constraint in the active set, else 0.
        tol: the tolerances for the precision of the problem.
    """
    kept = list(kept)
    masked = [[f * part for f, part in zip(free, n, strict=True)] for n in normals]
    lengths = [jnp.sqrt(dot(n, n)) for n in masked]
    for i in range(len(kept)):
        for j in range(i):
            scale = lengths[i] * lengths[j]
            parallel = dot(masked[i], masked[j]) > (1 - tol.violation) * scale
            parallel &= (kept[i] * kept[j] > 0) & (scale > 0)
            j_allows_less = values[i] * lengths[j] >= values[j] * lengths[i]
            kept[i] = jnp.where(parallel & j_allows_less, 0.0, kept[i])
            kept[j] = jnp.where(parallel & ~j_allows_less, 0.0, kept[j])
    return kept


def _analyse(
    problem: Problem, tol: Tolerances, point: Point, kept: Point, penalty: Array
) -> tuple[Analysis, Point]:
    """The analysis of a point, and the point after a Newton step."""
    variables, constraints = range(len(point)), range(len(problem.constraints))
    (value, grad, curvature), *analysed = hessians(
        [lambda p: objective_with_preference(problem, tol, p), *problem.constraints], point
    )
    values = [entry[0] for entry in analysed]
    normals = [entry[1] for entry in analysed]
    bounds = list(zip(point, problem.lower, problem.upper, strict=True))

    inside = [
        jnp.where((position > low) & (position < high), 1.0, 0.0) for position, low, high in bounds
    ]
    kept = [jnp.where(v < 0, 1.0, k) for v, k in zip(values, kept, strict=True)]
    kept = _without_parallel(normals, inside, values, kept, tol)
    multipliers = least_squares_multipliers(grad, normals, inside, kept, tol.pivot)
    rest = [s - dot(multipliers, [n[i] for n in normals]) for i, s in enumerate(grad)]
    tangential = largest([jnp.abs(r * f) for r, f in zip(rest, inside, strict=True)], 0.0 * value)
    for j in constraints:
        # A constraint leaves the active set only where that gains more than moving along it does.
        useless = (multipliers[j] < 0) & (values[j] >= -tol.violation)
        useless &= tangential < jnp.abs(multipliers[j])
        kept[j] = jnp.where(useless, 0.0, kept[j])
    multipliers = [m * k for m, k in zip(multipliers, kept, strict=True)]
    rest = [s - dot(multipliers, [n[i] for n in normals]) for i, s in enumerate(grad)]
    free = [
        jnp.where(((position > low) | (r < 0)) & ((position < high) | (r > 0)), 1.0, 0.0)
        for (position, low, high), r in zip(bounds, rest, strict=True)
    ]

    # The outer products of the normals make the matrix definite and do not change the step.
    active = [
        [k * f * part for f, part in zip(free, n, strict=True)]
        for k, n in zip(kept, normals, strict=True)
    ]
    rows, right = [], []
    for i in variables:
        row = []
        for j in range(i + 1):
            second = curvature[i][j] - dot(multipliers, [entry[2][i][j] for entry in analysed])
            entry = free[i] * free[j] * second + dot([a[i] for a in active], [a[j] for a in active])
            row.append(entry + (1 - free[i]) if i == j else entry)
        rows.append(row)
        right.append(-free[i] * rest[i] - dot([a[i] for a in active], values))
    for k in constraints:
        rows.append([*active[k], *([jnp.zeros_like(value)] * k), kept[k] - 1.0])
        right.append(-kept[k] * values[k])
    step, least = solve(rows, right, len(point), tol.pivot)

    length = largest([jnp.abs(s) for s in step[: len(point)]], 0.0 * value)
    shrink = _LONGEST_STEP / jnp.maximum(length, _LONGEST_STEP)
    trial = [position + s * shrink for position, s in zip(point, step, strict=False)]
    trial = problem.clip(trial)
    met = list(kept)
    for k in [*constraints, *constraints]:  # the constraints are curved: step back to them
        missed = problem.constraints[k](trial)
        met[k] = jnp.where(missed < 0, 1.0, met[k])
        wanted = met[k] * missed
        reach = dot([f * n for f, n in zip(free, normals[k], strict=True)], normals[k])
        wanted = wanted / jnp.maximum(reach, 1e-3)
        trial = problem.clip(
            [t - wanted * f * n for t, f, n in zip(trial, free, normals[k], strict=True)]
        )

    violation = dot(kept, [jnp.abs(v) for v in values]) + 0.0 * value
    projected = [
        jnp.abs(position - jnp.clip(position - r, low, high))
        for (position, low, high), r in zip(bounds, rest, strict=True)
    ]
    error = largest(projected, violation)
    error = jnp.where(least > -tol.pivot, error, 1 + error)
    penalty = largest([2 * jnp.abs(m) for m in multipliers], penalty)
    return Analysis(value, violation, penalty, error, length, met, multipliers), trial


# Number of steps; the best point, the point after it and the fraction of the step between them
# that is tried next; the point to analyse; the analyses of the best point and of the latest
# point; the number of steps since the best point.
_State: TypeAlias = tuple[
    Array, tuple[tuple[Point, Point], Array], Point, Analysis, Analysis, Array
]


def _pick(condition: Array, yes: Point, no: Point) -> Point:
    return [jnp.where(condition, a, b) for a, b in zip(yes, no, strict=True)]


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
        new, following = _analyse(problem, tol, trial, new_known.kept, new_known.penalty)
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
        here = _pick(better, trial, here)
        direction = _pick(better, following, direction)
        back = [h + scale * (d - h) for h, d in zip(here, direction, strict=True)]
        known = jax.tree.map(lambda a, b: jnp.where(better, a, b), new, known)
        new_known = jax.tree.map(lambda a, b: jnp.where(lost, a, b), known, new)
        patience = jnp.where(lost, 0, patience)
        return (
            count + 1,
            ((here, direction), scale),
            _pick(lost, back, following),
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
    return _pick(close, following, here), known
