"""Power law for repeated data (Muennighoff et al. 2023, arXiv 2305.16264)."""

import math
from typing import ClassVar

import jax
import jax.numpy as jnp

from jaxlaws.inputs import prediction
from jaxlaws.powers import power
from jaxlaws.provenance import Mark, Preset
from jaxlaws.pytree import Coefficient, positive, pytree


@pytree
class DataConstrained:
    """`loss = E + A / N'**alpha + B / D'**beta`, in nats per token.

    Tokens that are repeated are worth less than fresh ones. Of D tokens U are distinct, and
    `D' = U + U R_D (1 - exp(-(D / U - 1) / R_D))`. Parameters beyond the U_N that are
    compute-optimal for U distinct tokens are worth less in the same way, with R_N in place of R_D
    and `U_N = min(N, (alpha A / (beta B))**(1 / alpha) U**(beta / alpha))`. A model that repeats
    nothing and has no more parameters than U_N follows `Chinchilla`.
    """

    E: Coefficient = positive()  # loss of an infinite model on infinite distinct data
    A: Coefficient = positive(unit_of="num_params", power="alpha")
    alpha: Coefficient = positive()
    B: Coefficient = positive(unit_of="num_tokens", power="beta")
    beta: Coefficient = positive()
    R_D: Coefficient = positive()  # most that repeating is worth, in multiples of U
    R_N: Coefficient = positive()  # the same of parameters, in multiples of U_N

    input_names: ClassVar[tuple[str, ...]] = ("num_params", "num_tokens", "num_unique_tokens")

    @prediction
    def loss(
        self, *, num_params: jax.Array, num_tokens: jax.Array, num_unique_tokens: jax.Array
    ) -> jax.Array:
        """Predict the loss of a run.

        Args:
            num_params: parameters N, any shape.
            num_tokens: training tokens D, repetitions counted.
            num_unique_tokens: distinct tokens U among them; more than D count as D.

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
        """The parameters that are compute-optimal for so many distinct tokens."""
        limitless = num_tokens == jnp.inf
        log_ratio = jnp.log(self.alpha * self.A) - jnp.log(self.beta * self.B)
        log_tokens = jnp.log(jnp.where(limitless, 1.0, num_tokens))
        optimal = jnp.exp((log_ratio + self.beta * log_tokens) / self.alpha)
        return jnp.where(limitless, jnp.inf, optimal)


def _worth(total: jax.Array, distinct: jax.Array, most: Coefficient) -> jax.Array:
    """What `total` is worth of which only `distinct` counts fully, and the rest ever less."""
    limitless, endless = distinct == jnp.inf, total == jnp.inf
    # Neither branch may see an infinity: its derivative would be NaN in the other.
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
        source="Muennighoff et al. 2023, arXiv 2305.16264: with the unrounded logs of E, A and B",
        digits="7 to 8",
        counts="unstated by our sources",
        data="C4 (English)",
        mark=Mark.SECONDARY,
        note="54 runs for E, A, B and the exponents, which are tied; 182 for R_D and R_N. These "
        "two lie in a long valley with several optima: (95.4, 1.71) fits the same runs slightly "
        "better. Predictions are firmer than either.",
    ),
}
