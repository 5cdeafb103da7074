"""A law of a lab: one exponent for parameters and tokens."""

from jaxlaws.inputs import prediction
from jaxlaws.powers import power
from jaxlaws.pytree import Coefficient, positive, pytree


@pytree
class OneExponent:
    """`loss = E + A / N**alpha + B / D**alpha`, in nats per token."""

    E: Coefficient = positive()
    A: Coefficient = positive(unit_of="num_params", power="alpha")
    B: Coefficient = positive(unit_of="num_tokens", power="alpha")
    alpha: Coefficient = positive()

    @prediction
    def loss(self, *, num_params, num_tokens):
        """Predict the loss of a run."""
        rest = self.A * power(num_params, -self.alpha)
        return self.E + rest + self.B * power(num_tokens, -self.alpha)
