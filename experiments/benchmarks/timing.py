"""Medians of repeated calls, and calls in an interpreter of their own."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any


def median_seconds(call: Callable[[], Any], repeats: int) -> float:
    """The median time of a call, after one that is not counted."""
    call()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def fresh_seconds(setup: str, call: str, repeats: int = 3) -> float:
    """The median time of a call in a new interpreter, after a set-up that is not counted."""
    program = (
        f"import time\n{setup}\nbegin = time.perf_counter()\n{call}\n"
        "print(time.perf_counter() - begin)"
    )
    return statistics.median(
        float(
            subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout
        )
        for _ in range(repeats)
    )
