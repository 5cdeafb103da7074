"""Compute law with a floor: power law in compute (Henighan et al. 2020, arXiv 2010.14701)."""

from typing import ClassVar

import jax

from jaxlaws.foundations.provenance import Preset
from jaxlaws.inputs import prediction
from jaxlaws.powers import power
from jaxlaws.pytree import Coefficient, positive, pytree


@pytree
class ComputeFloor:
    """`loss = E + A / C**alpha`, in nats per token.

    `ComputeOnly` is the same law without E. Compute is the only input, so all runs must divide
    their compute between size and tokens in the same way, preferably optimally.

    Attributes:
        E: irreducible loss, that of infinite compute, in nats per token.
        A: amplitude, in nats per token times FLOPs**alpha.
        alpha: exponent of the compute C, a pure number.
    """

    E: Coefficient = positive()
    A: Coefficient = positive(unit_of="flops", power="alpha")
    alpha: Coefficient = positive()

    input_names: ClassVar[tuple[str, ...]] = ("flops",)

    @prediction
    def loss(self, *, flops: jax.Array) -> jax.Array:
        """Return the predicted loss of a run.

        Args:
            flops: training compute C in FLOPs, of any shape.

        Returns:
            Loss in nats per token, of the same shape.
        """
        return self.E + self.A * power(flops, -self.alpha)


PRESETS: dict[str, Preset] = {}
