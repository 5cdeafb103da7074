"""Blocks of work side by side: XLA keeps hardly more than one core busy with a block of lanes."""

import itertools
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import jax

from jaxlaws.precision import float64

_Item = TypeVar("_Item")


def side_by_side(work: Callable[[_Item], Any], items: Iterable[_Item]) -> list[Any]:
    """`work` of each item, in float64, as many at a time as there are cores.

    The first is done before the others begin, so that a program is compiled once.

    >>> side_by_side(lambda exponent: 2.0**exponent, range(4))
    [1.0, 2.0, 4.0, 8.0]
    """
    # A thread begins without its caller's settings.
    device = jax.config.jax_default_device  # pyright: ignore[reportAttributeAccessIssue]

    def alone(item: _Item) -> Any:
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
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
