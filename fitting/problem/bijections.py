"""Bijections between a law's coefficients and unconstrained numbers, read off its fields.

`constrain(unconstrain(law))` is the law again. The unconstrained law is a tree of the same class
whose leaves are free in (-inf, inf): softplus gives positive coefficients, the logistic function
those of the unit interval.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logit

from jaxlaws.pytree import Domain, declarations

_T = TypeVar("_T")

EDGES: Mapping[Domain, tuple[float, float]] = {
    Domain.REAL: (-np.inf, np.inf),
    Domain.POSITIVE: (0.0, np.inf),
    Domain.UNIT_INTERVAL: (0.0, 1.0),
}


def softplus_inverse(value: Any) -> jax.Array:
    """The number whose softplus is `value`, accurate for large and small ones."""
    return value + jnp.log(-jnp.expm1(-value))


def to_interval(number: Any, low: float, high: float, unit: Any = 1.0) -> Any:
    """The value strictly between two edges, either of which may be infinite, of a free number.

    It grows with the number. The edges are divided by `unit`, so that they may stay Python's
    numbers where the unit is traced.

    >>> [round(float(to_interval(0.0, low, 3.0)), 4) for low in (1.0, -np.inf)]
    [2.0, 2.3069]
    """
    if np.isfinite(low) and np.isfinite(high):
        return low / unit + (high - low) / unit * jax.nn.sigmoid(number)
    if np.isfinite(low):
        return low / unit + jax.nn.softplus(number)
    if np.isfinite(high):
        return high / unit - jax.nn.softplus(-number)
    return number


def from_interval(value: Any, low: float, high: float, unit: Any = 1.0) -> Any:
    """Inverse of `to_interval`; infinite at an edge."""
    if np.isfinite(low) and np.isfinite(high):
        return logit((value - low / unit) / ((high - low) / unit))
    if np.isfinite(low):
        return softplus_inverse(value - low / unit)
    if np.isfinite(high):
        return -softplus_inverse(high / unit - value)
    return value


def _map(change: Callable[..., Any], law: _T) -> _T:
    declared = declarations(law)
    changed = {
        name: change(getattr(law, name), *EDGES[each.domain]) for name, each in declared.items()
    }
    for field in dataclasses.fields(law):  # pyright: ignore[reportArgumentType]
        value = getattr(law, field.name)
        if field.name not in declared and dataclasses.is_dataclass(value):
            changed[field.name] = _map(change, value)
    return dataclasses.replace(law, **changed)  # pyright: ignore[reportArgumentType]


def unconstrain(law: _T) -> _T:
    """The law's coefficients as unconstrained numbers, in a tree of the same class."""
    return _map(from_interval, law)


def constrain(law: _T) -> _T:
    """The law whose unconstrained numbers are given; inverse of `unconstrain`."""
    return _map(to_interval, law)
