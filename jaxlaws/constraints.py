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
from jax.scipy.special import logit

from jaxlaws.pytree import Domain, declarations

_T = TypeVar("_T")


def softplus_inverse(value: Any) -> jax.Array:
    """The number whose softplus is `value`, accurate for large and small ones."""
    return value + jnp.log(-jnp.expm1(-value))


TO_DOMAIN: Mapping[Domain, Callable[[Any], Any]] = {
    Domain.REAL: lambda value: value,
    Domain.POSITIVE: jax.nn.softplus,
    Domain.UNIT_INTERVAL: jax.nn.sigmoid,
}
_FROM_DOMAIN: Mapping[Domain, Callable[[Any], Any]] = {
    Domain.REAL: lambda value: value,
    Domain.POSITIVE: softplus_inverse,
    Domain.UNIT_INTERVAL: logit,
}


def _map(maps: Mapping[Domain, Callable[[Any], Any]], law: _T) -> _T:
    declared = declarations(law)
    changed = {name: maps[declared[name].domain](getattr(law, name)) for name in declared}
    for field in dataclasses.fields(law):  # pyright: ignore[reportArgumentType]
        value = getattr(law, field.name)
        if field.name not in declared and dataclasses.is_dataclass(value):
            changed[field.name] = _map(maps, value)
    return dataclasses.replace(law, **changed)  # pyright: ignore[reportArgumentType]


def unconstrain(law: _T) -> _T:
    """The law's coefficients as unconstrained numbers, in a tree of the same class."""
    return _map(_FROM_DOMAIN, law)


def constrain(law: _T) -> _T:
    """The law whose unconstrained numbers are given; inverse of `unconstrain`."""
    return _map(TO_DOMAIN, law)
