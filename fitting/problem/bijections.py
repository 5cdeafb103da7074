"""Bijections between a law's coefficients and unconstrained numbers.

The declaration of each field gives the bijection: softplus for a positive coefficient, the logistic
function for a coefficient in the unit interval. An unconstrained law is a tree of the same class
whose leaves may be any number in (-inf, inf). `constrain(unconstrain(law))` is the law again.
"""

import dataclasses
from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logit

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.domain_checks import EDGES
from jaxlaws.pytree import declarations

_T = TypeVar("_T")


def softplus_inverse(value: Array) -> jax.Array:
    """Return the number whose softplus is `value`. It is accurate for large and small values."""
    return value + jnp.log(-jnp.expm1(-value))


def to_interval(number: Array, low: float, high: float, unit: Array = 1.0) -> Array:
    """Map a free number to a value strictly between two edges, in units of `unit`.

    The value increases with the number.

    Args:
        number: any number, of any shape.
        low: the lower edge, which may be -infinity.
        high: the upper edge, which may be infinity.
        unit: the edges are divided by it. It may be traced; the edges are concrete numbers.

    Returns:
        A value in (low / unit, high / unit), of the broadcast shape.

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


def from_interval(value: Array, low: float, high: float, unit: Array = 1.0) -> Array:
    """Return the free number for a value, infinite at an edge; the inverse of `to_interval`."""
    if np.isfinite(low) and np.isfinite(high):
        return logit((value - low / unit) / ((high - low) / unit))
    if np.isfinite(low):
        return softplus_inverse(value - low / unit)
    if np.isfinite(high):
        return -softplus_inverse(high / unit - value)
    return value


def _map(change: Callable[..., Array], law: Tree) -> Tree:
    declared = declarations(law)
    changed = {
        name: change(getattr(law, name), *EDGES[each.domain]) for name, each in declared.items()
    }
    for field in dataclasses.fields(law):
        value = getattr(law, field.name)
        if field.name not in declared and dataclasses.is_dataclass(value):
            changed[field.name] = _map(change, value)
    return dataclasses.replace(law, **changed)


def unconstrain(law: _T) -> _T:
    """Return the law's coefficients as unconstrained numbers, in a tree of the same class."""
    return _map(from_interval, law)


def constrain(law: _T) -> _T:
    """Return the law for given unconstrained numbers: the inverse of `unconstrain`."""
    return _map(to_interval, law)
