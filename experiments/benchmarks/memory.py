"""Peak memory of large sweeps: does it grow with the number of plans?

Each measurement runs in a process of its own, because the peak of a process never falls.
"""

import resource
import subprocess
import sys
import tempfile
import time

import jax
import jax.numpy as jnp

from jaxlaws import presets
from jaxlaws.planning import LogSpaced, compute_optimal, write_plans

LAW = presets.load("besiroglu2024")
COUNTS = (100_000, 1_000_000, 10_000_000)


def data_set(count: int) -> None:
    """Write plans to a Parquet data set, whose files are removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        written = write_plans(compute_optimal, LAW, {"flops": LogSpaced(1e18, 1e26, count)}, folder)
    assert written.num_rows == count


def losses(count: int) -> None:
    """The losses of plans from one program, with arrays of JAX and in float64."""
    with jax.enable_x64(True):
        budgets = jnp.geomspace(1e18, 1e26, count)
        loss = jax.jit(lambda flops: compute_optimal(LAW, flops=flops).loss)(budgets)
        assert bool(jnp.all(jnp.isfinite(loss)))


KINDS = {"data set": data_set, "losses in one program": losses}


def main() -> None:
    """Print a table; with arguments, measure one kind and number in this process."""
    if len(sys.argv) > 1:
        kind, count, start = sys.argv[1], int(sys.argv[2]), time.perf_counter()
        KINDS[kind](count)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # KiB on Linux
        print(f"| {kind} | {count:,} | {peak:.2f} | {time.perf_counter() - start:.0f} |")
        return
    print(
        "| what | plans | peak memory (GiB) | seconds |\n| :--- | ---: | ---: | ---: |", flush=True
    )
    for kind in KINDS:
        for count in COUNTS:
            command = [sys.executable, "-m", "experiments.benchmarks.memory", kind, str(count)]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
