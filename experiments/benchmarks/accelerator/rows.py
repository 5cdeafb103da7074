"""Rows of measured numbers, and how calls are timed."""

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import jax

_REPEATS = 3
LONGEST_CALL = 10.0  # seconds; a call that would take longer is left out


class Row(NamedTuple):
    """One measured number, or the reason why it is missing."""

    what: str
    value: float | str
    unit: str = ""


class Limits(NamedTuple):
    """The size of the measurements: the largest batch of plans, and the draws of a bootstrap."""

    largest: int
    draws: int


def on_cpu(call: Callable):
    """Return what a call returns on the host's CPU."""
    with jax.default_device(jax.local_devices(backend="cpu")[0]):
        return call()


def seconds_of(call: Callable) -> tuple[float, float]:
    """Return the seconds of the first call, and the median of further calls."""
    times = []
    for _ in range(1 + _REPEATS):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
        if len(times) > 1 and sum(times[1:]) > LONGEST_CALL:
            break
    return times[0], statistics.median(times[1:])
