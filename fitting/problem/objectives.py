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


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class AsymmetricHuber:
    """Huber's cost of log residuals, `over` times as high where the law predicts too much.

    With a large `over` the law becomes a floor under the runs: what the best of them reach. With
    a small `delta` it goes through the quantile `1 / (1 + over)` of the losses.

    >>> AsymmetricHuber(0.5, over=3.0).costs(jnp.array([0.25, -1.5])).tolist()
    [0.09375, 0.625]
    """

    delta: Any = 1e-3
    over: Any = 2.0

    def residuals(self, predicted: Any, observed: Any) -> jax.Array:
        """Log residuals."""
        return jnp.log(predicted) - jnp.log(observed)

    def costs(self, residuals: Any) -> jax.Array:
        """Huber's cost of each, times `over` above zero."""
        return jnp.where(residuals > 0, self.over, 1.0) * Huber(self.delta).costs(residuals)

    def slope(self) -> Any:
        """The slope below -delta."""
        return self.delta


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class LogSquares:
    """Least squares of log residuals, `r**2 / 2`: right where noise is normal and in per cent.

    >>> LogSquares().costs(jnp.array([0.5, -2.0])).tolist()
    [0.125, 2.0]
    """

    scale: Any = 1e-2
    """A typical residual; it sets what counts as converged, not where the minimum is."""

    def residuals(self, predicted: Any, observed: Any) -> jax.Array:
        """Log residuals."""
        return jnp.log(predicted) - jnp.log(observed)

    def costs(self, residuals: Any) -> jax.Array:
        """Half the square of each."""
        return 0.5 * jnp.square(residuals)

    def slope(self) -> Any:
        """The slope at a typical residual."""
        return self.scale


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Squares:
    """Least squares of the residuals themselves, in units of the loss: `r**2 / 2`.

    >>> Squares().residuals(jnp.array([2.5]), jnp.array([2.0])).tolist()
    [0.5]
    """

    scale: Any = 1e-2
    """A typical residual; it sets what counts as converged, not where the minimum is."""

    def residuals(self, predicted: Any, observed: Any) -> jax.Array:
        """Predicted minus observed."""
        return predicted - observed

    def costs(self, residuals: Any) -> jax.Array:
        """Half the square of each."""
        return 0.5 * jnp.square(residuals)

    def slope(self) -> Any:
        """The slope at a typical residual."""
        return self.scale


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class StudentT:
    """Student's t likelihood of log residuals at a given scale: normal noise with heavy tails.

    `(dof + 1) / 2 log(1 + (r / scale)**2 / dof)`, the negative log density but for a constant.
    `student_t.fit_student_t` fits the scale as well.

    >>> [round(float(cost), 4) for cost in StudentT(0.5, dof=3.0).costs(jnp.array([0.0, 1.5]))]
    [0.0, 2.7726]
    """

    scale: Any = 5e-3
    dof: Any = 4.0

    def residuals(self, predicted: Any, observed: Any) -> jax.Array:
        """Log residuals."""
        return jnp.log(predicted) - jnp.log(observed)

    def costs(self, residuals: Any) -> jax.Array:
        """The negative log density of each, above that of zero."""
        return 0.5 * (self.dof + 1) * jnp.log1p(jnp.square(residuals / self.scale) / self.dof)

    def slope(self) -> Any:
        """The steepest slope."""
        return 0.5 * (self.dof + 1) / (self.scale * self.dof**0.5)
