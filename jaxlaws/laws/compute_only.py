"""Power law in compute alone, without a floor (Kaplan et al. 2020, arXiv 2001.08361)."""

from typing import ClassVar

import jax

from jaxlaws.inputs import prediction
from jaxlaws.powers import power
from jaxlaws.provenance import Mark, Preset
from jaxlaws.pytree import Coefficient, positive, pytree


@pytree
class ComputeOnly:
    """`loss = (C_c / C)**alpha_C`, in nats per token.

    It has no irreducible loss; `ComputeFloor` has. Compute says nothing of how it is spent: the
    runs are to have spent it alike, best each at its own optimal size.
    """

    C_c: Coefficient = positive(unit_of="flops")
    alpha_C: Coefficient = positive()

    input_names: ClassVar[tuple[str, ...]] = ("flops",)

    @prediction
    def loss(self, *, flops: jax.Array) -> jax.Array:
        """Predict the loss of a run.

        Args:
            flops: training compute C in FLOPs, any shape.

        Returns:
            Loss in nats per token, of the same shape.
        """
        return power(self.C_c / flops, self.alpha_C)


PETAFLOPS_DAY = 8.64e19  # FLOPs

_KAPLAN = {
    "digits": "2 to 3",
    "counts": "non-embedding parameters, which enter only through the compute 6ND",
    "data": "WebText2",
    "mark": Mark.SECONDARY,
}
PRESETS = {
    "kaplan2020_compute": Preset(
        law=ComputeOnly(C_c=3.1e8 * PETAFLOPS_DAY, alpha_C=0.050),
        source="Kaplan et al. 2020, arXiv 2001.08361, L(C_min): 3.1e8 PF-days",
        note="Of runs at the optimal size, far below the critical batch size.",
        **_KAPLAN,
    ),
    "kaplan2020_compute_untuned": Preset(
        law=ComputeOnly(C_c=1.6e7 * PETAFLOPS_DAY, alpha_C=0.057),
        source="Kaplan et al. 2020, arXiv 2001.08361, L(C): 1.6e7 PF-days",
        note="Of runs at one batch size, as trained.",
        **_KAPLAN,
    ),
}
