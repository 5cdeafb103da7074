"""Chinchilla: power law in size and tokens (Hoffmann et al. 2022, arXiv 2203.15556, Eq. 2)."""

from typing import ClassVar

import jax

from jaxlaws.foundations.provenance import Mark, Preset
from jaxlaws.inputs import prediction
from jaxlaws.powers import power
from jaxlaws.pytree import Coefficient, positive, pytree


@pytree
class Chinchilla:
    """`loss = E + A / N**alpha + B / D**beta`, in nats per token.

    Attributes:
        E: irreducible loss, that of an infinite model on infinite data, in nats per token.
        A: amplitude of the size term, in nats per token times parameters**alpha.
        alpha: exponent of the size N, a pure number.
        B: amplitude of the token term, in nats per token times tokens**beta.
        beta: exponent of the tokens D, a pure number.
    """

    E: Coefficient = positive()
    A: Coefficient = positive(unit_of="num_params", power="alpha")
    alpha: Coefficient = positive()
    B: Coefficient = positive(unit_of="num_tokens", power="beta")
    beta: Coefficient = positive()

    input_names: ClassVar[tuple[str, ...]] = ("num_params", "num_tokens")

    @prediction
    def loss(self, *, num_params: jax.Array, num_tokens: jax.Array) -> jax.Array:
        """Return the predicted loss of a run.

        Args:
            num_params: size N in parameters, of any shape.
            num_tokens: training tokens D, of a shape that broadcasts with `num_params`.

        Returns:
            Loss in nats per token, of the broadcast shape.
        """
        parameter_term = self.A * power(num_params, -self.alpha)
        token_term = self.B * power(num_tokens, -self.beta)
        return self.E + parameter_term + token_term


PRESETS = {
    "hoffmann2022": Preset(
        law=Chinchilla(E=1.69, A=406.4, alpha=0.34, B=410.7, beta=0.28),
        source="Hoffmann et al. 2022, arXiv 2203.15556, approach 3 (Eq. 10), rounded as printed",
        digits="2 to 4",
        counts="all parameters",
        data="MassiveText",
        mark=Mark.SECONDARY,
        note="The compute-optimal size at 5.76e23 FLOPs is 32B parameters, not the 70B of the "
        "model Chinchilla. The exponents are rounded, and the original fit had not converged "
        "(Besiroglu et al. 2024).",
    ),
    "hoffmann2022_tex": Preset(
        law=Chinchilla(E=1.6934, A=406.4, alpha=0.3392, B=410.7, beta=0.2849),
        source="Hoffmann et al. 2022, arXiv 2203.15556, approach 3, with the further digits of its "
        "TeX source (A and B as printed)",
        digits="4 to 5",
        counts="all parameters",
        data="MassiveText",
        mark=Mark.SECONDARY,
    ),
    "besiroglu2024": Preset(
        law=Chinchilla(E=1.8172, A=482.01, alpha=0.3478, B=2085.43, beta=0.3658),
        source="Besiroglu et al. 2024, arXiv 2404.10102, Table 1: refit of 240 points of "
        "Hoffmann's Fig. 4",
        digits="4 to 6",
        counts="all parameters",
        data="MassiveText",
        mark=Mark.SECONDARY,
        fitted_range={"num_params": (5.7e7, 1.6e10), "num_tokens": (8.2e8, 3.2e11)},
        intervals={
            "E": (1.769, 1.871),
            "A": (285.0, 744.0),
            "alpha": (0.317, 0.373),
            "B": (1042.0, 5810.0),
            "beta": (0.331, 0.415),
        },
        interval_level=0.95,
        note="The 95% intervals are from 4,000 bootstrap draws. A Huber fit to the same rows ends "
        "at another point of the same flat valley: E 1.81724, A 477.84, alpha 0.34731, "
        "B 2143.86, beta 0.36718.",
    ),
}
