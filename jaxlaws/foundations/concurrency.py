"""Run blocks of work in parallel: XLA uses hardly more than one core for one block of a batch."""

import itertools
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import jax

from jaxlaws.precision import float64

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
        with float64(), jax.default_device(device):
            return work(*arguments)

    return alone


def _num_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
