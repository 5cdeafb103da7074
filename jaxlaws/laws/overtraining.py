"""Overtraining law: loss at a fixed ratio of tokens to size (Gadre et al. 2024, 2403.08540)."""

from typing import ClassVar

import jax

from jaxlaws.foundations.provenance import Preset
from jaxlaws.inputs import prediction
from jaxlaws.powers import power
from jaxlaws.pytree import Coefficient, positive, pytree


@pytree
class Overtraining:
    """`loss = E + (a M**eta + b M**-eta) C**-eta`, with C = 6 N D and M = D / N.

    For every multiplier M the reducible loss is the same power of compute. The law is `Chinchilla`
    with both exponents equal to `alpha = 2 eta`, `A = a 6**-eta` and `B = b 6**-eta`. The
    compute-optimal multiplier is `(b / a)**(1 / alpha)` at every C.

    Attributes:
        E: irreducible loss, that of an infinite model on infinite data, in nats per token.
        a: amplitude of the size term, in nats per token times parameters**(2 eta).
        b: amplitude of the token term, in nats per token times tokens**(2 eta).
        eta: exponent of the compute C, a pure number.
    """

    E: Coefficient = positive()
    a: Coefficient = positive(unit_of="num_params", power="alpha")
    b: Coefficient = positive(unit_of="num_tokens", power="alpha")
    eta: Coefficient = positive()

    input_names: ClassVar[tuple[str, ...]] = ("num_params", "num_tokens")

    @property
    def alpha(self) -> Coefficient:
        """The exponent of the size N, which is also that of the tokens D."""
        return 2 * self.eta

    @prediction
    def loss(self, *, num_params: jax.Array, num_tokens: jax.Array) -> jax.Array:
        """Return the predicted loss of a run.

        Args:
            num_params: size N in parameters, of any shape. Training costs 6 N D FLOPs.
            num_tokens: training tokens D, of a shape that broadcasts with `num_params`.

        Returns:
            Loss in nats per token, of the broadcast shape.
        """
        # (M / C)**eta is (6 N**2)**-eta. M itself is undefined where both inputs are infinite.
        parameter_term = self.a * power(num_params, -self.alpha)
        token_term = self.b * power(num_tokens, -self.alpha)
        return self.E + power(6.0, -self.eta) * (parameter_term + token_term)


# No preset: we found no source in which we could check the published coefficients.
PRESETS: dict[str, Preset] = {}
