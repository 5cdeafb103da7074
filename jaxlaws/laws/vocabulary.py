"""Law of vocabulary size (Tao et al. 2024, arXiv 2407.13623, its third approach)."""

from typing import ClassVar

import jax

from jaxlaws.inputs import prediction
from jaxlaws.powers import power
from jaxlaws.provenance import Mark, Preset
from jaxlaws.pytree import Coefficient, positive, pytree


@pytree
class Vocabulary:
    """`loss = -E + A1 / N_nv**alpha1 + A2 / N_v**alpha2 + B / D**beta`, mostly below zero.

    The loss is relative to that of a unigram model with the same vocabulary, so that vocabularies
    can be compared. N_v counts the embedding, vocabulary times width, N_nv all else. The same
    text makes fewer tokens with a larger vocabulary: H characters are `D = H f(V)` tokens, and
    compute is `6 (N_nv + N_v) D`.
    """

    E: Coefficient = positive()  # how far below a unigram model an infinite one gets
    A1: Coefficient = positive(unit_of="num_nonvocab_params", power="alpha1")
    alpha1: Coefficient = positive()
    A2: Coefficient = positive(unit_of="num_vocab_params", power="alpha2")
    alpha2: Coefficient = positive()
    B: Coefficient = positive(unit_of="num_tokens", power="beta")
    beta: Coefficient = positive()

    input_names: ClassVar[tuple[str, ...]] = (
        "num_nonvocab_params",
        "num_vocab_params",
        "num_tokens",
    )

    @prediction
    def loss(
        self, *, num_nonvocab_params: jax.Array, num_vocab_params: jax.Array, num_tokens: jax.Array
    ) -> jax.Array:
        """Predict the loss of a run.

        Args:
            num_nonvocab_params: parameters N_nv without the embedding, any shape.
            num_vocab_params: parameters N_v of the embedding.
            num_tokens: training tokens D of this vocabulary.

        Returns:
            Loss relative to a unigram model, in nats per token, of the broadcast shape.
        """
        body_term = self.A1 * power(num_nonvocab_params, -self.alpha1)
        vocabulary_term = self.A2 * power(num_vocab_params, -self.alpha2)
        token_term = self.B * power(num_tokens, -self.beta)
        return body_term + vocabulary_term + token_term - self.E


PRESETS = {
    "tao2024": Preset(
        # Published for parameters in millions and tokens in billions.
        law=Vocabulary(
            E=5.533,
            A1=1.831 * 1e6**0.447,
            alpha1=0.447,
            A2=0.196 * 1e6**0.671,
            alpha2=0.671,
            B=2.124 * 1e9**0.447,
            beta=0.447,
        ),
        source="Tao et al. 2024, arXiv 2407.13623, approach 3",
        digits="3 to 4",
        counts="all parameters, those of the vocabulary apart",
        loss_unit="nats per token, less those of a unigram model",
        data="unstated by our sources",
        mark=Mark.SECONDARY,
        note="alpha1 and beta are tied. The units are those of the authors' fitting code, with "
        "tokens, which gives the vocabularies that they recommend (216K for 70B parameters); a "
        "summary that has characters in place of tokens is off by 40%.",
    ),
}
