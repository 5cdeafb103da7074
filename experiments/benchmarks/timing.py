"""Median times of repeated calls, in this interpreter or in new ones."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable


def median_seconds(call: Callable[[], object], repeats: int) -> float:
    """Return the median time of a call in seconds; a first call is not counted."""
    call()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def fresh_seconds(setup: str, call: str, repeats: int = 3) -> float:
    """Return the median time in seconds of a call in a new interpreter, without its set-up."""
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
