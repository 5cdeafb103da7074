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


def side_by_side(work: Callable[[_Item], _Result], items: Iterable[_Item]) -> list[_Result]:
    """Return `work(item)` for each item, in float64, on as many threads as there are cores.

    The first item finishes before the others start, so that its program is compiled only once.

    Args:
        work: the function to call. It must be safe to call from several threads.
        items: the arguments, one for each call.

    >>> side_by_side(lambda exponent: 2.0**exponent, range(4))
    [1.0, 2.0, 4.0, 8.0]
    """
    # A new thread does not inherit the caller's JAX settings.
    device = jax.config.jax_default_device  # pyright: ignore[reportAttributeAccessIssue]

    def alone(item: _Item) -> _Result:
        with float64(), jax.default_device(device):
            return work(item)

    items = iter(items)
    done = [alone(item) for item in itertools.islice(items, 1)]
    rest = list(items)
    if rest:
        with ThreadPoolExecutor(min(len(rest), _num_cores())) as threads:
            done += threads.map(alone, rest)
    return done


def _num_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
