"""Joint power law without a floor (Kaplan et al. 2020, arXiv 2001.08361, Eq. 1.5)."""

from typing import ClassVar

import jax

from jaxlaws.inputs import prediction
from jaxlaws.powers import power
from jaxlaws.provenance import Mark, Preset
from jaxlaws.pytree import Coefficient, positive, pytree


@pytree
class Kaplan:
    """`loss = ((N_c / N)**(alpha_N / alpha_D) + D_c / D)**alpha_D`, in nats per token.

    It has no irreducible loss: an infinite model on infinite data has loss zero.
    """

    N_c: Coefficient = positive(unit_of="num_params")
    D_c: Coefficient = positive(unit_of="num_tokens")
    alpha_N: Coefficient = positive()
    alpha_D: Coefficient = positive()

    input_names: ClassVar[tuple[str, ...]] = ("num_params", "num_tokens")

    @prediction
    def loss(self, *, num_params: jax.Array, num_tokens: jax.Array) -> jax.Array:
        """Predict the loss of a run.

        Args:
            num_params: non-embedding parameters N, any shape.
            num_tokens: training tokens D, broadcasts with `num_params`.

        Returns:
            Loss in nats per token, of the broadcast shape.
        """
        # Inputs in the denominator: an infinite one then gives zero, and derivative zero.
        parameter_term = power(self.N_c / num_params, self.alpha_N / self.alpha_D)
        token_term = self.D_c / num_tokens
        return power(parameter_term + token_term, self.alpha_D)


PRESETS = {
    "kaplan2020": Preset(
        law=Kaplan(N_c=6.4e13, D_c=1.8e13, alpha_N=0.076, alpha_D=0.103),
        source="Kaplan et al. 2020, arXiv 2001.08361, Eq. 1.5 with its own set (Table 2)",
        digits="2 to 3",
        counts="non-embedding parameters",
        data="WebText2",
        mark=Mark.SECONDARY,
        note="The sets of the one-variable laws L(N) and L(D) differ and are not mixed in.",
    ),
}
