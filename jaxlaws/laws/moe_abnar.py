"""Law of parameters against compute in sparse mixtures of experts (Abnar et al. 2025, 2501.12370).

No independent source confirms it, and one says that the paper gives no closed law.
"""

from typing import ClassVar

import jax

from jaxlaws.inputs import prediction
from jaxlaws.powers import power
from jaxlaws.provenance import Mark, Preset
from jaxlaws.pytree import Coefficient, positive, pytree, real


@pytree
class SparseExperts:
    """`loss = a/N**alpha + b/D**beta + c/(1-S)**lambda_ + d/((1-S)**delta N**gamma) + e`.

    S is the sparsity, the fraction of the parameters that is inactive; the law takes the density
    1 - S. N counts all parameters. The sign of `lambda_` is free.
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
        """Predict the loss of a run.

        Args:
            num_params: parameters N, active or not, any shape.
            num_tokens: training tokens D, broadcasts with `num_params`.
            density: active fraction 1 - S, above 0 and at most 1.

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
        counts="all parameters, active or not",
        data="unstated by our source",
        mark=Mark.SECONDARY,
        note="A single source, and another says that the paper gives no closed law. It explains "
        "68% of the variance of the models held out.",
    ),
}
