"""Abnar's law of sparse mixtures of experts (Abnar et al. 2025, arXiv 2501.12370).

Read in one secondary source. Another source says that the paper has no law in closed form.
"""

from typing import ClassVar

import jax

from jaxlaws.foundations.provenance import Mark, Preset
from jaxlaws.inputs import prediction
from jaxlaws.powers import power
from jaxlaws.pytree import Coefficient, positive, pytree, real


@pytree
class SparseExperts:
    """`loss = a/N**alpha + b/D**beta + c/(1-S)**lambda_ + d/((1-S)**delta N**gamma) + e`.

    S is the sparsity, the fraction of the parameters that is inactive. The input of the law is the
    density 1 - S. N counts all parameters, active and inactive.

    Attributes:
        a: amplitude of the size term, in nats per token times parameters**alpha.
        alpha: exponent of the size N, a pure number.
        b: amplitude of the token term, in nats per token times tokens**beta.
        beta: exponent of the tokens D, a pure number.
        c: amplitude of the density term, in nats per token.
        lambda_: negative of the exponent of the density, a pure number of either sign.
        d: amplitude of the joint term, in nats per token times parameters**gamma.
        delta: negative of the exponent of the density in the joint term, a pure number.
        gamma: exponent of the size N in the joint term, a pure number.
        e: constant part of the loss, in nats per token.
    """

    a: Coefficient = positive(unit_of="num_params", power="alpha")
    alpha: Coefficient = positive()
    b: Coefficient = positive(unit_of="num_tokens", power="beta")
    beta: Coefficient = positive()
    c: Coefficient = positive()
    lambda_: Coefficient = real()
    d: Coefficient = positive(unit_of="num_params", power="gamma")
    delta: Coefficient = positive()
    gamma: Coefficient = positive()
    e: Coefficient = positive()

    input_names: ClassVar[tuple[str, ...]] = ("num_params", "num_tokens", "density")

    @prediction
    def loss(
        self, *, num_params: jax.Array, num_tokens: jax.Array, density: jax.Array
    ) -> jax.Array:
        """Return the predicted loss of a run.

        Args:
            num_params: size N in parameters, active and inactive, of any shape.
            num_tokens: training tokens D, of a shape that broadcasts with `num_params`.
            density: active fraction 1 - S, above 0 and at most 1; its shape broadcasts too.

        Returns:
            Loss in nats per token, of the broadcast shape.
        """
        parameter_term = self.a * power(num_params, -self.alpha)
        token_term = self.b * power(num_tokens, -self.beta)
        sparsity_term = self.c * power(density, -self.lambda_)
        joint_term = self.d * power(density, -self.delta) * power(num_params, -self.gamma)
        return parameter_term + token_term + sparsity_term + joint_term + self.e


PRESETS = {
    "abnar2025": Preset(
        law=SparseExperts(
            a=16612.5,
            alpha=0.5962,
            b=5455.67,
            beta=0.3954,
            c=0.4598,
            lambda_=-0.1666,
            d=17.26,
            delta=0.1603,
            gamma=0.1595,
            e=0.94,
        ),
        source="Abnar et al. 2025, arXiv 2501.12370, from one secondary source",
        digits="2 to 6",
        counts="all parameters, active and inactive",
        data="not stated by our source",
        mark=Mark.SECONDARY,
        note="From a single secondary source; another says that the paper has no law in closed "
        "form. The law explains 68% of the variance of the held-out models.",
    ),
}
