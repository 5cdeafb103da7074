"""A question answered for a batch that is divided among devices."""

from collections.abc import Callable, Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.batches import scalar_leaves
from jaxlaws.foundations.concurrency import divide, mesh_of
from jaxlaws.planning.engine.mixture import Mixture
from jaxlaws.precision import float64, has_float64, to_float64


def on_devices(
    question: Callable[..., Tree],
    law: Tree,
    inputs: Mapping[str, Array],
    devices: Sequence[jax.Device] | Mesh | None = None,  # pyright: ignore[reportInvalidTypeForm]
) -> Tree:
    """The answer to a question for a batch that is divided evenly among devices.

    Each device computes its own part and does not wait for the others. The number of entries need
    not be a multiple of the number of devices. For arrays of JAX that are already divided among
    devices, call the planning function itself: the plan then stays on these devices.

    Args:
        question: a planning function, or another function that takes a law and inputs by keyword.
            Make it once: a new function is compiled anew.
        law: the law, or a batch of laws, which is broadcast with the inputs.
        inputs: numbers or arrays by name, broadcast together.
        devices: the devices of this process to use, or a mesh of them. Default: all.

    Returns:
        The plan as NumPy arrays of the broadcast shape, in float64; in float32 where the devices
        have no float64. An entry with an invalid input has the status INFEASIBLE.

    Raises:
        ValueError: the shapes do not broadcast together, there is no entry, or a device belongs to
            another process.

    >>> from jaxlaws import presets
    >>> from jaxlaws.planning import compute_optimal
    >>> plan = on_devices(compute_optimal, presets.load("besiroglu2024"), {"flops": [1e21, 1e22]})
    >>> [f"{loss:.3f}" for loss in plan.loss]
    ['2.306', '2.141']
    """
    mesh = mesh_of(devices)
    law = law if isinstance(law, Mixture) else scalar_leaves(law)
    law = to_float64(law)
    given = {name: np.asarray(value, dtype=np.float64) for name, value in inputs.items()}
    is_one_law = isinstance(law, Mixture) or not any(map(np.ndim, jax.tree.leaves(law)))
    divided = given if is_one_law else (law, given)
    shape = jnp.broadcast_shapes(*map(np.shape, jax.tree.leaves(divided)))
    total = int(np.prod(shape))
    if total == 0:
        raise ValueError(f"there is nothing to plan: the inputs broadcast to shape {shape}")
    index = np.minimum(np.arange(-(-total // mesh.size) * mesh.size), total - 1)

    def cut(leaf: np.ndarray) -> Array:
        return divide(np.broadcast_to(leaf, shape).ravel()[index], mesh)

    def join(leaf: Array) -> np.ndarray:
        whole = np.asarray(leaf)[:total]
        return whole.reshape((*shape, *whole.shape[1:]))[()]

    is_wide = has_float64(mesh.devices.flat[0].platform)
    with float64() if is_wide else jax.enable_x64(False):
        divided = jax.tree.map(cut, divided)
        law, given = (law, divided) if is_one_law else divided
        return jax.tree.map(join, question(law, **given))
