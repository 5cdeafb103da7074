"""The problem that the solver minimises: objective, bounds, constraints, and a faster route."""

import dataclasses
from collections.abc import Callable

import jax.numpy as jnp
from jax import lax

from jaxlaws.foundations.annotations import Array
from jaxlaws.planning.solver.batched import Point


def evenly_spaced(low: Array, high: Array, index: Array, num: int) -> Array:
    """The i-th of some evenly spaced numbers, whose first is `low` and whose last is `high`."""
    return low + (high - low) * (index / (num - 1))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reduction:
    """Fewer coordinates, in which a problem has no constraints, and points to start from.

    For example, a plan that spends its whole budget and touches no bound is a minimum over the
    size alone: the tokens follow from the budget. Most plans are of this kind, and the solver
    finds them several times faster in the reduced coordinates.

    Attributes:
        to_point: returns the point for given coordinates. Its second argument has one number for
            each constraint that the coordinates meet with equality, such as the budget, and
            relaxes the constraint by this number. At a solution, no small relaxation makes the
            objective worse.
        num_relaxations: the number of these constraints.
        candidate: returns the coordinates of the i-th starting point; i is a traced integer.
        num_candidates: the number of starting points.
        follow: corrects a candidate, given the corrected candidate before it. For candidates on a
            curve: one step for each point follows the curve.
        held: indices of the variables that `to_point` keeps on a bound.
        on_curve: whether the candidates are points of one curve, in order. The scan then finds
            other minima along the curve that may be as low as the best candidate. A curve that is
            followed may go on before its first candidate.
    """

    to_point: Callable[[Point, Point], Point]
    candidate: Callable[[Array], Point]
    num_candidates: int
    follow: Callable[[Point, Point], Point] | None = None
    num_relaxations: int = 1
    held: tuple[int, ...] = ()
    on_curve: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Problem:
    """A smooth function of a few variables, to be minimised within bounds and constraints.

    A point is a list with one array for each variable. All functions work entry by entry, so that
    the arrays may hold a batch of problems. Logarithms of sizes are good variables: the solver
    expects curvatures of order one, and bounds that are at most a few tens apart.

    Attributes:
        objective: the function to minimise.
        has_unit: whether the objective has a unit, such as a loss. The tolerances are then relative
            to its size in the middle of the bounds. False: it is a pure number, such as a
            logarithm.
        least_unit: with `has_unit`, a size below which the objective in the middle of the bounds is
            too small to be the unit. None: for an objective that is zero nowhere.
        lower: lower bounds of the variables, finite.
        upper: upper bounds of the variables, finite.
        constraints: functions of the point; a constraint is met where its function is zero or
            positive.
        preference: decides between points with equal objective: the point with the least
            preference is the solution.
        reduction: a faster route, see `Reduction`.
        start: without a reduction, returns the point to start from. Without both, the solver
            starts from a grid.
        possible: false for entries that are known to have no point within bounds and constraints.
    """

    objective: Callable[[Point], Array]
    lower: Point
    upper: Point
    has_unit: bool = False
    least_unit: Array | None = None
    constraints: tuple[Callable[[Point], Array], ...] = ()
    preference: Callable[[Point], Array] | None = None
    reduction: Reduction | None = None
    start: Callable[[], Point] | None = None
    possible: Array | None = None

    def clip(self, point: Point) -> Point:
        """The nearest point within the bounds."""
        bounds = zip(point, self.lower, self.upper, strict=True)
        return [jnp.clip(value, low, high) for value, low, high in bounds]

    def without_unit(self) -> tuple["Problem", Array]:
        """The problem with an objective of order one, and by what its objective is divided."""
        if not self.has_unit:
            return self, jnp.ones_like(self.lower[0])
        middle = [0.5 * (low + high) for low, high in zip(self.lower, self.upper, strict=True)]
        size = jnp.abs(self.objective(middle))
        if self.least_unit is not None:
            size = jnp.fmax(size, self.least_unit)
        size = lax.stop_gradient(size)
        unit = jnp.where((size > 0) & (size < jnp.inf), size, 1.0)
        scaled = dataclasses.replace(
            self, objective=lambda point: self.objective(point) / unit, has_unit=False
        )
        return scaled, unit
