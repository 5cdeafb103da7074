"""Batches of laws: laws whose leaves have leading axes, one entry for each law.

The formula of a law with numbers only broadcasts its leaves with the inputs, so that a batch needs
nothing more. The formula of a law with arrays of coefficients is written for one law; a batch of
such laws needs `jax.vmap`, which the functions below apply.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.inputs import Input, as_float
from jaxlaws.pytree import element_shapes, pytree, static


def batch_shape(law: Tree) -> tuple[int, ...]:
    """The shape of a batch of laws; empty for one law.

    Raises:
        ValueError: the batch axes of the leaves do not broadcast together.
    """
    pairs = zip(jax.tree.leaves(law), element_shapes(law), strict=True)
    return jnp.broadcast_shapes(*(_batch_axes(leaf, shape) for leaf, shape in pairs))


def broadcast_batch(law: Tree, shape: tuple[int, ...]) -> Tree:
    """A law of which every leaf has the batch axes `shape`; without these axes, unchanged."""
    if not shape:
        return law

    def of_shape(leaf: Array, element: tuple[int, ...]) -> Array:
        xp = jnp if isinstance(leaf, jax.Array) else np
        axes = _batch_axes(leaf, element)
        aligned = xp.reshape(leaf, (*(1,) * (len(shape) - len(axes)), *axes, *element))
        return xp.broadcast_to(aligned, (*shape, *element))

    leaves, structure = jax.tree.flatten(law)
    return jax.tree.unflatten(structure, map(of_shape, leaves, element_shapes(law)))


def loss_of_each(law: Tree, inputs: dict[str, Array]) -> Array:
    """The loss of each law of a batch, whose axes broadcast with the inputs.

    The inputs of each law keep their leading axes: laws of batch shape `(B,)` and inputs of shape
    `(K, B)` give losses of shape `(K, B)`.
    """
    shape = batch_shape(law) if any(element_shapes(law)) else ()
    if not shape:
        return law.loss(**inputs)
    numbers = {name: as_float(name, value) for name, value in inputs.items()}
    whole = jnp.broadcast_shapes(shape, *map(jnp.shape, numbers.values()))
    given = {name: jnp.broadcast_to(value, whole) for name, value in numbers.items()}
    first = len(whole) - len(shape)  # the axes before those of the batch

    def each(law: Tree, inputs: dict[str, Array]) -> Array:
        return law.loss(**inputs)

    for _ in shape:
        each = jax.vmap(each, in_axes=(0, first), out_axes=first)
    return each(broadcast_batch(law, shape), given)


def scalar_leaves(law: Tree) -> Tree:
    """The same law, with one leaf for each number, so that a batch needs no thought of arrays.

    A law without arrays is returned as it is. The planner stacks, slices and broadcasts laws leaf
    by leaf.
    """
    shapes = element_shapes(law)
    if not any(shapes):
        return law
    leaves, structure = jax.tree.flatten(law)
    numbers = [
        leaf[(..., *index)] if shape else leaf
        for leaf, shape in zip(leaves, shapes, strict=True)
        for index in np.ndindex(shape)
    ]
    return ScalarLeaves(numbers=numbers, structure=structure)


@pytree
class ScalarLeaves:
    """A law with arrays of coefficients, with one leaf for each number; see `scalar_leaves`."""

    numbers: list[Array]
    structure: Tree = static()  # of JAX, with the arrays as leaves

    @property
    def _skeleton(self) -> Tree:
        """The law with zeros for leaves: its class and its names, without the cost of stacking."""
        return jax.tree.unflatten(self.structure, [0] * self.structure.num_leaves)

    @property
    def whole(self) -> Tree:
        """The law with its arrays, single or batched."""
        leaves, numbers = [], iter(self.numbers)
        for shape in element_shapes(self._skeleton):
            each = [next(numbers) for _ in np.ndindex(shape)]
            if shape:
                stacked = jnp.stack(jnp.broadcast_arrays(*each), axis=-1)
                leaves.append(stacked.reshape(*stacked.shape[:-1], *shape))
            else:
                leaves += each
        return jax.tree.unflatten(self.structure, leaves)

    @property
    def input_names(self) -> tuple[str, ...]:
        """The inputs of the law."""
        return self._skeleton.input_names

    @property
    def own_inputs(self) -> Mapping[str, Input]:
        """The inputs that the law's class declares itself."""
        return getattr(self._skeleton, "own_inputs", {})

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The outcomes of the law, if there are several."""
        return getattr(self._skeleton, "outcomes", ())

    @property
    def supervised(self) -> Tree:
        """The supervised law of a distillation law."""
        return scalar_leaves(self.whole.supervised)

    def loss(self, **inputs: Array) -> Array:
        """Predict the loss of a run; a batch broadcasts with the inputs."""
        return loss_of_each(self.whole, inputs)


def _batch_axes(leaf: Array, element: tuple[int, ...]) -> tuple[int, ...]:
    shape = np.shape(leaf)
    return shape[: len(shape) - len(element)]
