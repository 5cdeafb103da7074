"""Tolerances of the solver in double and in single precision."""

import dataclasses
import math

import jax.numpy as jnp

from jaxlaws.foundations.annotations import Array


@dataclasses.dataclass(frozen=True)
class Tolerances:
    """Sizes below which the solver treats a number as zero.

    The defaults are those of double precision. Objectives are of order one, see `Problem.has_unit`;
    variables and constraints are logarithms.

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

    gradient: float = 1e-10
    step: float = 1e-4
    flat: float = math.inf
    violation: float = 1e-9
    pivot: float = 1e-14
    noise: float = 2e-14
    blur: float = 1e-11
    late: float = 0.05
    late_rise: float = 1e-9
    decrement: float = 1e-11
    margin: float = 1e-9
    relaxation: float = 1e-2
    preference: float = 1e-9


_DOUBLE = Tolerances()
_SINGLE = Tolerances(
    gradient=2e-5, step=1e-2, flat=2e-2, violation=1e-5, pivot=1e-7, noise=1e-6, blur=1e-5,
    late_rise=1e-3, decrement=1e-6, margin=1e-5, relaxation=1e-1, preference=1e-7,
)  # fmt: skip


def tolerances(value: Array) -> Tolerances:
    """The tolerances for the precision of an array."""
    return _DOUBLE if jnp.result_type(value) == jnp.float64 else _SINGLE
