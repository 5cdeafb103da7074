"""Fits and bootstraps of published runs, compared with SciPy and simple-scaling-laws.

Times are wall-clock seconds. Our fits use all cores, SciPy uses one. CPU seconds are reported too
where the other package chooses its own number of cores.
"""

import functools
import os
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from scipy.optimize import OptimizeWarning

from experiments.benchmarks.scipy_fits import (
    ChinchillaFit,
    from_the_grid,
    grid_of_starts,
    least_squares,
    warm,
)
from experiments.benchmarks.simple_scaling import seconds_per_draw
from fitting import FitResult, Resampling, Runs, Status, fit
from fitting.estimation.resampling import pairs_weights
from jaxlaws import presets
from jaxlaws.laws.chinchilla import Chinchilla
from jaxlaws.laws.distillation_limit import DistillationLimit

_STARTS = 256
_FEW = 64  # SciPy's starts and draws
_DRAWS = 4096

_T = TypeVar("_T")


def fit_rows() -> list[list[str]]:
    """Return the rows of all fits; a single note if `JAXLAWS_DATA` is not set."""
    folder = os.environ.get("JAXLAWS_DATA")
    if folder is None:
        return [["fits: JAXLAWS_DATA is not set; it names the folder of published runs", "", ""]]
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
    (theirs, _), best = _timed(lambda: from_the_grid(problem, _FEW))
    law = result.law
    theta = np.array([np.log(law.E), np.log(law.A), law.alpha, np.log(law.B), law.beta])
    squares = statistics.median(
        _timed(functools.partial(_curve_fit, problem, start))[0][0]
        for start in grid_of_starts(_FEW)
    )

    def drawn(draws: int, resample: Resampling) -> FitResult:
        return fit(Chinchilla, runs, bootstrap=draws, resample=resample)

    cases: tuple[tuple[Resampling, int], ...]
    cases = (("pairs", 1000), ("pairs", _DRAWS), ("wild", _DRAWS))
    (thousand, _), (each, each_cpu), (wild, _) = (
        _seconds_per_draw(functools.partial(drawn, resample=how), draws, many)
        for how, draws in cases
    )
    counts = pairs_weights(len(runs), _FEW, seed=0)
    again = statistics.median(
        _timed(functools.partial(warm, problem, theta, row))[0][0] for row in counts
    )
    other = seconds_per_draw(columns)
    return [
        ["Chinchilla, 240 runs, 1 start: first call, with compilation", f"{first[0]:.1f} s", ""],
        ["the same, warm", f"{single[0]:.3f} s", ""],
        [f"{_STARTS} starts: first call after that", f"{more[0]:.2f} s", ""],
        [f"{_STARTS} starts, warm", f"{many[0]:.3f} s", "0.2 s"],
        [
            f"SciPy L-BFGS-B from the grid, each of {_FEW}, relative to one of our starts",
            f"{theirs / _FEW / (many[0] / _STARTS):.0f} times",
            "",
        ],
        ["our objective minus SciPy's lowest", f"{result.objective - best.fun * 1e-3:.1e}", "0"],
        [
            "SciPy curve_fit (least squares), one start, relative to one of our starts",
            f"{squares / (many[0] / _STARTS):.0f} times",
            "",
        ],
        ["1,000 draws (pairs), warm", f"{1000 * thousand:.2f} s", ""],
        [f"{_DRAWS:,} draws (pairs), warm", f"{_DRAWS * each:.2f} s", "1 s"],
        [f"{_DRAWS:,} draws (wild), warm", f"{_DRAWS * wild:.2f} s", ""],
        ["SciPy BFGS from the fit, relative to one draw", f"{again / each:.1f} times", "25 times"],
        ["the same in CPU seconds", f"{again / each_cpu:.1f} times", ""],
        [
            "simple-scaling-laws 0.2.0, relative to one draw, in CPU seconds",
            "not installed" if other is None else f"{other / each_cpu:.1f} times",
            "5 times",
        ],
    ]


def _distillation(runs: Runs) -> list[list[str]]:
    supervised = presets.load("busbridge2025_supervised")

    def fitted(draws: int) -> FitResult:
        return fit(
            DistillationLimit,
            runs,
            freeze={"supervised": supervised},
            num_starts=_STARTS,
            bootstrap=draws,
        )

    (first, _), _ = _timed(lambda: fitted(2))
    (starts, _), _ = _timed(lambda: fitted(0))
    (whole, _), result = _timed(lambda: fitted(_DRAWS))
    return [
        ["distillation, 354 points: first call, with compilation", f"{first:.1f} s", ""],
        [f"{_STARTS} starts, warm", f"{starts:.1f} s", ""],
        [f"{_STARTS} starts and {_DRAWS:,} draws, warm", f"{whole:.1f} s", "30 s"],
        [
            "draws that converged",
            f"{np.mean(np.asarray(result.ensemble_status) <= Status.FLAT_DIRECTION):.2%}",
            "",
        ],
    ]


def _curve_fit(problem: ChinchillaFit, start: np.ndarray) -> None:
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", OptimizeWarning)  # no covariance at a flat optimum
            least_squares(problem, start)
    except RuntimeError:  # not converged within its evaluations; the time still counts
        pass


def _timed(call: Callable[[], _T]) -> tuple[np.ndarray, _T]:
    """Return wall-clock and CPU seconds, `(2,)`, and the result of the call."""
    begin = np.array([time.perf_counter(), time.process_time()])
    value = call()
    return np.array([time.perf_counter(), time.process_time()]) - begin, value


def _median(call: Callable[[], object], repeats: int) -> np.ndarray:
    return np.median([_timed(call)[0] for _ in range(repeats)], axis=0)


def _first_and_median(call: Callable[[], object]) -> tuple[np.ndarray, np.ndarray]:
    first, _ = _timed(call)
    return first, _median(call, 5)


def _seconds_per_draw(call: Callable[[int], object], draws: int, without: np.ndarray) -> np.ndarray:
    """Return wall-clock and CPU seconds of one draw, without the fit itself."""
    call(draws)
    return (_median(lambda: call(draws), 3) - without) / draws
