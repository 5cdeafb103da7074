"""Power law of models trained beyond the compute-optimal point (Gadre et al. 2024, 2403.08540)."""

from typing import Any, ClassVar

import jax

from jaxlaws.inputs import prediction
from jaxlaws.powers import power
from jaxlaws.provenance import Preset
from jaxlaws.pytree import Coefficient, positive, pytree


@pytree
class Overtraining:
    """`loss = E + (a M**eta + b M**-eta) C**-eta`, with C = 6 N D and M = D / N.

    Models of one multiplier M fall along one power of compute, whatever M is. It is
    `Chinchilla` with both exponents `alpha = 2 eta`, `A = a 6**-eta` and `B = b 6**-eta`; the
    compute-optimal multiplier is `(b / a)**(1 / alpha)` at every C.
    """

    E: Coefficient = positive()  # loss of an infinite model on infinite data
    a: Coefficient = positive(unit_of="num_params", power="alpha")
    b: Coefficient = positive(unit_of="num_tokens", power="alpha")
    eta: Coefficient = positive()

    input_names: ClassVar[tuple[str, ...]] = ("num_params", "num_tokens")

    @property
    def alpha(self) -> Any:
        """The exponent of parameters, and of tokens."""
        return 2 * self.eta

    @prediction
    def loss(self, *, num_params: jax.Array, num_tokens: jax.Array) -> jax.Array:
        """Predict the loss of a run.

        Args:
            num_params: parameters N, any shape; `6 N D` is to be the compute of training.
            num_tokens: training tokens D, broadcasts with `num_params`.

        Returns:
            Loss in nats per token, of the broadcast shape.
        """
        # (M / C)**eta is (6 N**2)**-eta: without C and M, which an infinite input leaves undefined.
        parameter_term = self.a * power(num_params, -self.alpha)
        token_term = self.b * power(num_tokens, -self.alpha)
        return self.E + power(6.0, -self.eta) * (parameter_term + token_term)


# Their coefficients of each data set are at hand in no source that we could check.
PRESETS: dict[str, Preset] = {}
