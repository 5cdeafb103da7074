"""Supervised law: power law with an outer exponent (Busbridge et al. 2025, 2502.08606, Eq. 1)."""

from typing import ClassVar

import jax

from jaxlaws.foundations.provenance import Mark, Preset
from jaxlaws.inputs import prediction
from jaxlaws.powers import power
from jaxlaws.pytree import Coefficient, positive, pytree


@pytree
class Supervised:
    """`loss = E + (A / N**alpha + B / D**beta)**gamma`, in nats per token.

    With gamma = 1 it is the law `Chinchilla`.

    Attributes:
        E: irreducible loss, that of an infinite model on infinite data, in nats per token.
        A: amplitude of the size term, in (nats per token)**(1/gamma) times parameters**alpha.
        alpha: exponent of the size N, a pure number.
        B: amplitude of the token term, in (nats per token)**(1/gamma) times tokens**beta.
        beta: exponent of the tokens D, a pure number.
        gamma: outer exponent, a pure number.
    """

    E: Coefficient = positive()
    A: Coefficient = positive(unit_of="num_params", power="alpha")
    alpha: Coefficient = positive()
    B: Coefficient = positive(unit_of="num_tokens", power="beta")
    beta: Coefficient = positive()
    gamma: Coefficient = positive()

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
        return self.E + power(parameter_term + token_term, self.gamma)


BUSBRIDGE_RANGE = {"num_params": (1.43e8, 1.26e10), "num_tokens": (0.0, 5.12e11)}

PRESETS = {
    "busbridge2025_supervised": Preset(
        law=Supervised(E=1.220, A=3355.0, alpha=0.408, B=18186.0, beta=0.431, gamma=0.452),
        source="Busbridge et al. 2025, arXiv 2502.08606, Eq. 1 and Table 6",
        digits="3 to 5",
        counts="non-embedding parameters",
        data="C4 (English)",
        mark=Mark.VERIFIED,
        fitted_range=BUSBRIDGE_RANGE,
        intervals={
            "E": (1.190, 1.247),
            "A": (3346.0, 3360.0),
            "alpha": (0.405, 0.411),
            "B": (18157.0, 18236.0),
            "beta": (0.428, 0.433),
            "gamma": (0.442, 0.461),
        },
        interval_level=0.9,
        note="73 runs. The intervals are from 4,096 bootstrap draws. The lowest number of tokens "
        "is not published.",
    ),
}
