"""CPU seconds per bootstrap draw of simple-scaling-laws.

The package needs Python 3.12. If the present interpreter is older, `JAXLAWS_BENCH_PYTHON` names an
interpreter that has the package. Its draws are least-squares fits with new signs on the residuals.
"""

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

_PROGRAM = """
import sys, time
import polars as pl
from simple_scaling_laws import fit
runs = pl.read_csv(sys.argv[1])
def seconds(n_draws):
    begin = time.process_time()
    fit(runs, law="separable-power", n_draws=n_draws, seed=0)
    return time.process_time() - begin
seconds(50)
print((seconds(1050) - seconds(50)) / 1000)
"""


def seconds_per_draw(columns: Mapping[str, np.ndarray]) -> float | None:
    """Return the CPU seconds per draw, from 1,050 minus 50 draws; None without the package.

    Args:
        columns: `num_params`, `num_tokens` and `loss`, `(num_runs,)` each.
    """
    python = os.environ.get("JAXLAWS_BENCH_PYTHON", sys.executable)
    if python == sys.executable and importlib.util.find_spec("simple_scaling_laws") is None:
        return None
    names = ["training_run_id", "model_size__n", "dataset_size__d", "test_loss__ce"]
    values = [columns[name] for name in ("num_params", "num_tokens", "loss")]
    table = np.column_stack([np.arange(len(values[0])), *values])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "runs.csv")
        np.savetxt(path, table, delimiter=",", header=",".join(names), comments="", fmt="%.17g")
        done = subprocess.run([python, "-c", _PROGRAM, path], check=True, capture_output=True)
    return float(done.stdout)
