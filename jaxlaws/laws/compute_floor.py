"""Power law in compute alone, above a floor (Henighan et al. 2020, arXiv 2010.14701)."""

from typing import ClassVar

import jax

from jaxlaws.inputs import prediction
from jaxlaws.powers import power
from jaxlaws.provenance import Preset
from jaxlaws.pytree import Coefficient, positive, pytree


@pytree
class ComputeFloor:
    """`loss = E + A / C**alpha`, in nats per token.

    `ComputeOnly` is the same without E. Compute says nothing of how it is spent: the runs are to
    have spent it alike, best each at its own optimal size.
    """

    E: Coefficient = positive()  # loss at infinite compute
    A: Coefficient = positive(unit_of="flops", power="alpha")
    alpha: Coefficient = positive()

    input_names: ClassVar[tuple[str, ...]] = ("flops",)

    @prediction
    def loss(self, *, flops: jax.Array) -> jax.Array:
        """Predict the loss of a run.

        Args:
            flops: training compute C in FLOPs, any shape.

        Returns:
            Loss in nats per token, of the same shape.
        """
        return self.E + self.A * power(flops, -self.alpha)


PRESETS: dict[str, Preset] = {}
