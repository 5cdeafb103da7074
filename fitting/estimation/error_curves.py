"""Error on a task as a function of the loss: small trees of coefficients.

Loss is what laws predict, a task's error is what is cared for. Models of one family lie near one
curve, whatever their size, tokens or teacher.
"""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from jaxlaws.pytree import Coefficient, positive, pytree, real


@pytree
class ExponentialError:
    """`error = eps - k exp(-g L)` (Gadre et al. 2024, eq. 5), which only ever flattens upwards.

    Their errors are averages over tasks; a single one need not follow.
    """

    eps: Coefficient = positive()  # error of a model that knows nothing
    k: Coefficient = positive()
    g: Coefficient = positive()  # in inverse nats

    shifting: ClassVar = ("k",)  # what `shifted` changes

    def error(self, *, loss: Any) -> jax.Array:
        """Predict the error of a model with this loss, any shape."""
        return self.eps - self.k * jnp.exp(-self.g * loss)

    def shifted(self, by: Any) -> "ExponentialError":
        """The same curve for losses less `by`."""
        return ExponentialError(eps=self.eps, k=self.k * jnp.exp(-self.g * by), g=self.g)


@pytree
class SigmoidError:
    """`error = low + rise / (1 + exp(-g (L - middle)))`: flat on both sides."""

    low: Coefficient = positive()  # error that no loss gets rid of
    rise: Coefficient = positive()  # from there to the error of a model that knows nothing
    g: Coefficient = positive()  # in inverse nats
    middle: Coefficient = real()  # the loss halfway

    shifting: ClassVar = ("middle",)

    def error(self, *, loss: Any) -> jax.Array:
        """Predict the error of a model with this loss, any shape."""
        return self.low + self.rise * jax.nn.sigmoid(self.g * (loss - self.middle))

    def shifted(self, by: Any) -> "SigmoidError":
        """The same curve for losses less `by`."""
        return SigmoidError(low=self.low, rise=self.rise, g=self.g, middle=self.middle - by)
