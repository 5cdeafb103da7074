"""Law of learning rate and batch size, with the optimum of the Step Law (Li et al. 2025)."""

from typing import ClassVar

import jax
import jax.numpy as jnp

from jaxlaws.foundations.provenance import Mark, Preset
from jaxlaws.inputs import Input, prediction
from jaxlaws.laws.chinchilla import Chinchilla
from jaxlaws.powers import power
from jaxlaws.pytree import Coefficient, positive, pytree, real


@pytree
class LearningRateAndBatch:
    """`loss = E + A / N**alpha + B / D**beta + u (x - s y)**2 + v y**2`, in nats per token.

    `x = log(learning rate / best rate)` and `y = log(batch size / best batch)` are distances from
    the optimum of the Step Law: `best rate = rate N**rate_params D**rate_tokens` and
    `best batch = batch D**batch_tokens`. The loss is a convex bowl around this optimum, where it is
    that of `Chinchilla`. With a batch that is not the best, the best learning rate is another: it
    grows as the batch to the power s.

    The optimum is that of Li et al.; the paper finds the bowl convex and gives no formula for it.
    The quadratic form is ours.

    Attributes:
        E: irreducible loss, that of an infinite model on infinite data, in nats per token.
        A: amplitude of the size term, in nats per token times parameters**alpha.
        alpha: exponent of the size N, a pure number.
        B: amplitude of the token term, in nats per token times tokens**beta.
        beta: exponent of the tokens D, a pure number.
        rate: amplitude of the best learning rate, in parameters**-rate_params times
            tokens**-rate_tokens.
        rate_params: exponent of N in the best learning rate, a pure number of either sign.
        rate_tokens: exponent of D in the best learning rate, a pure number of either sign.
        batch: amplitude of the best batch size, in tokens**(1 - batch_tokens).
        batch_tokens: exponent of D in the best batch size, a pure number of either sign.
        u: curvature along the learning rate, in nats per token.
        v: curvature along the batch size, with the best learning rate for each batch, in nats per
            token.
        s: exponent of the batch in the best learning rate for a given batch, a pure number.
    """

    E: Coefficient = positive()
    A: Coefficient = positive(unit_of="num_params", power="alpha")
    alpha: Coefficient = positive()
    B: Coefficient = positive(unit_of="num_tokens", power="beta")
    beta: Coefficient = positive()
    rate: Coefficient = positive(
        unit="learning_rate * num_params**(-rate_params) * num_tokens**(-rate_tokens)"
    )
    rate_params: Coefficient = real()
    rate_tokens: Coefficient = real()
    batch: Coefficient = positive(unit="batch_size * num_tokens**(-batch_tokens)")
    batch_tokens: Coefficient = real()
    u: Coefficient = positive()
    v: Coefficient = positive()
    s: Coefficient = real()

    input_names: ClassVar[tuple[str, ...]] = (
        "num_params",
        "num_tokens",
        "learning_rate",
        "batch_size",
    )
    own_inputs: ClassVar = {
        "learning_rate": Input("peak learning rate"),
        "batch_size": Input("tokens of an optimiser step", "tokens"),
    }
    # A larger run has another optimum, from which a given learning rate and batch are farther away.
    more_can_hurt: ClassVar = input_names

    @prediction
    def loss(
        self,
        *,
        num_params: jax.Array,
        num_tokens: jax.Array,
        learning_rate: jax.Array,
        batch_size: jax.Array,
    ) -> jax.Array:
        """Return the predicted loss of a run.

        Args:
            num_params: size N in parameters, of any shape.
            num_tokens: training tokens D. The shapes of the four inputs broadcast together.
            learning_rate: peak learning rate.
            batch_size: batch size in tokens.

        Returns:
            Loss in nats per token, of the broadcast shape.
        """
        by_size = power(num_params, self.rate_params) * power(num_tokens, self.rate_tokens)
        off_rate = jnp.log(learning_rate / (self.rate * by_size))
        off_batch = jnp.log(batch_size / (self.batch * power(num_tokens, self.batch_tokens)))
        bowl = self.u * (off_rate - self.s * off_batch) ** 2 + self.v * off_batch**2
        best = self.at_optimum().loss(num_params=num_params, num_tokens=num_tokens)
        return best + bowl

    def at_optimum(self) -> Chinchilla:
        """The law of size and tokens with the best learning rate and batch size for each."""
        return Chinchilla(E=self.E, A=self.A, alpha=self.alpha, B=self.B, beta=self.beta)


PRESETS = {
    "li2025_step_law": Preset(
        law=LearningRateAndBatch(
            E=0.0,
            A=0.0,
            alpha=1.0,
            B=0.0,
            beta=1.0,
            rate=1.79,
            rate_params=-0.713,
            rate_tokens=0.307,
            batch=0.58,
            batch_tokens=0.571,
            u=1.0,
            v=1.0,
            s=0.0,
        ),
        source="Li et al. 2025, arXiv 2503.04715 (Step Law)",
        digits="2 to 3",
        counts="parameters without those of the vocabulary",
        loss_unit="squared logarithm: the distance from the optimum, not a loss",
        data="mixtures of English, Chinese and code",
        mark=Mark.SECONDARY,
        note="The Step Law states the best learning rate and batch size only. E, A and B are 0, u "
        "and v are 1 and s is 0, so the value of this preset is the squared distance from the "
        "optimum, in logarithms. Use it for optimal_hyperparameters. Fit the law to your runs for "
        "losses and for ranges of good learning rates.",
    ),
}
