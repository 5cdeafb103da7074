"""What counts as zero, in either precision."""

import dataclasses
import math
from typing import Any

import jax.numpy as jnp


@dataclasses.dataclass(frozen=True)
class Tolerances:
    """Sizes below which the solver takes a number as zero, in nats and in logarithms.

    Attributes:
        gradient: a gradient.
        step: a step.
        flat: a step where the gradient is zero already. In single precision an objective may be so
            flat that this says little about the place.
        violation: how far a constraint may be missed.
        pivot: a pivot of a factorisation.
        noise: rounding of the objective, relative.
        margin: distance from a bound.
        relaxation: by how much the budget is relaxed to see that it binds.
        preference: weight of the preference among equals.
    """

    gradient: float
    step: float
    flat: float
    violation: float
    pivot: float
    noise: float
    margin: float
    relaxation: float
    preference: float


_DOUBLE = Tolerances(1e-10, 1e-4, math.inf, 1e-9, 1e-14, 2e-14, 1e-9, 1e-2, 1e-9)
_SINGLE = Tolerances(2e-5, 1e-2, 2e-2, 1e-5, 1e-7, 1e-6, 1e-5, 1e-1, 1e-7)


def tolerances(value: Any) -> Tolerances:
    """Those for an array's precision."""
    return _DOUBLE if jnp.result_type(value) == jnp.float64 else _SINGLE
