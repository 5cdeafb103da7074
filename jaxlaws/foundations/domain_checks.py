"""The edges of domains, and checks of a coefficient from a file: its shape and its domain."""

from collections.abc import Mapping

import numpy as np

from jaxlaws.foundations.annotations import Array
from jaxlaws.pytree import Declaration, Domain

EDGES: Mapping[Domain, tuple[float, float]] = {
    Domain.REAL: (-np.inf, np.inf),
    Domain.POSITIVE: (0.0, np.inf),
    Domain.UNIT_INTERVAL: (0.0, 1.0),
}


def of_shape(value: Array, shape: tuple[int, ...]) -> Array:
    """The value of a coefficient, checked: its last axes have the declared shape.

    Raises:
        ValueError: they have another shape.
    """
    found = np.shape(value)
    if shape and found[-len(shape) :] != shape:
        raise ValueError(f"expected numbers of shape {shape}, got shape {found}")
    return value


def in_domain(value: Array, declared: Declaration) -> Array:
    """The same value, if it lies in the domain of its coefficient.

    The edges of a domain are valid: a fit can reach them by rounding. Draws that failed are NaN or
    infinite.

    Raises:
        ValueError: the value lies outside, or is not finite and no draws.
    """
    if np.ndim(value) <= len(declared.shape) and not np.isfinite(value).all():
        raise ValueError(f"{value} is not finite")
    low, high = EDGES[declared.domain]
    wrong = np.ravel(value)[np.ravel(np.less(value, low) | np.greater(value, high))]
    if wrong.size:
        raise ValueError(f"{wrong[0]:g} is outside its domain, {low:g} to {high:g}")
    return value
