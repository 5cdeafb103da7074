"""Run blocks of work in parallel, on the cores of a CPU or on several devices.

XLA uses hardly more than one core for one block of a batch. Therefore blocks run in threads. On
several devices one program runs under `jax.shard_map`: each device has loops of its own, which do
not wait for those of the others.
"""

import functools
import itertools
import os
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import jax
import numpy as np
from jax.sharding import AbstractMesh, Mesh, NamedSharding, PartitionSpec

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.precision import float64, is_traced

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def side_by_side(
    work: Callable[[_Item], _Result], items: Iterable[_Item], *, is_compiled: bool = False
) -> list[_Result]:
    """Return `work(item)` for each item, in float64, on as many threads as there are cores.

    Args:
        work: the function to call. It must be safe to call from several threads.
        items: the arguments, one for each call.
        is_compiled: whether the program of the items is compiled already. Otherwise the first
            item finishes before the others start, so that its program is compiled only once.

    >>> side_by_side(lambda exponent: 2.0**exponent, range(4))
    [1.0, 2.0, 4.0, 8.0]
    """
    alone = _in_float64(work)
    items = iter(items)
    done = [alone(item) for item in itertools.islice(items, 0 if is_compiled else 1)]
    rest = list(items)
    if rest:
        with ThreadPoolExecutor(min(len(rest), _num_cores())) as threads:
            done += threads.map(alone, rest)
    return done


def _in_float64(work: Callable[..., _Result]) -> Callable[..., _Result]:
    """The same function with the caller's device, in float64, on any thread."""
    # A new thread does not inherit the caller's JAX settings.
    device = jax.config.jax_default_device  # pyright: ignore[reportAttributeAccessIssue]

    def alone(*arguments: object) -> _Result:
        with jax.default_device(device), float64():
            return work(*arguments)

    return alone


def _num_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def mesh_of(devices: Sequence[jax.Device] | Mesh | None) -> Mesh:  # pyright: ignore[reportInvalidTypeForm]
    """A mesh with the one axis `batch`.

    Args:
        devices: devices of this process, or a mesh of them. None: all of this process.

    Raises:
        ValueError: there is no device, or one belongs to another process.
    """
    used = list(devices.devices.flat) if isinstance(devices, Mesh) else devices
    used = jax.local_devices() if used is None else list(used)
    others = [device for device in used if device.process_index != jax.process_index()]
    if others or not used:
        found = f"{others[0]} of process {others[0].process_index}" if others else "none"
        raise ValueError(
            f"expected devices of this process, got {found}: use jax.local_devices(), and give "
            "each process its own part of the work"
        )
    return Mesh(np.array(used), ("batch",))


def divide(leaf: Array, mesh: Mesh) -> jax.Array:
    """An array, divided along its first axis among the devices of `mesh_of`."""
    return jax.device_put(leaf, NamedSharding(mesh, PartitionSpec("batch")))


def is_divided(leaf: Tree) -> bool:
    """Whether an array is on several devices."""
    return isinstance(leaf, jax.Array) and not is_traced(leaf) and len(leaf.devices()) > 1


@functools.lru_cache(maxsize=256)
def on_each_device(
    program: Callable[[list[Array | None]], Tree],
    mesh: Mesh | AbstractMesh,
    specs: tuple[PartitionSpec | None, ...],
    *,
    check_vma: bool = True,
) -> Callable[[list[Array | None]], Tree]:
    """A program that each device of a mesh runs for its own part of a batch.

    Args:
        program: a function of a list of arrays. Its results have the batch as first axis.
        mesh: the devices.
        specs: how each array is divided; None where it is None.
        check_vma: see `jax.shard_map`.
    """
    first = next(spec for spec in specs if spec)[0]
    local = jax.shard_map(
        program,
        mesh=mesh,
        in_specs=(list(specs),),
        out_specs=PartitionSpec(first),
        check_vma=check_vma,
    )
    return jax.jit(local)


def compiled_for_batches(
    function: Callable[..., _Result], static: tuple[int, ...] = ()
) -> Callable[..., _Result]:
    """`jax.jit` of a function whose results have the batch as first axis, on one or many devices.

    Where an argument is divided among devices, each device computes its own part of the results,
    by the same steps as one device alone. All other arguments are copied to each device.

    Args:
        function: the function, of positional arguments.
        static: indices of arguments that are a part of the program.

    >>> double = compiled_for_batches(lambda numbers: 2 * numbers)
    >>> double(divide(np.arange(3.0), mesh_of(jax.devices()[:1]))).tolist()
    [0.0, 2.0, 4.0]
    """
    alone = jax.jit(function, static_argnums=static)

    @functools.wraps(function)
    def answer(*args: Tree) -> _Result:
        data = [None if i in static else argument for i, argument in enumerate(args)]
        leaves, structure = jax.tree.flatten(data)
        sharding = next((leaf.sharding for leaf in leaves if is_divided(leaf)), None)
        if sharding is None:
            return alone(*args)
        specs = tuple(sharding.spec if is_divided(leaf) else PartitionSpec() for leaf in leaves)
        program = _of_leaves(function, structure, tuple((i, args[i]) for i in static))
        # The check is for derivatives across devices, of which there are none.
        return on_each_device(program, sharding.mesh, specs, check_vma=False)(leaves)

    return answer


@functools.lru_cache(maxsize=256)
def _of_leaves(
    function: Callable[..., _Result], structure: Tree, fixed: tuple[tuple[int, Hashable], ...]
) -> Callable[[list[Array]], _Result]:
    """A function as one of the leaves of its arguments."""

    def program(leaves: list[Array]) -> _Result:
        args = jax.tree.unflatten(structure, leaves)
        for i, value in fixed:
            args[i] = value
        return function(*args)

    program.__name__ = function.__name__  # in the messages of JAX
    return program
