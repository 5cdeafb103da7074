"""Compute law without a floor: power law in compute (Kaplan et al. 2020, arXiv 2001.08361)."""

from typing import ClassVar

import jax

from jaxlaws.foundations.provenance import Mark, Preset
from jaxlaws.inputs import prediction
from jaxlaws.powers import power
from jaxlaws.pytree import Coefficient, positive, pytree


@pytree
class ComputeOnly:
    """`loss = (C_c / C)**alpha_C`, in nats per token.

    It has no irreducible loss; `ComputeFloor` has one. Compute is the only input, so all runs must
    divide their compute between size and tokens in the same way, preferably optimally.

    Attributes:
        C_c: scale of the compute, in FLOPs.
        alpha_C: exponent of the compute C, a pure number.
    """

    C_c: Coefficient = positive(unit_of="flops")
    alpha_C: Coefficient = positive()

    input_names: ClassVar[tuple[str, ...]] = ("flops",)

    @prediction
    def loss(self, *, flops: jax.Array) -> jax.Array:
        """Return the predicted loss of a run.

        Args:
            flops: training compute C in FLOPs, of any shape.

        Returns:
            Loss in nats per token, of the same shape.
        """
        return power(self.C_c / flops, self.alpha_C)


PETAFLOPS_DAY = 8.64e19  # FLOPs

_KAPLAN = {
    "digits": "2 to 3",
    "counts": "non-embedding parameters, which matter only for the compute 6 N D",
    "data": "WebText2",
    "mark": Mark.SECONDARY,
}
PRESETS = {
    "kaplan2020_compute": Preset(
        law=ComputeOnly(C_c=3.1e8 * PETAFLOPS_DAY, alpha_C=0.050),
        source="Kaplan et al. 2020, arXiv 2001.08361, L(C_min): 3.1e8 PF-days",
        note="For runs of the optimal size, with batches far below the critical batch size.",
        **_KAPLAN,
    ),
    "kaplan2020_compute_untuned": Preset(
        law=ComputeOnly(C_c=1.6e7 * PETAFLOPS_DAY, alpha_C=0.057),
        source="Kaplan et al. 2020, arXiv 2001.08361, L(C): 1.6e7 PF-days",
        note="For runs at one batch size, as they were trained.",
        **_KAPLAN,
    ),
}
