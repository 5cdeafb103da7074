"""Krajewski's law of fine-grained mixtures of experts (Krajewski et al. 2024, 2402.07871)."""

from typing import ClassVar

import jax

from jaxlaws.foundations.provenance import Mark, Preset
from jaxlaws.inputs import prediction
from jaxlaws.powers import power
from jaxlaws.pytree import Coefficient, positive, pytree


@pytree
class FineGrainedExperts:
    """`loss = c + (g / G**gamma + a) / N**alpha + b / D**beta`, in nats per token.

    G is the granularity: the size of the dense layer over the size of one expert. With g = 0 the
    law is `Chinchilla`, for a dense model.

    Attributes:
        c: irreducible loss, that of an infinite model on infinite data, in nats per token.
        g: amplitude of the granularity term, in nats per token times parameters**alpha.
        gamma: exponent of the granularity G, a pure number.
        a: amplitude of the size term, in nats per token times parameters**alpha.
        alpha: exponent of the size N, a pure number.
        b: amplitude of the token term, in nats per token times tokens**beta.
        beta: exponent of the tokens D, a pure number.
    """

    c: Coefficient = positive()
    g: Coefficient = positive(unit_of="num_params", power="alpha")
    gamma: Coefficient = positive()
    a: Coefficient = positive(unit_of="num_params", power="alpha")
    alpha: Coefficient = positive()
    b: Coefficient = positive(unit_of="num_tokens", power="beta")
    beta: Coefficient = positive()

    input_names: ClassVar[tuple[str, ...]] = ("num_params", "num_tokens", "granularity")

    @prediction
    def loss(
        self, *, num_params: jax.Array, num_tokens: jax.Array, granularity: jax.Array
    ) -> jax.Array:
        """Return the predicted loss of a run.

        Args:
            num_params: size N in parameters, all experts included, of any shape.
            num_tokens: training tokens D, of a shape that broadcasts with `num_params`.
            granularity: G, which is 1 for experts as large as the dense layer; its shape broadcasts
                too.

        Returns:
            Loss in nats per token, of the broadcast shape.
        """
        amplitude = self.g * power(granularity, -self.gamma) + self.a
        parameter_term = amplitude * power(num_params, -self.alpha)
        return self.c + parameter_term + self.b * power(num_tokens, -self.beta)


_SOURCE = "Krajewski et al. 2024, arXiv 2402.07871"

PRESETS = {
    "krajewski2024": Preset(
        law=FineGrainedExperts(c=0.47, g=2.1, gamma=0.58, a=18.1, alpha=0.115, b=30.8, beta=0.147),
        source=_SOURCE,
        digits="2 to 3",
        counts="all parameters, those of all experts included",
        data="C4",
        mark=Mark.SECONDARY,
        fitted_range={"granularity": (1.0, 16.0)},
        note="The experts have 64 times as many parameters as the dense layer.",
    ),
    "krajewski2024_dense": Preset(
        law=FineGrainedExperts(c=0.47, g=0.0, gamma=0.58, a=16.3, alpha=0.126, b=26.7, beta=0.127),
        source=f"{_SOURCE}, dense models",
        digits="3",
        counts="all parameters of the dense model",
        data="C4",
        mark=Mark.SECONDARY,
        note="g is 0, so granularity has no effect and gamma has no meaning.",
    ),
}
