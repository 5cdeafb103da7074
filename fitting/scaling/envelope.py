"""The envelope of many runs: at each budget, the size whose loss is least.

The first approach of Hoffmann et al. (2022). They follow training curves; here the runs of one
size, each of its own length, make the curve of that size.
"""

import numpy as np

from fitting.data.run_sizes import extent
from fitting.data.runs import Runs
from fitting.estimation.resampling import pairs_weights
from fitting.scaling.optimal_scaling import QUANTITIES, OptimalScaling, power_lines

_SAME_SIZE = 0.01  # decades: sizes read off a figure differ by a per cent
_FEWEST_SIZES = 3


def scaling_of_envelope(
    runs: Runs, *, num_budgets: int = 200, bootstrap: int = 0, seed: int = 0
) -> OptimalScaling:
    """Lines through the best sizes of a range of budgets.

    The loss of each size is interpolated between its runs, log loss in log compute. Budgets count
    that at least three sizes span and where the best is neither the smallest nor the largest of
    these: else a better one may lie outside. The best of several noisy curves is a lucky one, so
    that the losses are low by some part of the noise.

    Args:
        runs: supervised runs; compute is the column `flops`, else 6 N D.
        num_budgets: evenly spaced in logs over the runs' compute.
        bootstrap: how often to resample the sizes, each with all its runs.
        seed: of the resampling.

    Raises:
        ValueError: fewer than two budgets count, or the runs have no sizes, tokens or compute.

    >>> flops, sizes = np.meshgrid([1e19, 1e20, 1e21], 5e7 * 1.2 ** np.arange(30))
    >>> loss = 2 + (flops / 1e20) ** -0.1 * (1 + np.log(sizes / (flops / 120) ** 0.5) ** 2 / 10)
    >>> columns = {"num_params": sizes, "num_tokens": flops / 6 / sizes, "loss": loss}
    >>> runs = Runs.read({name: values.ravel() for name, values in columns.items()})
    >>> round(scaling_of_envelope(runs).lines["num_params"].exponent, 2)
    0.5
    """
    log_flops = np.log(extent(runs, "flops"))
    budgets = np.linspace(log_flops.min(), log_flops.max(), num_budgets)
    curves = _curves(runs, log_flops, budgets)
    whole = _lowest(curves, np.ones(curves.shape[1], dtype=bool))
    counted = np.isfinite(whole[0])
    drawn = np.empty((0, *whole.shape))
    if bootstrap:
        resampled = pairs_weights(curves.shape[1], bootstrap, seed) > 0
        drawn = np.stack([_lowest(curves, there) for there in resampled])
    return power_lines(
        "envelope",
        np.exp(budgets[counted]),
        {name: whole[i, counted] for i, name in enumerate(QUANTITIES)},
        {name: drawn[:, i, counted] for i, name in enumerate(QUANTITIES)},
    )


def _curves(runs: Runs, log_flops: np.ndarray, budgets: np.ndarray) -> np.ndarray:
    """Size, tokens and loss of each size at each budget, `(3, num_sizes, num_budgets)`.

    Sizes ascend; NaN where the runs of a size do not reach.
    """
    logs = np.log([extent(runs, "num_params"), extent(runs, "num_tokens"), runs.loss])
    order = np.argsort(logs[0], kind="stable")
    steps = np.diff(logs[0][order]) > _SAME_SIZE * np.log(10)
    curves = []
    for group in np.split(order, np.flatnonzero(steps) + 1):
        group = group[np.argsort(log_flops[group], kind="stable")]
        between = [
            np.interp(budgets, log_flops[group], values, left=np.nan, right=np.nan)
            for values in logs[:, group]
        ]
        curves.append(between)
    return np.exp(np.stack(curves, axis=1))


def _lowest(curves: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Size, tokens and loss of the best size, `(3, num_budgets)`; NaN where none is between others.

    Args:
        curves: of each size.
        there: which sizes take part, `(num_sizes,)`.
    """
    here = curves[:, there]
    spans = np.isfinite(here[2])
    best = np.where(spans, here[2], np.inf).argmin(axis=0)
    rank = np.where(spans, np.cumsum(spans, axis=0), 0)
    columns = np.arange(spans.shape[1])
    rank, count = rank[best, columns], spans.sum(axis=0)
    inner = (count >= _FEWEST_SIZES) & (rank > 1) & (rank < count)
    return np.where(inner, here[:, best, columns], np.nan)
