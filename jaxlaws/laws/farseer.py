"""Power law in tokens whose terms depend on size (Farseer, Li et al. 2025, arXiv 2506.10972)."""

from typing import ClassVar

import jax
import jax.numpy as jnp

from jaxlaws.inputs import prediction
from jaxlaws.powers import power
from jaxlaws.provenance import Preset
from jaxlaws.pytree import Coefficient, pytree, real


@pytree
class Farseer:
    """`loss = exp(a3 N**gamma + b3) + exp(a2 N**beta + b2) D**-exp(a1 N**alpha + b1)`.

    The first term is what a model of size N reaches on infinite data; the amplitude and the
    exponent of the second depend on N too, so that the compute-optimal D / N changes with compute.
    The coefficients may have either sign, and none is multiplied by a power of a unit when the
    unit changes.
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
        """Predict the loss of a run.

        Args:
            num_params: parameters N, any shape.
            num_tokens: training tokens D, broadcasts with `num_params`.

        Returns:
            Loss in nats per token, of the broadcast shape.
        """
        floor = _stretched(self.a3, num_params, self.gamma, self.b3)
        amplitude = _stretched(self.a2, num_params, self.beta, self.b2)
        exponent = _stretched(self.a1, num_params, self.alpha, self.b1)
        return floor + amplitude * power(num_tokens, -exponent)


def _stretched(slope: Coefficient, size: jax.Array, stretch: Coefficient, shift: Coefficient):
    """`exp(slope size**stretch + shift)`, with its limit and derivative zero at infinity."""
    stretched = power(size, stretch)
    endless = stretched == jnp.inf
    inside = jnp.exp(slope * jnp.where(endless, 0.0, stretched) + shift)
    limit = jnp.where(slope < 0, 0.0, jnp.inf)
    return jnp.where(endless & (slope != 0), limit, inside)


# The published coefficients are at hand in no source that we could check.
PRESETS: dict[str, Preset] = {}
