"""What the solver is given: a function to minimise, and all that it must heed."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from jaxlaws.planning.solver.batched import Array, Point


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reduction:
    """Fewer coordinates in which a problem is free of constraints, and points to start from.

    A plan that spends its whole budget and touches no bound is a minimum in such coordinates;
    most plans are, and they are found several times faster there.

    Attributes:
        to_point: returns the point of given coordinates. Its second argument has a number for each
            constraint that the coordinates meet with equality, such as the budget, and relaxes
            the constraint by it. At a solution, no small relaxation makes the objective worse.
        num_relaxations: the number of these constraints.
        candidate: coordinates of the i-th point to start from, i a traced integer.
        num_candidates: how many there are.
        follow: a candidate, corrected by the one before: for candidates on a curve that is
            followed by a step each.
        held: indices of the variables that `to_point` keeps at a bound.
    """

    to_point: Callable[[Point, Point], Point]
    candidate: Callable[[Any], Point]
    num_candidates: int
    follow: Callable[[Point, Point], Point] | None = None
    num_relaxations: int = 1
    held: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Problem:
    """A smooth function of one to four variables, to be minimised within bounds and constraints.

    A point is a list of arrays, one a variable; all functions work entry by entry, so that the
    arrays may hold a batch of problems. Logarithms of sizes make good variables: the solver
    expects curvature and bounds of order one to a few tens.

    Attributes:
        objective: what is minimised.
        lower: lower bounds, finite.
        upper: upper bounds, finite.
        constraints: functions of the point, met where they are zero or above.
        preference: of points with equal objective, that with the least of this is taken.
        reduction: see `Reduction`; without one the solver starts from a grid.
        possible: false where it is known that no point within bounds meets the constraints.
    """

    objective: Callable[[Point], Array]
    lower: Point
    upper: Point
    constraints: tuple[Callable[[Point], Array], ...] = ()
    preference: Callable[[Point], Array] | None = None
    reduction: Reduction | None = None
    possible: Array | None = None

    def clip(self, point: Point) -> Point:
        """The nearest point within the bounds."""
        bounds = zip(point, self.lower, self.upper, strict=True)
        return [jnp.clip(value, low, high) for value, low, high in bounds]
