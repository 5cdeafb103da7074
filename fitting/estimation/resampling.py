"""Resampled tables, as weights of the runs and shifts of their residuals.

- `pairs` draws runs with replacement, or whole clusters of runs.
- `wild` keeps the size of each residual and draws its sign, the same for all runs of a cluster.
- `residuals` draws residuals with replacement, as if all runs had the same noise.
- `parametric` draws noise from the density that goes with the objective (`likelihood`).

The last three keep the inputs, so that a design of few runs stays complete. Residuals of a fit are
smaller than the noise; they are multiplied by `sqrt(n / (n - k))` for n runs and k free numbers.
"""

import typing
from typing import Literal, TypeAlias

import numpy as np

from fitting.problem.likelihood import spread
from fitting.problem.objectives import Objective

Resampling: TypeAlias = Literal["pairs", "wild", "residuals", "parametric"]
RESAMPLINGS: tuple[Resampling, ...] = typing.get_args(Resampling)

_MOST_PARTS = 256
_GRID = 4001
_FAR, _NEAR = 40.0, 0.1  # costs, in spreads, between which the grid of a density is made


def resampled_tables(
    method: Resampling,
    residuals: np.ndarray,
    weights: np.ndarray,
    *,
    num_free: int,
    objective: Objective,
    num_draws: int,
    seed: int,
    num_outcomes: int = 1,
    clusters: np.ndarray | None = None,
    strata: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Weights of the rows, and shifts of their residuals, in every resampled table.

    A run has one row, or one for each of its outcomes, which are drawn together.

    Args:
        method: how the tables are made.
        residuals: residuals of the fit, `(num_rows,)`.
        weights: weight of each row in the fit, `(num_rows,)`.
        num_free: number of free coefficients.
        objective: the objective of the fit.
        num_draws: number of tables.
        seed: seed of the draws.
        num_outcomes: number of rows of each run.
        clusters: label of each run; the runs of a cluster are drawn together. None: single runs.
        strata: label of each run; `pairs` draws as many runs of a stratum as there are.

    Returns:
        Two arrays `(num_draws, num_rows)`; None for shifts of zero.

    Raises:
        ValueError: runs have several outcomes, and the method would draw each of them alone.
    """
    num_rows, draws = len(residuals), {"num_draws": num_draws, "seed": seed}
    num_runs = num_rows // num_outcomes
    if method == "pairs":
        counts = (
            pairs_weights(num_runs, strata=strata, **draws)
            if clusters is None
            else cluster_weights(clusters, **draws)
        )
        return np.repeat(counts, num_outcomes, axis=1) * weights, None
    if num_outcomes > 1:
        if method != "wild":
            raise ValueError(
                "the outcomes of a run are not independent, and are resampled together: use "
                f"resample='pairs' or 'wild', not {method!r}"
            )
        each = np.arange(num_runs) if clusters is None else clusters
        clusters = np.repeat(each, num_outcomes)
    enlarged = residuals * (num_rows / (num_rows - num_free)) ** 0.5
    noise = noise_like(method, enlarged, weights, objective=objective, clusters=clusters, **draws)
    return np.tile(weights, (num_draws, 1)), noise - residuals


def noise_like(
    method: Literal["wild", "residuals", "parametric"],
    residuals: np.ndarray,
    weights: np.ndarray,
    *,
    objective: Objective,
    num_draws: int,
    seed: int,
    clusters: np.ndarray | None = None,
) -> np.ndarray:
    """Noise drawn in place of the residuals, `(num_draws, num_runs)`.

    Args:
        method: how the noise is drawn.
        residuals: residuals of the fit, `(num_runs,)`.
        weights: weight of each run, `(num_runs,)`; the larger the weight, the smaller the noise.
        objective: the objective of the fit.
        num_draws: number of tables.
        seed: seed of the draws.
        clusters: label of each run; only for `wild`.

    >>> from fitting import Huber
    >>> draws = noise_like(
    ...     "wild", np.array([1.0, -2.0]), np.ones(2), objective=Huber(), num_draws=3, seed=0
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


def _inverse_distribution(objective: Objective, tau: float, uniform: np.ndarray) -> np.ndarray:
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

    With more than 256 clusters, 256 random parts of about equal size are left out in turn.

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
    """The number of times that each resampled table has each run, `(num_draws, num_runs)`.

    With strata, a label for each run, the draw has as many runs of each stratum as the table.

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
    """The number of times that each table has each run if groups are drawn.

    As many groups as there are, are drawn with replacement. If groups have different sizes, the
    resampled tables have different sizes too.

    Returns:
        `(num_draws, num_runs)`.

    >>> cluster_weights(np.array(["a", "b", "b"]), 3, seed=1).tolist()
    [[1.0, 1.0, 1.0], [2.0, 0.0, 0.0], [0.0, 2.0, 2.0]]

    Raises:
        ValueError: there are fewer than two groups.
    """
    distinct, which = np.unique(groups, return_inverse=True)
    if len(distinct) < 2:
        raise ValueError(
            f"all runs are in one group, {distinct[0]}, and the bootstrap draws whole groups: give "
            "groups of which there are at least two, or leave the groups out"
        )
    return pairs_weights(len(distinct), num_draws, seed)[:, which]
