"""Tables that might have been: runs drawn again, or their noise.

Each method gives weights and shifts of the residuals, `(num_draws, num_runs)` both.

- `pairs`: runs are drawn with replacement, whole groups of them where there are clusters.
- `wild`: each residual keeps its size and gets a random sign, one for all runs of a cluster.
- `residuals`: residuals are drawn with replacement, as if all runs had the same noise.
- `parametric`: noise is drawn from the density that goes with the objective (`likelihood`).

The last three leave the inputs as they are: a design of few runs stays whole. Residuals of a fit
are smaller than its noise; they are enlarged by `sqrt(n / (n - k))`, for n runs and k free numbers.
"""

from typing import Any, Literal, TypeAlias

import numpy as np

from fitting.problem.likelihood import spread

Resampling: TypeAlias = Literal["pairs", "wild", "residuals", "parametric"]

_MOST_PARTS = 256
_GRID = 4001
_FAR, _NEAR = 40.0, 0.1  # costs, in spreads, between which the grid of a density is made


def noise_like(
    method: str,
    residuals: np.ndarray,
    weights: np.ndarray,
    *,
    objective: Any,
    num_draws: int,
    seed: int,
    clusters: np.ndarray | None = None,
) -> np.ndarray:
    """Residuals that the runs might have had instead, `(num_draws, num_runs)`.

    Args:
        method: `wild`, `residuals` or `parametric`.
        residuals: of the fit, `(num_runs,)`.
        weights: how much each run counts, `(num_runs,)`: noise is the smaller, the larger it is.
        objective: what was minimised.
        num_draws: number of tables.
        seed: of the draws.
        clusters: a label for each run; `wild` only.

    >>> draws = noise_like(
    ...     "wild", np.array([1.0, -2.0]), np.ones(2), objective=None, num_draws=3, seed=0
    ... )
    >>> np.abs(draws).tolist()
    [[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]]
    """
    rng = np.random.default_rng(seed)
    num_runs = len(residuals)
    if method == "wild":
        labels = np.arange(num_runs) if clusters is None else clusters
        distinct, which = np.unique(labels, return_inverse=True)
        return residuals * rng.choice([-1.0, 1.0], size=(num_draws, len(distinct)))[:, which]
    if method == "residuals":
        drawn = rng.integers(num_runs, size=(num_draws, num_runs))
        return (residuals * np.sqrt(weights))[drawn] / np.sqrt(weights)
    tau = spread(objective, float(weights @ np.asarray(objective.costs(residuals))), num_runs)
    noise = np.empty((num_draws, num_runs))
    for weight in np.unique(weights):
        mine = weights == weight
        uniform = rng.uniform(size=(num_draws, mine.sum()))
        noise[:, mine] = _inverse_distribution(objective, tau / weight, uniform)
    return noise


def _inverse_distribution(objective: Any, tau: float, uniform: np.ndarray) -> np.ndarray:
    """Quantiles of the density that falls as `exp(-cost / tau)`."""

    def size_at(cost: float) -> float:
        sizes = np.geomspace(1e-15, 1e15, 1001)
        lower = np.minimum(*(np.asarray(objective.costs(sign * sizes)) for sign in (1, -1)))
        return float(sizes[min(np.searchsorted(lower / tau, cost), len(sizes) - 1)])

    near, far = size_at(_NEAR), size_at(_FAR)
    grid = near * np.sinh(np.linspace(-1, 1, _GRID) * np.arcsinh(far / near))
    density = np.exp(-np.asarray(objective.costs(grid)) / tau)
    areas = np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(grid))
    return np.interp(uniform, np.concatenate([[0.0], areas]) / areas[-1], grid)


def jackknife_weights(clusters: np.ndarray, seed: int) -> np.ndarray:
    """Weights that leave out each cluster in turn, `(num_parts, num_runs)`.

    Of more than 256 clusters, random parts of about equal size are left out together.

    >>> jackknife_weights(np.array(["a", "b", "b"]), seed=0).tolist()
    [[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]]
    """
    distinct, which = np.unique(clusters, return_inverse=True)
    parts = np.arange(len(distinct))
    if len(parts) > _MOST_PARTS:
        parts = np.random.default_rng(seed).permutation(parts) % _MOST_PARTS
    return (parts[which] != np.unique(parts)[:, None]).astype(np.float64)


def pairs_weights(
    num_runs: int, num_draws: int, seed: int, strata: np.ndarray | None = None
) -> np.ndarray:
    """How often each run stands in each resampled table, `(num_draws, num_runs)`.

    Of each stratum, a label for each run, as many are drawn as there are.

    >>> pairs_weights(5, 2, seed=0).sum(axis=1).tolist()
    [5.0, 5.0]
    """
    rng = np.random.default_rng(seed)
    counts = np.empty((num_draws, num_runs))
    labels = np.zeros(num_runs) if strata is None else strata
    for label in np.unique(labels):
        mine = np.flatnonzero(labels == label)
        counts[:, mine] = rng.multinomial(len(mine), np.full(len(mine), 1 / len(mine)), num_draws)
    return counts


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
