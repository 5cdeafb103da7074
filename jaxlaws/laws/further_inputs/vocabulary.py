"""Vocabulary law: loss by vocabulary size (Tao et al. 2024, arXiv 2407.13623, approach 3)."""

from typing import ClassVar

import jax

from jaxlaws.foundations.provenance import Mark, Preset
from jaxlaws.inputs import Input, prediction
from jaxlaws.powers import power
from jaxlaws.pytree import Coefficient, positive, pytree


@pytree
class Vocabulary:
    """`loss = -E + A1 / N_nv**alpha1 + A2 / N_v**alpha2 + B / D**beta`, mostly below zero.

    The loss is relative to that of a unigram model with the same vocabulary, so that different
    vocabularies can be compared. N_v counts the embedding (vocabulary times width), N_nv all other
    parameters. With a larger vocabulary the same text has fewer tokens: H characters are
    `D = H f(V)` tokens, and training costs `6 (N_nv + N_v) D` FLOPs.

    Attributes:
        E: loss of a unigram model minus that of an infinite model, in nats per token.
        A1: amplitude of the term in N_nv, in nats per token times parameters**alpha1.
        alpha1: exponent of N_nv, a pure number.
        A2: amplitude of the term in N_v, in nats per token times parameters**alpha2.
        alpha2: exponent of N_v, a pure number.
        B: amplitude of the token term, in nats per token times tokens**beta.
        beta: exponent of the tokens D, a pure number.
    """

    E: Coefficient = positive()
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
    outcome: ClassVar = Input("loss relative to a unigram model", may_be_negative=True)

    @prediction
    def loss(
        self, *, num_nonvocab_params: jax.Array, num_vocab_params: jax.Array, num_tokens: jax.Array
    ) -> jax.Array:
        """Return the predicted loss of a run.

        Args:
            num_nonvocab_params: parameters N_nv without the embedding, of any shape. The shapes of
                the three inputs broadcast together.
            num_vocab_params: parameters N_v of the embedding.
            num_tokens: training tokens D, counted with this vocabulary.

        Returns:
            Loss minus that of a unigram model, in nats per token, of the broadcast shape.
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
        counts="all parameters, those of the vocabulary separately",
        loss_unit="nats per token, relative to a unigram model",
        data="not stated by our sources",
        mark=Mark.SECONDARY,
        note="alpha1 and beta are equal by construction. The units are those of the authors' "
        "fitting code, which counts tokens and gives the vocabularies that the authors recommend "
        "(216K for 70B parameters). A summary that counts characters instead differs by 40%.",
    ),
}
