"""How far a fit would move with other runs: the bootstrap, every replicate converged."""

import numpy as np

from fitting.minimiser import Minima, minimise, residuals_of
from fitting.problem import Lanes, Problem

_MOST_CANDIDATES = 512
_NO_BETTER = 1e-9  # relative difference of costs that starts no second search


def pairs_weights(num_runs: int, num_draws: int, seed: int) -> np.ndarray:
    """How often each run stands in each resampled table, `(num_draws, num_runs)`.

    >>> pairs_weights(5, 2, seed=0).sum(axis=1).tolist()
    [5.0, 5.0]
    """
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(num_runs, np.full(num_runs, 1 / num_runs), size=num_draws)
    return counts.astype(np.float64)


def cluster_weights(groups: np.ndarray, num_draws: int, seed: int) -> np.ndarray:
    """How often each run stands in each table of resampled groups, `(num_draws, num_runs)`.

    Groups are drawn whole and with replacement, as many as there are; where they are of different
    sizes, so are the tables.

    >>> cluster_weights(np.array(["a", "b", "b"]), 3, seed=1).tolist()
    [[1.0, 1.0, 1.0], [2.0, 0.0, 0.0], [0.0, 2.0, 2.0]]

    Raises:
        ValueError: there are fewer than two groups.
    """
    distinct, which = np.unique(groups, return_inverse=True)
    if len(distinct) < 2:
        raise ValueError(f"all runs are in one group, {distinct[0]}: nothing to resample")
    return pairs_weights(len(distinct), num_draws, seed)[:, which]


def refit(problem: Problem, lanes: Lanes) -> Minima:
    """Fit every resampled table, to the tolerance of the fit itself.

    Each replicate starts where its lane says, from the fit. Then the costs of all replicates at
    one another's minima are compared, one product of matrices, and a replicate that some other
    minimum suits better than its own starts again from there.
    """
    minima = minimise(problem, lanes)
    solved = np.flatnonzero(minima.converged)[:_MOST_CANDIDATES]
    if not len(solved):
        return minima
    candidates = lanes.at(minima.vectors).take(problem, solved)
    costs = np.asarray(problem.objective.costs(residuals_of(problem, candidates)))
    elsewhere = lanes.weights @ costs.T / problem.objective.slope()
    again = np.flatnonzero(elsewhere.min(axis=1) < minima.costs * (1 - _NO_BETTER))
    if not len(again):
        return minima
    starts = candidates.vectors[elsewhere.argmin(axis=1)[again]]
    second = minimise(problem, lanes.take(problem, again).at(starts))
    lower = second.costs < minima.costs[again]
    return minima.put(second.take(lower), again[lower])
