"""What a law is: an immutable tree of coefficients that predicts a loss from its inputs."""

from typing import Any, ClassVar, Protocol, runtime_checkable

import jax


@runtime_checkable
class Law(Protocol):
    """A scaling law.

    It promises:
        - to be a JAX tree whose leaves are its coefficients, so that a batched law (leaves with a
          leading axis) works under `jax.vmap`;
        - that `loss` is pure and differentiable in inputs and coefficients, takes its inputs by
          keyword, broadcasts them together, and keeps their precision;
        - that an infinite input gives the limit, with derivative zero there.

    Attributes:
        input_names: the keywords that `loss` takes, each one of `jaxlaws.inputs.INPUTS`.
    """

    input_names: ClassVar[tuple[str, ...]]

    @property
    def loss(self) -> Any:
        """Predict the loss of a run from its inputs (keywords only)."""
        ...


def coefficient_names(law: Any) -> list[str]:
    """The names of a law's leaves, in tree order; those of a sub-law as `supervised.E`."""
    paths, _ = jax.tree_util.tree_flatten_with_path(law)
    return [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in paths]
