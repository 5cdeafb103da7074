"""Run a script in a process with eight virtual devices."""

import os
import subprocess
import sys


def run_on_eight(script):
    """Run a script that prints `done` at its end."""
    flags = "--xla_force_host_platform_device_count=8 --xla_backend_optimization_level=0"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"XLA_FLAGS": flags},
    )
    assert done.stdout == "done\n", done.stderr
