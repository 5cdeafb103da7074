"""The 90% intervals of simulated tables, by each method."""

from collections.abc import Callable, Iterator, Sequence

import jax
import numpy as np

from experiments.calibration.simulated import (
    COEFFICIENTS,
    NUM_RUNS,
    Tables,
    quantities,
    runs_with,
)
from fitting import FitResult, Runs, fit
from fitting.estimation.interval_ends import bca_ends, ends
from fitting.estimation.resampling import (
    RESAMPLINGS,
    Resampling,
    jackknife_weights,
    noise_like,
    pairs_weights,
)
from fitting.uncertainty.laplace_approximation import laplace
from fitting.uncertainty.profile_likelihood import profile
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.laws.chinchilla import Chinchilla
from jaxlaws.precision import float64, to_numpy

LEVEL = 0.9

# Low and high end of the interval of each quantity, `(num_tables,)` each. Profiles have intervals
# of coefficients only.
Ends = dict[str, tuple[np.ndarray, np.ndarray]]


def bootstraps(tables: Tables, num_draws: int, first_seed: int) -> Iterator[tuple[str, Ends]]:
    """Percentile and BCa intervals of each way of resampling, with all tables in one batch."""
    with float64():
        value = _quantities(tables.law)
        left_out, kept = tables.refitted(_of_each(tables, lambda *_: _without_each_run()))
        without = _quantities(left_out)
    for method in RESAMPLINGS:
        with float64():
            law, usable = tables.refitted(*resampled(tables, method, num_draws, first_seed))
            drawn = _quantities(law)
        found: dict[str, Ends] = {"percentile": {}, "bca": {}}
        for name, draws in drawn.items():
            rows = list(zip(draws, usable, value[name], without[name], kept, strict=True))
            pairs = [ends(d[u], LEVEL) for d, u, *_ in rows]
            found["percentile"][name] = _columns(pairs)
            pairs = [bca_ends(d[u], v, w[k], LEVEL) for d, u, v, w, k in rows]
            found["bca"][name] = _columns(pairs)
        yield from ((f"{method}, {kind}", each) for kind, each in found.items())


def by_curvature(
    tables: Tables, truth: Tree, first_seed: int, *, with_profile: bool
) -> tuple[dict[str, Ends], np.ndarray]:
    """Intervals of the Laplace approximation and of profiles, and the objectives of the fits.

    Each table is fitted from its own random starts, as a user would do, so that the objectives
    check the fits of the batch.
    """
    objective = tables.problem.objective
    normal, profiled, reached = [], [], []
    for number, noise in enumerate(tables.noise):
        runs, seed = runs_with(noise, truth), first_seed + number
        result = fit(Chinchilla, runs, objective=objective, num_starts=16, seed=seed)
        reached.append(result.objective)
        normal.append(_laplace(result, runs, seed))
        if with_profile:
            profiled.append(
                [profile(result, runs, name, level=LEVEL).interval for name in COEFFICIENTS]
            )
    found = {"Laplace": {n: _columns([row[n] for row in normal]) for n in normal[0]}}
    if with_profile:
        found["profile"] = {
            n: _columns([row[i] for row in profiled]) for i, n in enumerate(COEFFICIENTS)
        }
    return found, np.array(reached)


def _laplace(result: FitResult, runs: Runs, seed: int) -> dict[str, tuple[Array, Array]]:
    try:
        drawn = laplace(result, runs, num_draws=2000, seed=seed)
    except ValueError:  # the Hessian is singular: an empty interval
        return dict.fromkeys(quantities(result.law), (np.inf, -np.inf))
    with float64():
        return {name: ends(each, LEVEL) for name, each in _quantities(drawn).items()}


def resampled(
    tables: Tables, method: Resampling, num_draws: int, first_seed: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """Weights and changes of the residuals of the resampled tables, as in `fit`."""
    if method == "pairs":
        return _of_each(
            tables, lambda number, _: pairs_weights(NUM_RUNS, num_draws, first_seed + number)
        ), None
    enlarged = (NUM_RUNS / (NUM_RUNS - tables.vectors.shape[1])) ** 0.5

    def change(number: int, residuals: np.ndarray) -> np.ndarray:
        noise = noise_like(
            method,
            residuals * enlarged,
            np.ones(NUM_RUNS),
            objective=tables.problem.objective,
            num_draws=num_draws,
            seed=first_seed + number,
        )
        return noise - residuals

    changes = _of_each(tables, change)
    return np.ones_like(changes), changes


def _of_each(tables: Tables, function: Callable[[int, np.ndarray], np.ndarray]) -> np.ndarray:
    return np.stack([function(*each) for each in enumerate(tables.residuals)])


def _without_each_run() -> np.ndarray:
    return jackknife_weights(np.arange(NUM_RUNS), seed=0)


def _quantities(law: Tree) -> dict[str, np.ndarray]:
    """The quantities of a batched law, each of the shape of the leaves."""
    function = quantities
    for _ in range(np.ndim(law.E)):
        function = jax.vmap(function)
    return to_numpy(function(law))


def _columns(pairs: Sequence[Sequence[Array]]) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.array(pairs, dtype=float).T
    return low, high
