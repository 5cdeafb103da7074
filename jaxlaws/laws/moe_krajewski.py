"""Law of fine-grained mixtures of experts (Krajewski et al. 2024, arXiv 2402.07871)."""

from typing import ClassVar

import jax

from jaxlaws.inputs import prediction
from jaxlaws.powers import power
from jaxlaws.provenance import Mark, Preset
from jaxlaws.pytree import Coefficient, positive, pytree


@pytree
class FineGrainedExperts:
    """`loss = c + (g / G**gamma + a) / N**alpha + b / D**beta`, in nats per token.

    G is the granularity: how many times smaller an expert is than the dense layer that it stands
    for. With g = 0 it is `Chinchilla`, of a dense model.
    """

    c: Coefficient = positive()  # loss of an infinite model on infinite data
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
        """Predict the loss of a run.

        Args:
            num_params: parameters N, all experts counted, any shape.
            num_tokens: training tokens D, broadcasts with `num_params`.
            granularity: G, 1 for experts as large as the dense layer.

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
        counts="all experts' parameters",
        data="C4",
        mark=Mark.SECONDARY,
        fitted_range={"granularity": (1.0, 16.0)},
        note="64 times as many parameters in the experts as in the dense layer.",
    ),
    "krajewski2024_dense": Preset(
        law=FineGrainedExperts(c=0.47, g=0.0, gamma=0.58, a=16.3, alpha=0.126, b=26.7, beta=0.127),
        source=f"{_SOURCE}, dense models",
        digits="3",
        counts="all parameters of the dense model, as for its mixtures",
        data="C4",
        mark=Mark.SECONDARY,
        note="g is 0: granularity has no part, and gamma stands in for no number.",
    ),
}
