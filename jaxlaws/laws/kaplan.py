"""Kaplan law: joint power law without a floor (Kaplan et al. 2020, arXiv 2001.08361, Eq. 1.5)."""

from typing import ClassVar

import jax

from jaxlaws.foundations.provenance import Mark, Preset
from jaxlaws.inputs import prediction
from jaxlaws.powers import power
from jaxlaws.pytree import Coefficient, positive, pytree


@pytree
class Kaplan:
    """`loss = ((N_c / N)**(alpha_N / alpha_D) + D_c / D)**alpha_D`, in nats per token.

    It has no irreducible loss: an infinite model on infinite data has loss zero.

    Attributes:
        N_c: scale of the size term, in parameters.
        D_c: scale of the token term, in tokens.
        alpha_N: exponent of the size N on infinite data, a pure number.
        alpha_D: exponent of the tokens D for an infinite model, a pure number.
    """

    N_c: Coefficient = positive(unit_of="num_params")
    D_c: Coefficient = positive(unit_of="num_tokens")
    alpha_N: Coefficient = positive()
    alpha_D: Coefficient = positive()

    input_names: ClassVar[tuple[str, ...]] = ("num_params", "num_tokens")

    @prediction
    def loss(self, *, num_params: jax.Array, num_tokens: jax.Array) -> jax.Array:
        """Return the predicted loss of a run.

        Args:
            num_params: size N in non-embedding parameters, of any shape.
            num_tokens: training tokens D, of a shape that broadcasts with `num_params`.

        Returns:
            Loss in nats per token, of the broadcast shape.
        """
        # The inputs are denominators, so that an infinite input gives zero with derivative zero.
        parameter_term = power(self.N_c / num_params, self.alpha_N / self.alpha_D)
        token_term = self.D_c / num_tokens
        return power(parameter_term + token_term, self.alpha_D)


PRESETS = {
    "kaplan2020": Preset(
        law=Kaplan(N_c=6.4e13, D_c=1.8e13, alpha_N=0.076, alpha_D=0.103),
        source="Kaplan et al. 2020, arXiv 2001.08361, Eq. 1.5 with the coefficients of Table 2",
        digits="2 to 3",
        counts="non-embedding parameters",
        data="WebText2",
        mark=Mark.SECONDARY,
        note="The paper's laws of one variable, L(N) and L(D), have other coefficients, which are "
        "not used here.",
    ),
}
