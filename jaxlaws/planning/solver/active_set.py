"""The sure way to a minimum: Newton steps on the working set of bounds and constraints.

An active-set method for few variables. At each step, variables whose bound pushes them back are
held there, and constraints that bind are kept, linearised, within one small system; a constraint
whose multiplier says that the plan is better off without it is let go (Rosen's rule), a violated
one is taken in. A step is accepted where an exact penalty function falls.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jaxlaws.planning.solver.batched import Array, Point, dot, hessian, largest, solve
from jaxlaws.planning.solver.numeric_tolerances import Tolerances
from jaxlaws.planning.solver.problem import Problem

_MAX_STEPS = 60
_PATIENCE = 3
_LONGEST_STEP = 2.0  # in a logarithm


class Analysis(NamedTuple):
    """What is known at a point.

    Attributes:
        value: the objective, preference included.
        violation: by how much binding and violated constraints are missed.
        penalty: weight of the violation in what a step has to lower.
        error: distance from a solution: of the projected gradient and of feasibility; above 1
            where curvature says that it is no minimum.
        length: of the step from there, in its largest part.
        kept: 1 for each constraint that binds, else 0.
        multipliers: of the constraints, at least 0 at a solution.
    """

    value: Array
    violation: Array
    penalty: Array
    error: Array
    length: Array
    kept: Point
    multipliers: Point


def preferred(problem: Problem, limits: Tolerances, point: Point) -> Array:
    """The objective, with the preference at so little weight that it decides among equals only."""
    value = problem.objective(point)
    if problem.preference is None:
        return value
    return value + limits.preference * problem.preference(point)


def least_squares_multipliers(
    slopes: Point, normals: list[Point], free: Point, kept: Point, floor: float
) -> Point:
    """The multipliers of kept constraints that leave the least gradient in free variables."""
    masked = [
        [k * f * part for f, part in zip(free, normal, strict=True)]
        for k, normal in zip(kept, normals, strict=True)
    ]
    # Of length one: else the floor would weigh on a constraint that is measured in small numbers.
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
    found, _ = solve(rows, [dot(normal, slopes) for normal in masked], len(rows), floor)
    return [value / length for value, length in zip(found, lengths, strict=True)]


def _analyse(problem: Problem, limits: Tolerances, point: Point, kept: Point, penalty: Array):
    """Analysis of a point, and the point that a Newton step leads to."""
    variables, constraints = range(len(point)), range(len(problem.constraints))
    value, slopes, curvature = hessian(lambda p: preferred(problem, limits, p), point)
    analysed = [hessian(constraint, point) for constraint in problem.constraints]
    values = [entry[0] for entry in analysed]
    normals = [entry[1] for entry in analysed]
    bounds = list(zip(point, problem.lower, problem.upper, strict=True))

    inside = [jnp.where((place > low) & (place < high), 1.0, 0.0) for place, low, high in bounds]
    kept = [jnp.where(v < 0, 1.0, k) for v, k in zip(values, kept, strict=True)]
    multipliers = least_squares_multipliers(slopes, normals, inside, kept, limits.pivot)
    rest = [s - dot(multipliers, [n[i] for n in normals]) for i, s in enumerate(slopes)]
    tangential = largest([jnp.abs(r * f) for r, f in zip(rest, inside, strict=True)], 0.0 * value)
    for j in constraints:
        # Let go only where that gains more than moving along the constraint does.
        useless = (multipliers[j] < 0) & (values[j] >= -limits.violation)
        useless &= tangential < jnp.abs(multipliers[j])
        kept[j] = jnp.where(useless, 0.0, kept[j])
    multipliers = [m * k for m, k in zip(multipliers, kept, strict=True)]
    rest = [s - dot(multipliers, [n[i] for n in normals]) for i, s in enumerate(slopes)]
    free = [
        jnp.where(((place > low) | (r < 0)) & ((place < high) | (r > 0)), 1.0, 0.0)
        for (place, low, high), r in zip(bounds, rest, strict=True)
    ]

    # The normals' outer products make the matrix definite without changing the step.
    active = [
        [k * f * part for f, part in zip(free, n, strict=True)]
        for k, n in zip(kept, normals, strict=True)
    ]
    rows, right = [], []
    for i in variables:
        row = []
        for j in range(i + 1):
            bend = curvature[i][j] - dot(multipliers, [entry[2][i][j] for entry in analysed])
            entry = free[i] * free[j] * bend + dot([a[i] for a in active], [a[j] for a in active])
            row.append(entry + (1 - free[i]) if i == j else entry)
        rows.append(row)
        right.append(-free[i] * rest[i] - dot([a[i] for a in active], values))
    for k in constraints:
        rows.append([*active[k], *([jnp.zeros_like(value)] * k), kept[k] - 1.0])
        right.append(-kept[k] * values[k])
    step, least = solve(rows, right, len(point), limits.pivot)

    length = largest([jnp.abs(s) for s in step[: len(point)]], 0.0 * value)
    shrink = _LONGEST_STEP / jnp.maximum(length, _LONGEST_STEP)
    trial = [place + s * shrink for place, s in zip(point, step, strict=False)]
    trial = problem.clip(trial)
    met = list(kept)
    for k in [*constraints, *constraints]:  # back to the constraints, which are curved
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
        jnp.abs(place - jnp.clip(place - r, low, high))
        for (place, low, high), r in zip(bounds, rest, strict=True)
    ]
    error = largest(projected, violation)
    error = jnp.where(least > -limits.pivot, error, 1 + error)
    penalty = largest([2 * jnp.abs(m) for m in multipliers], penalty)
    return Analysis(value, violation, penalty, error, length, met, multipliers), trial


def _pick(condition: Array, yes: Point, no: Point) -> Point:
    return [jnp.where(condition, a, b) for a, b in zip(yes, no, strict=True)]


def minimise(problem: Problem, limits: Tolerances, start: Point):
    """Minimise within bounds and constraints, from a point nearby.

    Returns:
        The point, and its `Analysis` one step before.
    """
    start = problem.clip(start)
    kept = [
        jnp.where(constraint(start) <= limits.margin, 1.0, 0.0)
        for constraint in problem.constraints
    ]

    def step(state):
        count, best, trial, known, new_known, patience = state
        new, following = _analyse(problem, limits, trial, new_known.kept, new_known.penalty)
        penalty = new.penalty
        fall = known.value - new.value + penalty * (known.violation - new.violation)
        noise = limits.noise * jnp.abs(new.value)
        better = (fall > noise) | ((fall >= -noise) & (new.error < known.error))
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

    def unfinished(state):
        known = state[3]
        going = (known.error > limits.gradient) | (known.length > limits.step)
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
    # One step more makes a good point better, but a long one along a flat valley worse.
    close = (known.error <= limits.gradient) & (known.length <= limits.step)
    return _pick(close, following, here), known
