"""What a law is: an immutable tree of coefficients that predicts a loss from its inputs."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.inputs import Input, as_float
from jaxlaws.pytree import LAW_CLASSES, pytree


@runtime_checkable
class Law(Protocol):
    """A scaling law.

    Every law has these properties:
        - It is a JAX tree whose leaves are its coefficients, so that a batched law (leaves with a
          leading axis) works under `jax.vmap`.
        - `loss` is pure and differentiable in inputs and coefficients. It takes its inputs by
          keyword, broadcasts them together, and keeps their precision.
        - An infinite input gives the limit, with derivative zero there.

    Attributes:
        input_names: the keywords that `loss` takes. Each is a name in `jaxlaws.inputs.INPUTS`, or
            a name that the class declares in a further attribute `own_inputs`.
    """

    input_names: ClassVar[tuple[str, ...]]

    @property
    def loss(self) -> Callable[..., Array]:
        """Predict the loss of a run from its inputs (keywords only)."""
        ...


def coefficient_names(law: Tree) -> list[str]:
    """The names of a law's leaves, in tree order; the names in a sub-law read `supervised.E`."""
    paths, _ = jax.tree_util.tree_flatten_with_path(law)
    return [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in paths]


@pytree
class FixedInputs:
    """A law some of whose inputs have fixed values; `fix_inputs` makes it.

    Attributes:
        law: the law of all inputs.
        fixed: the values of the fixed inputs, by name.
    """

    law: Tree
    fixed: dict[str, Array]

    @property
    def input_names(self) -> tuple[str, ...]:
        """The remaining inputs."""
        return tuple(name for name in self.law.input_names if name not in self.fixed)

    @property
    def own_inputs(self) -> Mapping[str, Input]:
        """The inputs that the law's class declares itself."""
        return getattr(self.law, "own_inputs", {})

    @property
    def supervised(self) -> Tree:
        """The supervised law of a distillation law, with its inputs fixed in the same way."""
        inner = self.law.supervised
        fixed = {name: value for name, value in self.fixed.items() if name in inner.input_names}
        return FixedInputs(law=inner, fixed=fixed) if fixed else inner

    def loss(self, **inputs: Array) -> Array:
        """Predict the loss of a run from the remaining inputs (keywords only)."""
        return self.law.loss(**inputs, **self.fixed)


def fix_inputs(law: Tree, **values: Array) -> FixedInputs:
    """The law of the remaining inputs, where some inputs have fixed values.

    A plan needs a law of exactly the inputs that the plan chooses. Fix the other inputs first:
    `compute_optimal(fix_inputs(law, learning_rate=3e-4), flops=1e21)`.

    Args:
        law: a law, single or batched.
        values: the value of each fixed input, by name. Arrays give a batch of laws, broadcast
            with the leaves of the law.

    >>> from jaxlaws import presets
    >>> law = fix_inputs(presets.load("besiroglu2024"), num_tokens=2e10)
    >>> law.input_names, round(float(law.loss(num_params=1e9)), 3)
    (('num_params',), 2.53)

    Raises:
        TypeError: `law` is not a law, it takes no such input, or a value is not a number.
        ValueError: the values and the leaves of the law do not broadcast together.
    """
    if isinstance(law, FixedInputs):
        law, values = law.law, law.fixed | values
    if type(law) not in LAW_CLASSES:
        raise TypeError(
            f"expected a law, got {type(law).__name__}. For the mean of several laws, fix the "
            "inputs of the laws: Mixture(laws=fix_inputs(laws, ...))"
        )
    unknown = [name for name in values if name not in law.input_names]
    if unknown:
        raise TypeError(
            f"{type(law).__name__} does not take {', '.join(unknown)}; its inputs are "
            f"{', '.join(law.input_names)}"
        )
    whole = FixedInputs(
        law=law, fixed={name: as_float(name, value) for name, value in values.items()}
    )
    shape = np.broadcast_shapes(*(np.shape(leaf) for leaf in jax.tree.leaves(whole)))
    return jax.tree.map(lambda leaf: _of_shape(leaf, shape), whole) if shape else whole


def _of_shape(leaf: Array, shape: tuple[int, ...]) -> Array:
    return (jnp if isinstance(leaf, jax.Array) else np).broadcast_to(leaf, shape)
