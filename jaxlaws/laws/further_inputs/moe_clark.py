"""Clark's law of routed language models (Clark et al. 2022, arXiv 2202.01169)."""

from typing import ClassVar

import jax
import jax.numpy as jnp

from jaxlaws.foundations.provenance import Mark, Preset
from jaxlaws.inputs import prediction
from jaxlaws.powers import power
from jaxlaws.pytree import Coefficient, positive, pytree, real


@pytree
class RoutedExperts:
    """`log10 loss = a log10 N + b log10 F + c log10 N log10 F + d`, F the effective experts.

    `1 / F = 1 / (E - 1 + 1 / (1 / E_start - 1 / E_max)) + 1 / E_max`: F saturates, from E_start for
    a dense model (E = 1) to E_max. N is the size of the dense model that the experts were added to.
    The benefit of experts becomes smaller as N grows, and is zero at `log10 N = -b / c`. The number
    of tokens is not an input, because it was the same for all runs.

    Attributes:
        a: slope of log10 loss in log10 N, a pure number.
        b: slope of log10 loss in log10 F, a pure number.
        c: interaction of log10 N and log10 F, a pure number.
        d: log10 of the loss, in nats per token, at N = F = 1.
        E_start: effective experts of a dense model, a number of experts.
        E_max: largest number of effective experts.
    """

    a: Coefficient = real()
    b: Coefficient = real()
    c: Coefficient = real()
    d: Coefficient = real()
    E_start: Coefficient = positive()
    E_max: Coefficient = positive()

    input_names: ClassVar[tuple[str, ...]] = ("num_params", "num_experts")

    @prediction
    def loss(self, *, num_params: jax.Array, num_experts: jax.Array) -> jax.Array:
        """Return the predicted loss of a run.

        Args:
            num_params: size N of the dense model in parameters, of any shape.
            num_experts: experts E of each routed layer, 1 or more, of a shape that broadcasts with
                `num_params`.

        Returns:
            Loss in nats per token, of the broadcast shape.
        """
        effective = self._effective(num_experts)
        slope = self.a + self.c * jnp.log10(effective)
        return power(10.0, self.d) * power(effective, self.b) * power(num_params, slope)

    def _effective(self, num_experts: jax.Array) -> jax.Array:
        endless = num_experts == jnp.inf
        more = jnp.where(endless, 1.0, num_experts) - 1
        start = 1 / self.E_start - 1 / self.E_max
        # 1 / (more + 1 / start), written so that start = 0 is allowed
        share = jnp.where(endless, 0.0, start / (1 + start * more))
        return 1 / (share + 1 / self.E_max)


def _preset(router: str, *coefficients: float) -> Preset:
    names = ("a", "b", "c", "d", "E_start", "E_max")
    return Preset(
        law=RoutedExperts(**dict(zip(names, coefficients, strict=True))),
        source=f"Clark et al. 2022, arXiv 2202.01169, {router}",
        digits="1 to 6",
        counts="parameters of the dense model that the experts were added to",
        data="MassiveText",
        mark=Mark.SECONDARY,
        note="For training on 130B tokens. The logarithms are to base 10. c has two digits, so the "
        "size at which experts stop to help is uncertain by a factor of several.",
    )


PRESETS = {
    "clark2022_sbase": _preset("S-BASE", -0.082, -0.108, 0.009, 1.104, 1.847, 314.478),
    "clark2022_rl": _preset("RL-R", -0.083, -0.126, 0.012, 1.111, 1.880, 469.982),
    "clark2022_hash": _preset("HASH", -0.087, -0.136, 0.012, 1.157, 4.175, 477.741),
}
