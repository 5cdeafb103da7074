"""CPU seconds per bootstrap replicate of simple-scaling-laws, in an interpreter that has it.

The package asks for Python 3.12; `JAXLAWS_BENCH_PYTHON` names an interpreter where this one is
older. Its replicates are least squares with new signs on the residuals of the fit.
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


def seconds_per_replicate(columns: Mapping[str, np.ndarray]) -> float | None:
    """Measured as the difference of 1,050 and 50 draws; None where there is no interpreter.

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
        told = subprocess.run([python, "-c", _PROGRAM, path], check=True, capture_output=True)
    return float(told.stdout)
