"""Fits and bootstraps, beside SciPy and another package, on the published tables of runs.

CPU seconds, so that another load on the machine counts for little; one warm call is one thread.
"""

import functools
import os
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import OptimizeWarning

from experiments.benchmarks.scipy_fits import (
    ChinchillaFit,
    from_the_grid,
    grid_of_starts,
    least_squares,
    warm,
)
from experiments.benchmarks.simple_scaling import seconds_per_replicate
from fitting import Runs, fit
from fitting.uncertainty import pairs_weights
from jaxlaws import presets
from jaxlaws.laws.chinchilla import Chinchilla
from jaxlaws.laws.distillation_limit import DistillationLimit

_STARTS = 256
_FEW = 64  # of SciPy's starts and replicates
_DRAWS = 4096


def fit_rows() -> list[list[str]]:
    """The rows of all fits; none where `JAXLAWS_DATA` does not name the tables."""
    folder = os.environ.get("JAXLAWS_DATA")
    if folder is None:
        return [["fits: JAXLAWS_DATA names no folder of published runs", "", ""]]
    chinchilla = Runs.read(Path(folder, "hoffmann_figure4_points.csv"), law_type=Chinchilla)
    kept = chinchilla.where(chinchilla.others["outlier"] == "False")
    distilled = Runs.read(
        Path(folder, "busbridge_figure1_points.csv"), {"loss": "student_loss"}, DistillationLimit
    )
    return [*_chinchilla(kept), *_distillation(distilled)]


def _chinchilla(runs: Runs) -> list[list[str]]:
    first, single = _first_and_median(lambda: fit(Chinchilla, runs, num_starts=1))
    more, many = _first_and_median(lambda: fit(Chinchilla, runs, num_starts=_STARTS))
    result = fit(Chinchilla, runs, num_starts=_STARTS)
    columns = {**runs.inputs, "loss": runs.loss}
    problem = ChinchillaFit(*(columns[name] for name in ("num_params", "num_tokens", "loss")))
    theirs, best = _cpu(lambda: from_the_grid(problem, _FEW))
    law = result.law
    theta = np.array([np.log(law.E), np.log(law.A), law.alpha, np.log(law.B), law.beta])
    squares = statistics.median(
        _cpu(functools.partial(_curve_fit, problem, start))[0] for start in grid_of_starts(_FEW)
    )

    def drawn(draws: int, resample: str = "pairs") -> Any:
        return fit(Chinchilla, runs, bootstrap=draws, resample=resample)

    thousand, each = (_replicate(drawn, draws, many) for draws in (1000, _DRAWS))
    wild = _replicate(functools.partial(drawn, resample="wild"), _DRAWS, many)
    counts = pairs_weights(len(runs), _FEW, seed=0)
    again = statistics.median(
        _cpu(functools.partial(warm, problem, theta, row))[0] for row in counts
    )
    other = seconds_per_replicate(columns)
    return [
        ["Chinchilla, 240 runs, 1 start: first call, compiled", f"{first:.1f} s", ""],
        ["the same, warm", f"{single:.3f} s", ""],
        [f"{_STARTS} starts: first call after that", f"{more:.2f} s", ""],
        [f"{_STARTS} starts, warm", f"{many:.3f} s", "0.2 s"],
        [
            f"SciPy L-BFGS-B from the grid, each of {_FEW}, over one of our starts",
            f"{theirs / _FEW / (many / _STARTS):.0f} times",
            "",
        ],
        ["our objective above SciPy's best", f"{result.objective - best.fun * 1e-3:.1e}", "0"],
        [
            "SciPy curve_fit (least squares) from one start, over one of ours",
            f"{squares / (many / _STARTS):.0f} times",
            "",
        ],
        ["1,000 bootstraps (pairs), warm", f"{1000 * thousand:.2f} s", ""],
        [f"{_DRAWS:,} bootstraps (pairs), warm", f"{_DRAWS * each:.2f} s", "1 s"],
        [f"{_DRAWS:,} bootstraps (wild), warm", f"{_DRAWS * wild:.2f} s", ""],
        ["SciPy BFGS from the fit, over one replicate", f"{again / each:.1f} times", "25 times"],
        [
            "simple-scaling-laws 0.2.0, over one replicate",
            "no interpreter has it" if other is None else f"{other / each:.1f} times",
            "5 times",
        ],
    ]


def _distillation(runs: Runs) -> list[list[str]]:
    supervised = presets.load("busbridge2025_supervised")

    def fitted(draws: int) -> Any:
        return fit(
            DistillationLimit,
            runs,
            freeze={"supervised": supervised},
            num_starts=_STARTS,
            bootstrap=draws,
        )

    first, _ = _cpu(lambda: fitted(2))
    starts, _ = _cpu(lambda: fitted(0))
    whole, result = _cpu(lambda: fitted(_DRAWS))
    return [
        ["distillation, 354 points, first call, compiled", f"{first:.1f} s", ""],
        [f"{_STARTS} starts, warm", f"{starts:.1f} s", ""],
        [f"{_STARTS} starts and {_DRAWS:,} bootstraps, warm", f"{whole:.1f} s", "30 s"],
        [
            "replicates that converged",
            f"{np.mean(result.ensemble_status <= 2):.2%}",
            "",
        ],
    ]


def _curve_fit(problem: ChinchillaFit, start: np.ndarray) -> None:
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", OptimizeWarning)  # no covariance where it ended flat
            least_squares(problem, start)
    except RuntimeError:  # no end within its evaluations: the time counts all the same
        pass


def _cpu(call: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of one call, and what it gave."""
    begin = time.process_time()
    value = call()
    return time.process_time() - begin, value


def _first_and_median(call: Callable[[], Any]) -> tuple[float, float]:
    first, _ = _cpu(call)
    return first, statistics.median(_cpu(call)[0] for _ in range(5))


def _replicate(call: Callable[[int], Any], draws: int, without: float) -> float:
    """CPU seconds of one bootstrap replicate, the fit itself not counted."""
    call(draws)
    return (statistics.median(_cpu(lambda: call(draws))[0] for _ in range(3)) - without) / draws
