"""Precision law: training and serving in low precision (Kumar et al. 2024, arXiv 2411.04330)."""

from typing import ClassVar

import jax
import jax.numpy as jnp

from jaxlaws.foundations.provenance import Preset
from jaxlaws.inputs import prediction
from jaxlaws.powers import power
from jaxlaws.pytree import Coefficient, positive, pytree


@pytree
class Precision:
    """`loss = E + A / N_eff**alpha + B / D**beta + loss added by quantisation after training`.

    Training in few bits is like training a smaller model, of
    `N_eff = N (1 - exp(-P_w / g_w)) (1 - exp(-P_a / g_a)) (1 - exp(-P_kv / g_kv))` parameters,
    where P_w, P_a and P_kv are the bits of weights, activations, and keys and values. Quantising
    the weights to P bits after training adds `C_T (D / D_0)**g_D (N_0 / N)**g_N exp(-P / g_post)`,
    so more tokens can make a quantised model worse. This term is for models that are trained in
    high precision.

    D_0 and N_0 are reference values for C_T; the paper has 1 for both. Data cannot identify them
    separately from C_T, so freeze both in a fit, at values near the sizes and tokens of the runs.

    Attributes:
        E: irreducible loss, that of an infinite model on infinite data, in nats per token.
        A: amplitude of the size term, in nats per token times parameters**alpha.
        alpha: exponent of the effective size N_eff, a pure number.
        B: amplitude of the token term, in nats per token times tokens**beta.
        beta: exponent of the tokens D, a pure number.
        g_w: scale of the weights' bits in training, in bits.
        g_a: scale of the activations' bits in training, in bits.
        g_kv: scale of the bits of keys and values in training, in bits.
        C_T: loss added by quantisation to zero bits at D = D_0 and N = N_0, in nats per token.
        D_0: reference number of tokens.
        g_D: exponent of the tokens in the added loss, a pure number.
        N_0: reference size in parameters.
        g_N: exponent of the size in the added loss, a pure number.
        g_post: scale of the bits after training, in bits.
    """

    E: Coefficient = positive()
    A: Coefficient = positive(unit_of="num_params", power="alpha")
    alpha: Coefficient = positive()
    B: Coefficient = positive(unit_of="num_tokens", power="beta")
    beta: Coefficient = positive()
    g_w: Coefficient = positive()
    g_a: Coefficient = positive()
    g_kv: Coefficient = positive()
    C_T: Coefficient = positive()
    D_0: Coefficient = positive(unit_of="num_tokens")
    g_D: Coefficient = positive()
    N_0: Coefficient = positive(unit_of="num_params")
    g_N: Coefficient = positive()
    g_post: Coefficient = positive()

    input_names: ClassVar[tuple[str, ...]] = (
        "num_params",
        "num_tokens",
        "weight_bits",
        "activation_bits",
        "kv_bits",
        "post_training_bits",
    )
    more_can_hurt: ClassVar = ("num_tokens",)

    @prediction
    def loss(
        self,
        *,
        num_params: jax.Array,
        num_tokens: jax.Array,
        weight_bits: jax.Array,
        activation_bits: jax.Array,
        kv_bits: jax.Array,
        post_training_bits: jax.Array,
    ) -> jax.Array:
        """Return the predicted loss of a run; infinite bits mean exact numbers.

        Args:
            num_params: size N in parameters, of any shape. The shapes of all inputs broadcast
                together.
            num_tokens: training tokens D.
            weight_bits: bits of the weights in training.
            activation_bits: bits of the activations in training.
            kv_bits: bits of keys and values in training.
            post_training_bits: bits of the weights after training, when they are quantised.

        Returns:
            Loss in nats per token, of the broadcast shape.
        """
        kept = 1.0
        for bits, scale in (
            (weight_bits, self.g_w),
            (activation_bits, self.g_a),
            (kv_bits, self.g_kv),
        ):
            kept = kept * (1 - _decay(bits, scale))
        # Two powers: the product would be infinite for infinite N, and its derivatives NaN.
        parameter_term = self.A * power(num_params, -self.alpha) * power(kept, -self.alpha)
        token_term = self.B * power(num_tokens, -self.beta)
        overtrained = power(num_tokens / self.D_0, self.g_D) * power(
            self.N_0 / num_params, self.g_N
        )
        quantised = self.C_T * overtrained * _decay(post_training_bits, self.g_post)
        return self.E + parameter_term + token_term + quantised


def _decay(bits: jax.Array, scale: Coefficient) -> jax.Array:
    """Return `exp(-bits / scale)`, with derivative zero at infinity."""
    exact = bits == jnp.inf
    return jnp.where(exact, 0.0, jnp.exp(-jnp.where(exact, 1.0, bits) / scale))


# Published: g_w 2.6745, g_a 2.2102, g_kv .9578, C_T .0598, g_D .5068, g_N .3439, g_post .5907.
# No preset: we found no source in which we could check E and B.
PRESETS: dict[str, Preset] = {}
