"""Data-constrained law: power law for repeated data (Muennighoff et al. 2023, 2305.16264)."""

import math
from typing import ClassVar

import jax
import jax.numpy as jnp

from jaxlaws.foundations.provenance import Mark, Preset
from jaxlaws.inputs import prediction
from jaxlaws.powers import power
from jaxlaws.pytree import Coefficient, positive, pytree


@pytree
class DataConstrained:
    """`loss = E + A / N'**alpha + B / D'**beta`, in nats per token.

    A repeated token is worth less than a new token. Of the D tokens, U are distinct, and
    `D' = U + U R_D (1 - exp(-(D / U - 1) / R_D))`. U_N is the size that is compute-optimal for U
    distinct tokens: `U_N = min(N, (alpha A / (beta B))**(1 / alpha) U**(beta / alpha))`. Parameters
    above U_N are worth less in the same way, with R_N in place of R_D. Without repetition, and with
    N no larger than U_N, the law is `Chinchilla`.

    Attributes:
        E: irreducible loss, that of an infinite model on infinite distinct data, in nats per token.
        A: amplitude of the size term, in nats per token times parameters**alpha.
        alpha: exponent of the effective size N', a pure number.
        B: amplitude of the token term, in nats per token times tokens**beta.
        beta: exponent of the effective tokens D', a pure number.
        R_D: largest worth of repeated tokens, in multiples of U.
        R_N: largest worth of the parameters above U_N, in multiples of U_N.
    """

    E: Coefficient = positive()
    A: Coefficient = positive(unit_of="num_params", power="alpha")
    alpha: Coefficient = positive()
    B: Coefficient = positive(unit_of="num_tokens", power="beta")
    beta: Coefficient = positive()
    R_D: Coefficient = positive()
    R_N: Coefficient = positive()

    input_names: ClassVar[tuple[str, ...]] = ("num_params", "num_tokens", "num_unique_tokens")

    @prediction
    def loss(
        self, *, num_params: jax.Array, num_tokens: jax.Array, num_unique_tokens: jax.Array
    ) -> jax.Array:
        """Return the predicted loss of a run.

        Args:
            num_params: size N in parameters, of any shape.
            num_tokens: training tokens D, repetitions included.
            num_unique_tokens: distinct tokens U among the D; a value above D counts as D. The
                shapes of the three inputs broadcast together.

        Returns:
            Loss in nats per token, of the broadcast shape.
        """
        distinct = jnp.minimum(num_unique_tokens, num_tokens)
        params = _worth(num_params, jnp.minimum(num_params, self._optimal(distinct)), self.R_N)
        tokens = _worth(num_tokens, distinct, self.R_D)
        parameter_term = self.A * power(params, -self.alpha)
        token_term = self.B * power(tokens, -self.beta)
        return self.E + parameter_term + token_term

    def _optimal(self, num_tokens: jax.Array) -> jax.Array:
        """Return the size that is compute-optimal for `num_tokens` distinct tokens."""
        limitless = num_tokens == jnp.inf
        log_ratio = jnp.log(self.alpha * self.A) - jnp.log(self.beta * self.B)
        log_tokens = jnp.log(jnp.where(limitless, 1.0, num_tokens))
        optimal = jnp.exp((log_ratio + self.beta * log_tokens) / self.alpha)
        return jnp.where(limitless, jnp.inf, optimal)


def _worth(total: jax.Array, distinct: jax.Array, most: Coefficient) -> jax.Array:
    """Return the effective amount: `distinct` counts fully, the rest with diminishing returns."""
    limitless, endless = distinct == jnp.inf, total == jnp.inf
    # No infinity may enter the formula: `where` would return a NaN derivative.
    distinct = jnp.where(limitless, 1.0, distinct)
    repetitions = jnp.where(endless, distinct, total) / distinct - 1
    share = jnp.where(endless, 1.0, -jnp.expm1(-repetitions / most))
    return jnp.where(limitless, jnp.inf, distinct * (1 + most * share))


PRESETS = {
    "muennighoff2023": Preset(
        law=DataConstrained(
            E=math.exp(0.6254804),
            A=math.exp(6.255414),
            alpha=0.3526596,
            B=math.exp(7.3049974),
            beta=0.3526596,
            R_D=15.387756,
            R_N=5.309743,
        ),
        source="Muennighoff et al. 2023, arXiv 2305.16264, with the unrounded logs of E, A and B",
        digits="7 to 8",
        counts="not stated by our sources",
        data="C4 (English)",
        mark=Mark.SECONDARY,
        note="E, A, B and the exponents (alpha equals beta) are from 54 runs, R_D and R_N from "
        "182. R_D and R_N lie in a long flat valley with several optima: (95.4, 1.71) fits the "
        "same runs slightly better. Predictions are better determined than R_D and R_N.",
    ),
}
