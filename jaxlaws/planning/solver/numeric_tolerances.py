"""Tolerances of the solver in double and in single precision."""

import dataclasses
import math

import jax.numpy as jnp

from jaxlaws.foundations.annotations import Array


@dataclasses.dataclass(frozen=True)
class Tolerances:
    """Sizes below which the solver treats a number as zero.

    Objectives are of order one, see `Problem.has_unit`; variables and constraints are logarithms.

    Attributes:
        gradient: largest gradient at a minimum.
        step: largest Newton step at a minimum.
        flat: largest Newton step where the gradient is zero. In single precision an objective
            may be so flat that a small gradient says little about where the minimum is.
        violation: largest violation of a constraint.
        pivot: smallest pivot of a factorisation.
        noise: rounding error of the objective, relative to the objective.
        blur: rounding error of an ill-conditioned objective, such as a power of a sum with a large
            exponent. Within it a step is accepted where it halves the gradient.
        late: Newton steps shorter than this are late: they are accepted by the gradient, because
            an ill-conditioned objective is a staircase at this scale.
        late_rise: by how much the objective may seem to rise in a late step that halves the
            gradient.
        decrement: a point is a minimum where the gradient times the Newton step is below this: then
            its value cannot be distinguished from the least value.
        margin: a point that is nearer to a bound than this may lie on the bound.
        relaxation: by how much the budget is relaxed to test whether the budget binds.
        preference: weight of the preference in the objective, so small that the preference
            decides only between points with equal objective.
    """

    gradient: float
    step: float
    flat: float
    violation: float
    pivot: float
    noise: float
    blur: float
    late: float
    late_rise: float
    decrement: float
    margin: float
    relaxation: float
    preference: float


_DOUBLE = Tolerances(
    1e-10, 1e-4, math.inf, 1e-9, 1e-14, 2e-14, 1e-11, 0.05, 1e-9, 1e-11, 1e-9, 1e-2, 1e-9
)
_SINGLE = Tolerances(2e-5, 1e-2, 2e-2, 1e-5, 1e-7, 1e-6, 1e-5, 0.05, 1e-3, 1e-6, 1e-5, 1e-1, 1e-7)


def tolerances(value: Array) -> Tolerances:
    """The tolerances for the precision of an array."""
    return _DOUBLE if jnp.result_type(value) == jnp.float64 else _SINGLE
