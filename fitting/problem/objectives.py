"""Objectives of a fit: the sum over runs of the cost of each residual.

An objective is a small JAX tree with the three methods of `Objective`; you can write your own. Its
numbers (such as `delta`) can change without a new compilation.
"""

import dataclasses
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np

from jaxlaws.foundations.annotations import Array
from jaxlaws.trees import register_dataclass

_USUAL_LOSS = 3.0  # nats
_USUAL_UNIT = 0.01  # of gradients: a typical residual


@runtime_checkable
class Objective(Protocol):
    """The methods of an objective."""

    def residuals(self, predicted: Array, observed: Array) -> Array:
        """The difference of each prediction from the observed loss, `(num_runs,)`."""
        ...

    def costs(self, residuals: Array) -> Array:
        """The cost of each residual: zero at zero, twice differentiable almost everywhere."""
        ...

    def slope(self) -> Array:
        """The unit of gradients: a typical or the largest slope of the cost."""
        ...


class _OfLogarithms:
    """Objectives of the logarithms of the losses."""

    def residuals(self, predicted: Array, observed: Array) -> jax.Array:
        """Log residuals."""
        return jnp.log(predicted) - jnp.log(observed)


@register_dataclass
@dataclasses.dataclass(frozen=True)
class Huber(_OfLogarithms):
    """Huber's cost of log residuals: squares within `delta`, absolute values beyond it.

    `r**2 / 2` for `|r| <= delta`, else `delta (|r| - delta / 2)`, with `r = log(predicted) -
    log(observed)`. With a small delta the fit nearly minimises the sum of relative errors, so that
    a few bad runs hardly change it.

    >>> Huber(0.5).costs(jnp.array([0.25, -1.5])).tolist()
    [0.03125, 0.625]
    """

    delta: Array = 1e-3

    def costs(self, residuals: Array) -> jax.Array:
        """Huber's cost of each residual."""
        size = jnp.abs(residuals)
        inside = jnp.minimum(size, self.delta)
        return inside * (size - 0.5 * inside)

    def slope(self) -> Array:
        """The slope beyond delta."""
        return self.delta


@register_dataclass
@dataclasses.dataclass(frozen=True)
class AsymmetricHuber(_OfLogarithms):
    """Huber's cost of log residuals, multiplied by `over` where the prediction is too high.

    With a large `over` the law becomes a lower envelope of the runs. With a small `delta` the law
    is the quantile `1 / (1 + over)` of the losses.

    >>> AsymmetricHuber(0.5, over=3.0).costs(jnp.array([0.25, -1.5])).tolist()
    [0.09375, 0.625]
    """

    delta: Array = 1e-3
    over: Array = 2.0

    def costs(self, residuals: Array) -> jax.Array:
        """Huber's cost of each residual, multiplied by `over` above zero."""
        return jnp.where(residuals > 0, self.over, 1.0) * Huber(self.delta).costs(residuals)

    def slope(self) -> Array:
        """The slope below -delta."""
        return self.delta


@register_dataclass
@dataclasses.dataclass(frozen=True)
class LogSquares(_OfLogarithms):
    """Least squares of log residuals, `r**2 / 2`, for normal noise in proportion to the loss.

    >>> LogSquares().costs(jnp.array([0.5, -2.0])).tolist()
    [0.125, 2.0]
    """

    scale: Array = 1e-2
    """A typical residual. It sets the tolerance of the fit, and does not move the minimum."""

    def costs(self, residuals: Array) -> jax.Array:
        """Half the square of each residual."""
        return 0.5 * jnp.square(residuals)

    def slope(self) -> Array:
        """The slope at a typical residual."""
        return self.scale


@register_dataclass
@dataclasses.dataclass(frozen=True)
class Squares:
    """Least squares of the residuals themselves, in units of the loss: `r**2 / 2`.

    >>> Squares().residuals(jnp.array([2.5]), jnp.array([2.0])).tolist()
    [0.5]
    """

    scale: Array | None = None
    """The unit of gradients. It sets the tolerance of the fit, and does not move the minimum. None:
    0.01 for outcomes that are losses in nats, and in proportion to the square of other outcomes."""

    def residuals(self, predicted: Array, observed: Array) -> jax.Array:
        """Predicted minus observed."""
        return predicted - observed

    def costs(self, residuals: Array) -> jax.Array:
        """Half the square of each residual."""
        return 0.5 * jnp.square(residuals)

    def slope(self) -> Array:
        """The unit of gradients."""
        return _USUAL_UNIT if self.scale is None else self.scale

    def size_of_outcomes(self) -> float:
        """The order of magnitude of the outcomes to which the objective is scaled."""
        return float(np.sqrt(self.slope() / _USUAL_UNIT))

    def scaled_to(self, observed: np.ndarray) -> "Squares":
        """The same objective with a known scale, for these outcomes, `(num_runs,)`.

        >>> Squares().scaled_to(np.array([2.5, 3.0])), Squares().scaled_to(np.array([4e-9]))
        (Squares(scale=0.01), Squares(scale=1e-20))
        """
        sizes = np.abs(observed[np.isfinite(observed) & (observed != 0)])
        if self.scale is not None or not len(sizes):
            return self
        decades = round(float(np.log10(np.median(sizes) / _USUAL_LOSS)))
        return Squares(float(f"{_USUAL_UNIT}e{2 * decades}"))


@register_dataclass
@dataclasses.dataclass(frozen=True)
class StudentT(_OfLogarithms):
    """Student's t likelihood of log residuals: normal noise with heavy tails.

    `(dof + 1) / 2 log(1 + (r / scale)**2 / dof)`, which is the negative log density without its
    constant. With `scale=None` a fit estimates the scale as well, and `FitResult.options.objective`
    holds the estimate.

    >>> [round(float(cost), 4) for cost in StudentT(0.5, dof=3.0).costs(jnp.array([0.0, 1.5]))]
    [0.0, 2.7726]
    """

    scale: Array | None = 5e-3
    """The scale of the residuals; None: fit it."""
    dof: Array = 4.0
    """Degrees of freedom: few for heavy tails, many for nearly normal noise."""

    def costs(self, residuals: Array) -> jax.Array:
        """The negative log density of each residual, minus that of a residual of zero."""
        ratios = residuals / self.known_scale()
        return 0.5 * (self.dof + 1) * jnp.log1p(jnp.square(ratios) / self.dof)

    def slope(self) -> Array:
        """The largest slope."""
        return 0.5 * (self.dof + 1) / (self.known_scale() * self.dof**0.5)

    def known_scale(self) -> Array:
        """The scale.

        Raises:
            ValueError: the scale is still to be fitted.
        """
        if self.scale is None:
            raise ValueError(
                "StudentT(scale=None) has no scale yet: fit a law first, and use the objective of "
                "its result, result.options.objective"
            )
        return self.scale
