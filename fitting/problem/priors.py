"""Priors: knowledge about a coefficient before the runs are seen, as a penalty on a fit.

A prior returns the deviation of a value in standard deviations. Half its square is added to the
negative log likelihood that belongs to the objective (`likelihood`), so that the fit is the mode
of the posterior. For another distribution, write a small JAX tree with the method of `Prior`.
"""

import dataclasses
from typing import Protocol, runtime_checkable

import jax.numpy as jnp

from jaxlaws.foundations.annotations import Array
from jaxlaws.trees import register_dataclass


@runtime_checkable
class Prior(Protocol):
    """The method that a fit needs of a prior."""

    def deviation(self, value: Array) -> Array:
        """The deviation of a coefficient, in the user's units, in standard deviations."""
        ...


@register_dataclass
@dataclasses.dataclass(frozen=True)
class Normal:
    """A normal distribution of the coefficient.

    >>> Normal(1.7, 0.1).deviation(1.9)
    1.9999999999999996
    """

    mean: Array
    sd: Array

    def deviation(self, value: Array) -> Array:
        """Standard deviations above the mean."""
        return (value - self.mean) / self.sd


@register_dataclass
@dataclasses.dataclass(frozen=True)
class LogNormal:
    """A normal distribution of the logarithm of the coefficient.

    `factor` is the exponential of the standard deviation: `LogNormal(400, factor=2)` has two
    thirds of its probability between 200 and 800.

    >>> round(float(LogNormal(400.0, factor=2.0).deviation(1600.0)), 6)
    2.0
    """

    median: Array
    factor: Array

    def deviation(self, value: Array) -> Array:
        """Standard deviations above the median, of the logarithm."""
        return jnp.log(value / self.median) / jnp.log(self.factor)
