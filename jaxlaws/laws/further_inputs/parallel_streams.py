"""Law of parallel streams (Chen et al. 2025, arXiv 2505.10475)."""

from typing import ClassVar

import jax
import jax.numpy as jnp

from jaxlaws.foundations.provenance import Mark, Preset
from jaxlaws.inputs import Input, prediction
from jaxlaws.powers import power
from jaxlaws.pytree import Coefficient, positive, pytree


@pytree
class ParallelStreams:
    """`loss = E + (A / (N * (1 + k log P)))**alpha`, in nats per token.

    The model processes each token in P parallel streams that share its parameters, and combines
    their outputs. P streams are worth `1 + k log P` times the parameters. The tokens are fixed.
    With one stream the law is a power law of the size.

    Attributes:
        E: irreducible loss, that of an infinite model on these tokens, in nats per token.
        A: amplitude of the size term, in parameters.
        alpha: exponent of the effective size, a pure number.
        k: worth of the streams: the gain in effective size for each factor of e in P.
    """

    E: Coefficient = positive()
    A: Coefficient = positive(unit_of="num_params")
    alpha: Coefficient = positive()
    k: Coefficient = positive()

    input_names: ClassVar[tuple[str, ...]] = ("num_params", "num_streams")
    own_inputs: ClassVar = {
        "num_streams": Input("parallel streams P of each token, 1 for a plain model")
    }

    @prediction
    def loss(self, *, num_params: jax.Array, num_streams: jax.Array) -> jax.Array:
        """Return the predicted loss of a run.

        Args:
            num_params: size N in parameters, of any shape.
            num_streams: streams P, 1 or more, of a shape that broadcasts with `num_params`.

        Returns:
            Loss in nats per token, of the broadcast shape.
        """
        endless = num_streams == jnp.inf
        # No infinity may enter the logarithm: `where` would return a NaN derivative.
        worth = 1 + self.k * jnp.log(jnp.where(endless, 1.0, num_streams))
        worth = jnp.where(endless, jnp.inf, worth)
        amplitude = power(self.A, self.alpha)
        return self.E + amplitude * power(num_params, -self.alpha) * power(worth, -self.alpha)


_RANGE = {"num_params": (535813376.0, 4414502408.0), "num_streams": (1.0, 8.0)}
_SOURCE = "fitted to the losses of the 24 runs in the fitting code of Chen et al. 2025 (2505.10475)"
_NOTE = (
    "All runs have 42 billion tokens. The objective is that of the paper (Huber's loss of the "
    "logarithm, delta 0.001). The coefficients give the rounded k of the paper"
)


def _fitted(law: ParallelStreams, data: str, also: str = "") -> Preset:
    """A preset of our fit to the runs of the paper on one data set."""
    return Preset(
        law=law,
        source=_SOURCE,
        digits="6 to 7",
        counts="non-embedding parameters",
        data=data,
        mark=Mark.OURS,
        fitted_range=_RANGE,
        note=f"{_NOTE}{also}.",
    )


PRESETS = {
    "chen2025_stack": _fitted(
        ParallelStreams(E=0.691207, A=1.130707e7, alpha=0.1893583, k=0.393457),
        data="Stack-V2, Python",
        also=" and the equivalent sizes of its authors' web page",
    ),
    "chen2025_pile": _fitted(
        ParallelStreams(E=1.288588, A=1.975166e8, alpha=0.1962815, k=0.334442), data="Pile"
    ),
}
