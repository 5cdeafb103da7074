"""What is known of a coefficient before the runs are seen, as a penalty on a fit.

A prior tells by how many standard deviations a value is off; half the square of that is added to
the negative log likelihood that goes with the objective (`likelihood`), so that the fit ends at
the mode of the posterior. A prior of one's own is a small JAX tree with the method of `Prior`.
"""

import dataclasses
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp


@runtime_checkable
class Prior(Protocol):
    """What the fit asks of a prior."""

    def deviation(self, value: Any) -> Any:
        """By how many standard deviations a coefficient, in the user's units, is off."""
        ...


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Normal:
    """A normal distribution of the coefficient itself.

    >>> Normal(1.7, 0.1).deviation(1.9)
    1.9999999999999996
    """

    mean: Any
    sd: Any

    def deviation(self, value: Any) -> Any:
        """Standard deviations above the mean."""
        return (value - self.mean) / self.sd


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class LogNormal:
    """A normal distribution of the coefficient's logarithm, `factor` its standard deviation.

    `LogNormal(400, factor=2)` holds two thirds of its weight between 200 and 800.

    >>> round(float(LogNormal(400.0, factor=2.0).deviation(1600.0)), 6)
    2.0
    """

    median: Any
    factor: Any

    def deviation(self, value: Any) -> Any:
        """Standard deviations above the median."""
        return jnp.log(value / self.median) / jnp.log(self.factor)
