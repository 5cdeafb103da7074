"""Where the numbers of a plan are computed: in the host's memory, or where the arrays of JAX are.

NumPy arrays give NumPy arrays. Arrays of JAX give arrays of JAX: in the host's memory they are
computed as NumPy arrays are. On an accelerator or on several devices they stay there. Then the
program runs under `jax.shard_map`, so that each device has loops of its own, which do not wait for
the others.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.concurrency import is_divided, on_each_device
from jaxlaws.planning.engine.mixture import Mixture
from jaxlaws.precision import common_precision, has_float64


class BatchSizes(NamedTuple):
    """How many entries a platform works on together.

    Attributes:
        small: in a batch of few concrete entries, and in the second pass of a few.
        large: in a batch of many concrete entries, and in the second pass of more.
        traced: in a block inside a trace.
    """

    small: int
    large: int
    traced: int

    def of_batch(self, count: int) -> int:
        """The size of the batch for some entries."""
        return self.small if count <= self.small else self.large

    def fetched(self, tree: Tree) -> Tree:
        """A result; from an accelerator all its arrays are copied to the host at once."""
        return tree if self == _OF_CPU else jax.device_get(tree)


# On a CPU small batches stay in its cache, and the smallest compile fast. On an accelerator a batch
# of 1,000 entries takes nearly as long as one of 100,000: it is the time to start kernels.
_OF_CPU = BatchSizes(small=16, large=2048, traced=4096)
_OF_ACCELERATOR = BatchSizes(small=2048, large=2**16, traced=2**18)


def batch_sizes(platform: str, law: Tree) -> BatchSizes:
    """The sizes of batches for a platform.

    Args:
        platform: of JAX. Where it has no float64, the host's CPU polishes concrete entries, and
            these have the sizes of a CPU.
        law: each entry of a `Mixture` needs as much memory as entries of all its laws.
    """
    if platform == "cpu":
        return _OF_CPU
    small, large, traced = _OF_ACCELERATOR
    if isinstance(law, Mixture):
        num_laws = max(map(len, jax.tree.leaves(law)))
        large, traced = (max(small, size // num_laws) for size in (large, traced))
    given = (small, large) if has_float64(platform) else _OF_CPU[:2]
    return BatchSizes(*given, traced)


def through_numpy(
    function: Callable[..., Tree], args: Sequence[Tree], kwargs: Mapping[str, Tree]
) -> Tree:
    """Call a function of NumPy arrays; if an array of JAX is given, so are the results.

    Args:
        function: a planning function.
        args: its arguments, which are in the host's memory.
        kwargs: its keywords.
    """
    arrays = [leaf for leaf in jax.tree.leaves((args, kwargs)) if isinstance(leaf, jax.Array)]
    if not arrays:
        return function(*args, **kwargs)
    args, kwargs = jax.tree.map(_of_host, (args, kwargs))
    dtype = common_precision(arrays)

    def back(leaf: Array) -> jax.Array:
        number = np.asarray(leaf)
        return jnp.asarray(number, dtype if number.dtype.kind == "f" else None)

    return jax.tree.map(back, function(*args, **kwargs))


def local_to_each_device(
    program: Callable[[list[Array | None]], Tree], numbers: list[Array | None]
) -> Tree:
    """Run a compiled program on each device for its own part of the batch.

    Args:
        program: the program. Its results have the batch axes of the numbers.
        numbers: its arguments; None is no argument. Where some are divided among devices along
            their first axis, and all others are numbers, each device computes its own part.
            Otherwise JAX decides how the program is divided. An empty batch is not divided.
    """
    arrays = [each for each in numbers if each is not None and np.ndim(each)]
    divided = [each for each in arrays if is_divided(each)]
    if not divided or not all(map(np.size, divided)):
        return program(numbers)
    sharding = divided[0].sharding
    is_alike = len(divided) == len(arrays) and all(each.sharding == sharding for each in divided)
    if not is_alike or not isinstance(sharding, NamedSharding) or not _has_one_axis(sharding.spec):
        return program(numbers)
    specs = [
        None if each is None else sharding.spec if np.ndim(each) else PartitionSpec()
        for each in numbers
    ]
    return on_each_device(program, sharding.mesh, tuple(specs))(numbers)


def in_blocks(answer: Callable[[Tree], Tree], entries: Tree, size: int) -> Tree:
    """Answer a batch inside a trace in blocks.

    Args:
        answer: answers a batch of entries of shape `(block,)`; each leaf of its result begins with
            this axis.
        entries: a tree whose leaves have the shape of the batch.
        size: the number of entries of a block.
    """
    shape = jax.tree.leaves(entries)[0].shape
    if not all(isinstance(length, int) for length in shape):  # of an exported program
        return answer(entries)
    total = int(np.prod(shape))
    if total <= size:
        return answer(entries)
    missing = -total % size

    def cut(leaf: jax.Array) -> jax.Array:
        flat = jnp.ravel(leaf)
        return jnp.concatenate([flat, jnp.repeat(flat[-1:], missing)]).reshape(-1, size)

    plans = jax.lax.map(answer, jax.tree.map(cut, entries))

    def join(leaf: jax.Array) -> jax.Array:
        own = leaf.shape[2:]
        return leaf.reshape(-1, *own)[:total].reshape(*shape, *own)

    return jax.tree.map(join, plans)


def _has_one_axis(spec: PartitionSpec) -> bool:
    """Whether an array is divided along its first axis only."""
    return bool(spec) and spec[0] is not None and all(each is None for each in spec[1:])


def _of_host(leaf: Tree) -> Tree:
    return np.asarray(leaf) if isinstance(leaf, jax.Array) else leaf
