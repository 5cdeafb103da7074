"""One point of the active-set method: its active set, and the Newton step from it.

A variable whose gradient points out of its bounds stays on its bound. The active constraints are
linearised and solved for together with the free variables in one small system. A violated
constraint enters the active set; a constraint with a negative multiplier leaves it (Rosen's rule).
"""

from typing import NamedTuple

import jax.numpy as jnp

from jaxlaws.foundations.annotations import Array
from jaxlaws.planning.solver.batched import Point, dot, hessians, largest, solve
from jaxlaws.planning.solver.numeric_tolerances import Tolerances
from jaxlaws.planning.solver.problem import Problem

_LONGEST_STEP = 2.0  # in a logarithm
_LEAST_REACH = 1e-3  # of a step to a constraint: no division by a normal that is nearly zero


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


class _Active(NamedTuple):
    """The active set at a point."""

    kept: Point  # 1 for each constraint in the active set, else 0
    multipliers: Point
    rest: Point  # the gradient that the multipliers do not account for
    free: Point  # 1 for each variable that may move, else 0


def _active_set(
    problem: Problem,
    tol: Tolerances,
    point: Point,
    grad: Point,
    values: Point,
    normals: list[Point],
    kept: Point,
) -> _Active:
    """The active set after that of the point before, from values and gradients at a point."""
    bounds = list(zip(point, problem.lower, problem.upper, strict=True))

    def without_constraints(multipliers: Point) -> Point:
        return [s - dot(multipliers, [n[i] for n in normals]) for i, s in enumerate(grad)]

    inside = [
        jnp.where((position > low) & (position < high), 1.0, 0.0) for position, low, high in bounds
    ]
    kept = [jnp.where(v < 0, 1.0, k) for v, k in zip(values, kept, strict=True)]
    kept = _without_parallel(normals, inside, values, kept, tol)
    multipliers = least_squares_multipliers(grad, normals, inside, kept, tol.pivot)
    along = zip(without_constraints(multipliers), inside, strict=True)
    tangential = largest([jnp.abs(r * f) for r, f in along], 0.0 * grad[0])
    for j, multiplier in enumerate(multipliers):
        # A constraint leaves the active set only where that gains more than moving along it does.
        useless = (multiplier < 0) & (values[j] >= -tol.violation)
        useless &= tangential < jnp.abs(multiplier)
        kept[j] = jnp.where(useless, 0.0, kept[j])
    multipliers = [m * k for m, k in zip(multipliers, kept, strict=True)]
    rest = without_constraints(multipliers)
    free = [
        jnp.where(((position > low) | (r < 0)) & ((position < high) | (r > 0)), 1.0, 0.0)
        for (position, low, high), r in zip(bounds, rest, strict=True)
    ]
    return _Active(kept, multipliers, rest, free)


def _newton_system(
    active: _Active, curvature: list[Point], values: Point, normals: list[Point]
) -> tuple[list[Point], Point]:
    """The lower triangle and the right-hand side, for the step and the constraints' multipliers."""
    kept, _, rest, free = active
    normals = [
        [k * f * part for f, part in zip(free, n, strict=True)]
        for k, n in zip(kept, normals, strict=True)
    ]
    along = [[n[i] for n in normals] for i in range(len(free))]
    rows, right = [], []
    for i, second in enumerate(curvature):
        # The outer products of the normals make the matrix definite and do not change the step.
        row = [free[i] * free[j] * second[j] + dot(along[i], along[j]) for j in range(i + 1)]
        row[i] = row[i] + (1 - free[i])
        rows.append(row)
        right.append(-free[i] * rest[i] - dot(along[i], values))
    for k, normal in enumerate(normals):
        rows.append([*normal, *([jnp.zeros_like(rest[0])] * k), kept[k] - 1.0])
        right.append(-kept[k] * values[k])
    return rows, right


def _back_to_constraints(
    problem: Problem, trial: Point, active: _Active, normals: list[Point]
) -> tuple[Point, Point]:
    """The point after steps to the active constraints, which are curved, and the active set."""
    met, free = list(active.kept), active.free
    for k in [*range(len(met))] * 2:
        missed = problem.constraints[k](trial)
        met[k] = jnp.where(missed < 0, 1.0, met[k])
        wanted = met[k] * missed
        reach = dot([f * n for f, n in zip(free, normals[k], strict=True)], normals[k])
        wanted = wanted / jnp.maximum(reach, _LEAST_REACH)
        trial = problem.clip(
            [t - wanted * f * n for t, f, n in zip(trial, free, normals[k], strict=True)]
        )
    return trial, met


def analyse(
    problem: Problem, tol: Tolerances, point: Point, kept: Point, penalty: Array
) -> tuple[Analysis, Point]:
    """The analysis of a point, and the point after a Newton step."""
    (value, grad, curvature), *analysed = hessians(
        [lambda p: objective_with_preference(problem, tol, p), *problem.constraints], point
    )
    values = [entry[0] for entry in analysed]
    normals = [entry[1] for entry in analysed]
    active = _active_set(problem, tol, point, grad, values, normals, kept)
    kept, multipliers, rest, _ = active
    curvature = [
        [
            part - dot(multipliers, [each[2][i][j] for each in analysed])
            for j, part in enumerate(row)
        ]
        for i, row in enumerate(curvature)
    ]
    rows, right = _newton_system(active, curvature, values, normals)
    step, least = solve(rows, right, len(point), tol.pivot)
    length = largest([jnp.abs(s) for s in step[: len(point)]], 0.0 * value)
    shrink = _LONGEST_STEP / jnp.maximum(length, _LONGEST_STEP)
    trial = [position + s * shrink for position, s in zip(point, step, strict=False)]
    trial, met = _back_to_constraints(problem, problem.clip(trial), active, normals)

    violation = dot(kept, [jnp.abs(v) for v in values]) + 0.0 * value
    projected = [
        jnp.abs(position - jnp.clip(position - r, low, high))
        for position, low, high, r in zip(point, problem.lower, problem.upper, rest, strict=True)
    ]
    error = largest(projected, violation)
    error = jnp.where(least > -tol.pivot, error, 1 + error)
    penalty = largest([2 * jnp.abs(m) for m in multipliers], penalty)
    return Analysis(value, violation, penalty, error, length, met, multipliers), trial
