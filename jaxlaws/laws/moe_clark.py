"""Law of routed language models (Clark et al. 2022, arXiv 2202.01169)."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from jaxlaws.inputs import prediction
from jaxlaws.powers import power
from jaxlaws.provenance import Mark, Preset
from jaxlaws.pytree import Coefficient, positive, pytree, real


@pytree
class RoutedExperts:
    """`log10 loss = a log10 N + b log10 F + c log10 N log10 F + d`, F the effective experts.

    `1 / F = 1 / (E - 1 + 1 / (1 / E_start - 1 / E_max)) + 1 / E_max`: the number of experts E
    saturates, from E_start for a dense model to E_max. N counts the dense model that the experts
    were added to. Experts help ever less as N grows, and no more once `log10 N = -b / c`. The
    number of tokens is no input: it was the same for all runs.
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
        """Predict the loss of a run.

        Args:
            num_params: parameters N of the dense model, any shape.
            num_experts: experts E of each routed layer, 1 or more, broadcasts with `num_params`.

        Returns:
            Loss in nats per token, of the broadcast shape.
        """
        effective = self._effective(num_experts)
        slope = self.a + self.c * jnp.log10(effective)
        return power(10.0, self.d) * power(effective, self.b) * power(num_params, slope)

    def _effective(self, num_experts: Any) -> jax.Array:
        endless = num_experts == jnp.inf
        more = jnp.where(endless, 1.0, num_experts) - 1
        start = 1 / self.E_start - 1 / self.E_max
        # 1 / (more + 1 / start), for start = 0 too
        share = jnp.where(endless, 0.0, start / (1 + start * more))
        return 1 / (share + 1 / self.E_max)


def _preset(router: str, *coefficients: float) -> Preset:
    names = ("a", "b", "c", "d", "E_start", "E_max")
    return Preset(
        law=RoutedExperts(**dict(zip(names, coefficients, strict=True))),
        source=f"Clark et al. 2022, arXiv 2202.01169, {router}",
        digits="1 to 6",
        counts="parameters of the dense model that experts were added to",
        data="MassiveText",
        mark=Mark.SECONDARY,
        note="At 130B tokens. The logarithms are to base 10. c has two digits: where experts cease "
        "to help is known to a factor of several.",
    )


PRESETS = {
    "clark2022_sbase": _preset("S-BASE", -0.082, -0.108, 0.009, 1.104, 1.847, 314.478),
    "clark2022_rl": _preset("RL-R", -0.083, -0.126, 0.012, 1.111, 1.880, 469.982),
    "clark2022_hash": _preset("HASH", -0.087, -0.136, 0.012, 1.157, 4.175, 477.741),
}
