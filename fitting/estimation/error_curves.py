"""Curves from the loss of a model to its error on a task: small trees of coefficients.

Models of one family lie near one curve, whatever their size, tokens or teacher.
"""

from typing import ClassVar, Protocol, Self

import jax
import jax.numpy as jnp

from jaxlaws.foundations.annotations import Array
from jaxlaws.pytree import Coefficient, positive, pytree, real


class ErrorCurve(Protocol):
    """A curve from loss to error.

    Attributes:
        shifting: the coefficients that `shifted` changes.
    """

    shifting: ClassVar[tuple[str, ...]]

    def error(self, *, loss: Array) -> jax.Array:
        """Predict the error of a model with this loss, any shape."""
        ...

    def shifted(self, by: Array) -> Self:
        """The curve of the error as a function of `loss - by`."""
        ...


@pytree
class ExponentialError:
    """`error = eps - k exp(-g L)` (Gadre et al. 2024, eq. 5): it flattens at a high loss only.

    The paper fits averages over tasks; the error on a single task need not follow the curve.
    """

    eps: Coefficient = positive()  # error of a model that has learned nothing
    k: Coefficient = positive()
    g: Coefficient = positive()  # in inverse nats

    shifting: ClassVar[tuple[str, ...]] = ("k",)

    def error(self, *, loss: Array) -> jax.Array:
        """Predict the error of a model with this loss, any shape."""
        return self.eps - self.k * jnp.exp(-self.g * loss)

    def shifted(self, by: Array) -> "ExponentialError":
        """The curve of the error as a function of `loss - by`."""
        return ExponentialError(eps=self.eps, k=self.k * jnp.exp(-self.g * by), g=self.g)


@pytree
class SigmoidError:
    """`error = low + rise / (1 + exp(-g (L - middle)))`: it flattens at both ends."""

    low: Coefficient = positive()  # error that remains at any loss
    rise: Coefficient = positive()  # from `low` to the error of a model that has learned nothing
    g: Coefficient = positive()  # in inverse nats
    middle: Coefficient = real()  # the loss halfway

    shifting: ClassVar[tuple[str, ...]] = ("middle",)

    def error(self, *, loss: Array) -> jax.Array:
        """Predict the error of a model with this loss, any shape."""
        return self.low + self.rise * jax.nn.sigmoid(self.g * (loss - self.middle))

    def shifted(self, by: Array) -> "SigmoidError":
        """The curve of the error as a function of `loss - by`."""
        return SigmoidError(low=self.low, rise=self.rise, g=self.g, middle=self.middle - by)
