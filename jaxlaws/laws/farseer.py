"""Farseer: power law in tokens whose terms depend on size (Li et al. 2025, arXiv 2506.10972)."""

from typing import ClassVar

import jax
import jax.numpy as jnp

from jaxlaws.foundations.provenance import Preset
from jaxlaws.inputs import prediction
from jaxlaws.powers import power
from jaxlaws.pytree import Coefficient, pytree, real


@pytree
class Farseer:
    """`loss = exp(a3 N**gamma + b3) + exp(a2 N**beta + b2) D**-exp(a1 N**alpha + b1)`.

    The first term is the loss that a model of size N reaches on infinite data. The amplitude and
    the exponent of the second term depend on N too, so the compute-optimal ratio D / N changes
    with compute. Every coefficient may have either sign. The coefficients are for N in parameters,
    D in tokens and the loss in nats per token; a change of these units does not simply scale them.

    Attributes:
        a1: factor of N**alpha in the log of the token exponent.
        b1: constant part of the log of the token exponent.
        alpha: exponent of N in the token exponent.
        a2: factor of N**beta in the log of the token amplitude.
        b2: constant part of the log of the token amplitude.
        beta: exponent of N in the token amplitude.
        a3: factor of N**gamma in the log of the loss on infinite data.
        b3: constant part of the log of the loss on infinite data.
        gamma: exponent of N in the loss on infinite data.
    """

    a1: Coefficient = real()
    b1: Coefficient = real()
    alpha: Coefficient = real()
    a2: Coefficient = real()
    b2: Coefficient = real()
    beta: Coefficient = real()
    a3: Coefficient = real()
    b3: Coefficient = real()
    gamma: Coefficient = real()

    input_names: ClassVar[tuple[str, ...]] = ("num_params", "num_tokens")
    more_can_hurt: ClassVar = ("num_params",)

    @prediction
    def loss(self, *, num_params: jax.Array, num_tokens: jax.Array) -> jax.Array:
        """Return the predicted loss of a run.

        Args:
            num_params: size N in parameters, of any shape.
            num_tokens: training tokens D, of a shape that broadcasts with `num_params`.

        Returns:
            Loss in nats per token, of the broadcast shape.
        """
        floor = _stretched(self.a3, num_params, self.gamma, self.b3)
        amplitude = _stretched(self.a2, num_params, self.beta, self.b2)
        exponent = _stretched(self.a1, num_params, self.alpha, self.b1)
        return floor + amplitude * power(num_tokens, -exponent)


def _stretched(slope: Coefficient, size: jax.Array, stretch: Coefficient, shift: Coefficient):
    """Return `exp(slope size**stretch + shift)`; for infinite size the limit, with derivative 0."""
    stretched = power(size, stretch)
    endless = stretched == jnp.inf
    inside = jnp.exp(slope * jnp.where(endless, 0.0, stretched) + shift)
    limit = jnp.where(slope < 0, 0.0, jnp.inf)
    return jnp.where(endless & (slope != 0), limit, inside)


# No preset: we found no source in which we could check the published coefficients.
PRESETS: dict[str, Preset] = {}
