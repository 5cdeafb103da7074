"""Law of a training curve with learning-rate annealing (Tissue et al. 2024, arXiv 2408.11029)."""

from typing import ClassVar

import jax
import numpy as np

from jaxlaws.foundations.annotations import Array
from jaxlaws.inputs import Input, prediction
from jaxlaws.powers import power
from jaxlaws.pytree import Coefficient, positive, pytree


@pytree
class LearningRateAnnealing:
    """`loss = E + A / S1**alpha + B / N**beta - C * S2`, in nats per token, at a step of a run.

    S1 is the sum of the learning rates up to the step. S2 sums the falls of the learning rate with
    momentum: the loss keeps falling for a while after the rate has fallen. `annealing_inputs`
    computes both from a schedule. The steps of one run, of runs with other schedules, and of
    unfinished runs are rows of one table; the law then predicts the annealed loss at the end of a
    schedule.

    Without annealing S2 is zero, and the law is a power law of S1. The law holds for the schedules
    of real runs: S2 is small against S1, and the loss stays positive.

    Attributes:
        E: irreducible loss, in nats per token.
        A: amplitude of the training term, in nats per token times learning rate**alpha.
        alpha: exponent of S1, a pure number.
        B: amplitude of the size term, in nats per token times parameters**beta. For runs of one
            size freeze B at 0 and beta at 1: E is then the limit of this size.
        beta: exponent of the size N, a pure number.
        C: gain by annealing, in nats per token per unit of learning rate.
    """

    E: Coefficient = positive()
    A: Coefficient = positive(unit_of="rate_sum", power="alpha")
    alpha: Coefficient = positive()
    B: Coefficient = positive(unit_of="num_params", power="beta")
    beta: Coefficient = positive()
    C: Coefficient = positive(unit_of="annealed_rate", power=-1)

    input_names: ClassVar[tuple[str, ...]] = ("num_params", "rate_sum", "annealed_rate")
    own_inputs: ClassVar = {
        "rate_sum": Input("sum S1 of the learning rates of all steps"),
        "annealed_rate": Input("sum S2 of the falls of the learning rate", may_be_zero=True),
    }
    more_can_hurt: ClassVar = ("annealed_rate",)  # it has no limit, so the law has none

    @prediction
    def loss(
        self, *, num_params: jax.Array, rate_sum: jax.Array, annealed_rate: jax.Array
    ) -> jax.Array:
        """Return the predicted loss at a step of a run.

        Args:
            num_params: size N in parameters, of any shape.
            rate_sum: S1, of a shape that broadcasts with `num_params`.
            annealed_rate: S2, zero or more, likewise.

        Returns:
            Loss in nats per token, of the broadcast shape.
        """
        training = self.A * power(rate_sum, -self.alpha)
        return self.E + training + self.B * power(num_params, -self.beta) - self.C * annealed_rate


def annealing_inputs(learning_rates: Array, momentum: float = 0.999) -> dict[str, np.ndarray]:
    """The inputs `rate_sum` and `annealed_rate` of each step of a schedule.

    `S1[i] = sum(eta[k] for k <= i)`, and `S2[i] = sum(m[j] for j <= i)` with the momentum
    `m[j] = momentum * m[j - 1] + eta[j - 1] - eta[j]`. The warm-up counts in S1 only: falls are
    counted from the step with the highest rate on.

    Args:
        learning_rates: the learning rate eta of each step, `(num_steps,)`.
        momentum: how much of a fall is left after a step; the paper finds 0.99 to 0.999.

    Returns:
        Both inputs, `(num_steps,)` each.

    Raises:
        ValueError: the rates are not numbers of zero or more along one axis, none is above zero, or
            the momentum is not between 0 and 1.

    >>> found = annealing_inputs([1.0, 1.0, 0.5, 0.5], momentum=0.5)
    >>> found["rate_sum"].tolist(), found["annealed_rate"].tolist()
    ([1.0, 2.0, 2.5, 3.0], [0.0, 0.0, 0.5, 0.75])
    """
    rates = np.asarray(learning_rates, dtype=np.float64)
    if rates.ndim != 1 or not np.all(np.isfinite(rates) & (rates >= 0)) or not rates.any():
        raise ValueError("learning_rates: expected numbers of zero or more, some of them above 0")
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum: expected a number from 0 to below 1, got {momentum!r}")
    falls = np.concatenate([[0.0], rates[:-1] - rates[1:]])
    falls[: rates.argmax() + 1] = 0.0
    moved, total = np.empty_like(rates), 0.0
    for step, fall in enumerate(falls.tolist()):
        total = momentum * total + fall
        moved[step] = total
    return {"rate_sum": np.cumsum(rates), "annealed_rate": np.cumsum(moved)}
