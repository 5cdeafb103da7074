"""The optima of a law for the runs of a pool whose losses are known, as runs are added."""

import dataclasses

import numpy as np

from fitting.minimiser.broad_search.search import broad_search
from fitting.minimiser.starts import spread_points
from fitting.problem.batched_problem import Batch, BatchedProblem

MOST_OPTIMA = 16
_NUM_STARTS = 64
_SAME = 1e-4  # relative difference of costs


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Optima:
    """Optima of a fit, the lowest first.

    Attributes:
        problem: the problem, with a row for each run of the pool and of the region.
        batch: an entry for each optimum, the lowest first, `MOST_OPTIMA` of them; the last ones
            can repeat the first.
        costs: the sum over runs at each, `(num_optima,)`; infinite for repeated ones.
    """

    problem: BatchedProblem
    batch: Batch
    costs: np.ndarray

    def shares(self, num_runs: int, noise: float, strength: float) -> np.ndarray:
        """The probability of each optimum, by the likelihood with an unknown noise.

        Args:
            num_runs: number of runs.
            noise: the standard deviation of the residuals that is expected before a fit.
            strength: number of runs that this expectation counts for.
        """
        logs = -0.5 * (strength + num_runs) * np.log(strength * noise**2 + 2 * self.costs)
        logs = np.where(np.isfinite(self.costs), logs, -np.inf)
        shares = np.exp(logs - logs.max())
        return shares / shares.sum()

    def noise(self, num_runs: int, noise: float, strength: float) -> float:
        """The standard deviation of the residuals; arguments as those of `shares`."""
        num_free = len(self.problem.parameters.free)
        spare = max(num_runs - num_free, 0)
        total = strength * noise**2 + 2 * float(self.costs.min()) * (spare > 0)
        return float(np.sqrt(total / (strength + spare)))


def search_optima(problem: BatchedProblem, weights: np.ndarray, seed: int) -> Optima:
    """Search the optima from many starts."""
    num_free = len(problem.parameters.free)
    vectors = spread_points("random", _NUM_STARTS, num_free, seed)
    batch = Batch(vectors, np.tile(weights, (len(vectors), 1)), {})
    ends = broad_search(problem, batch, seed)
    return _lowest(problem, weights, ends.vectors, ends.costs)


def _lowest(
    problem: BatchedProblem, weights: np.ndarray, vectors: np.ndarray, costs: np.ndarray
) -> Optima:
    order = [i for i in np.argsort(costs, kind="stable") if np.isfinite(costs[i])]
    kept: list[int] = []
    for i in order:
        if not kept or costs[i] > costs[kept[-1]] * (1 + _SAME) + 1e-15:
            kept.append(int(i))
    places = np.resize(kept[:MOST_OPTIMA], MOST_OPTIMA)
    costs = np.where(np.arange(MOST_OPTIMA) < len(kept), costs[places], np.inf)
    batch = Batch(vectors[places], np.tile(weights, (MOST_OPTIMA, 1)), {})
    return Optima(problem=problem, batch=batch, costs=costs)
