"""What a fit minimises: a sum over runs of a cost of each residual.

An objective is a small JAX tree with the three methods of `Objective`; one of your own needs no
more, and its coefficients (such as `delta`) may change without a new compilation.
"""

import dataclasses
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp


@runtime_checkable
class Objective(Protocol):
    """What the fit asks of an objective."""

    def residuals(self, predicted: Any, observed: Any) -> Any:
        """How far each prediction is off, `(num_runs,)`."""
        ...

    def costs(self, residuals: Any) -> Any:
        """The cost of each residual: zero at zero, twice differentiable almost everywhere."""
        ...

    def slope(self) -> Any:
        """The cost's slope that counts as one: gradients are measured in it."""
        ...


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Huber:
    """Huber's cost of log residuals: squares within `delta`, absolute values beyond.

    `r**2 / 2` for `|r| <= delta`, else `delta (|r| - delta / 2)`, with `r = log(predicted) -
    log(observed)`. With a small delta it is nearly least absolute deviations in per cent, so that
    a few bad runs hardly matter.

    >>> Huber(0.5).costs(jnp.array([0.25, -1.5])).tolist()
    [0.03125, 0.625]
    """

    delta: Any = 1e-3

    def residuals(self, predicted: Any, observed: Any) -> jax.Array:
        """Log residuals."""
        return jnp.log(predicted) - jnp.log(observed)

    def costs(self, residuals: Any) -> jax.Array:
        """Huber's cost of each."""
        size = jnp.abs(residuals)
        inside = jnp.minimum(size, self.delta)
        return inside * (size - 0.5 * inside)

    def slope(self) -> Any:
        """The slope beyond delta."""
        return self.delta
