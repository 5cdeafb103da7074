"""Sparsity law: models with sparse weights (Frantar et al. 2023, arXiv 2309.08520)."""

from typing import ClassVar

import jax

from jaxlaws.foundations.provenance import Mark, Preset
from jaxlaws.inputs import prediction
from jaxlaws.powers import power
from jaxlaws.pytree import Coefficient, positive, pytree


@pytree
class SparseWeights:
    """`loss = (a_S (1 - S)**b_S + c_S) / N**b_N + (a_D / D)**b_D + c`.

    S is the sparsity, the fraction of the weights that is zero. The input of the law is the density
    1 - S. N counts the weights that are not zero: of two models with the same N, the sparser model
    is better.

    Attributes:
        a_S: amplitude of the density term, in nats per token times parameters**b_N.
        b_S: exponent of the density, a pure number.
        c_S: amplitude of the size term at density zero, in nats per token times parameters**b_N.
        b_N: exponent of the size N, a pure number.
        a_D: scale of the token term, in tokens times (nats per token)**(1/b_D).
        b_D: exponent of the tokens D, a pure number.
        c: irreducible loss, that of an infinite model on infinite data, in nats per token.
    """

    a_S: Coefficient = positive(unit_of="num_params", power="b_N")
    b_S: Coefficient = positive()
    c_S: Coefficient = positive(unit_of="num_params", power="b_N")
    b_N: Coefficient = positive()
    a_D: Coefficient = positive(unit_of="num_tokens")
    b_D: Coefficient = positive()
    c: Coefficient = positive()

    input_names: ClassVar[tuple[str, ...]] = ("num_params", "num_tokens", "density")

    @prediction
    def loss(
        self, *, num_params: jax.Array, num_tokens: jax.Array, density: jax.Array
    ) -> jax.Array:
        """Return the predicted loss of a run.

        Args:
            num_params: number N of the weights that are not zero, of any shape.
            num_tokens: training tokens D (or images), of a shape that broadcasts with `num_params`.
            density: fraction 1 - S of the weights that is not zero, at most 1; its shape broadcasts
                too.

        Returns:
            Loss in nats per token (or per image), of the broadcast shape.
        """
        amplitude = self.a_S * power(density, self.b_S) + self.c_S
        token_term = power(self.a_D / num_tokens, self.b_D)
        return amplitude * power(num_params, -self.b_N) + token_term + self.c


_SOURCE = "Frantar et al. 2023, arXiv 2309.08520"

PRESETS = {
    "frantar2023_t5": Preset(
        law=SparseWeights(a_S=16.8, b_S=0.722, c_S=45.0, b_N=0.245, a_D=6.90e8, b_D=0.203, c=0.651),
        source=f"{_SOURCE}, T5",
        digits="3",
        counts="parameters that are not zero",
        data="C4",
        mark=Mark.SECONDARY,
    ),
    "frantar2023_vit": Preset(
        law=SparseWeights(
            a_S=294.0, b_S=0.821, c_S=468.0, b_N=0.392, a_D=2.37e8, b_D=0.890, c=4.517
        ),
        source=f"{_SOURCE}, ViT",
        digits="3 to 4",
        counts="parameters that are not zero",
        loss_unit="nats per image",
        data="images; our sources do not name the data set",
        mark=Mark.SECONDARY,
        note="D counts images.",
    ),
}
