"""The envelope of many runs: at each budget, the size with the lowest loss.

This is the first approach of Hoffmann et al. (2022). They follow training curves. Here, the runs of
one size, which have different lengths, are the points of the curve of that size.
"""

import numpy as np

from fitting.data.run_sizes import extent
from fitting.data.runs import Runs
from fitting.estimation.resampling import pairs_weights
from fitting.scaling.optimal_scaling import QUANTITIES, OptimalScaling, power_lines

_SAME_SIZE = 0.01  # decades; sizes read off a figure differ by a per cent
_FEWEST_SIZES = 3


def scaling_of_envelope(
    runs: Runs, *, num_budgets: int = 200, bootstrap: int = 0, seed: int = 0
) -> OptimalScaling:
    """Fit power laws through the best size, its tokens and its loss over a range of budgets.

    The loss of each size is interpolated between its runs, log loss in log compute. A budget is
    used if the runs of at least three sizes reach it, and if the best of these sizes is neither
    the smallest nor the largest; otherwise a better size may lie outside. The losses have a bias
    of the order of the noise, because the lowest of several noisy curves is selected.

    Args:
        runs: supervised runs; their compute is the column `flops`, else 6 N D.
        num_budgets: number of budgets, evenly spaced in log compute over the runs.
        bootstrap: number of draws of the sizes, each size with all its runs.
        seed: seed of the draws.

    Raises:
        ValueError: fewer than two budgets can be used, or the table lacks sizes, tokens or
            compute.

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
    usable = np.isfinite(whole[0])
    drawn = np.empty((0, *whole.shape))
    if bootstrap:
        resampled = pairs_weights(curves.shape[1], bootstrap, seed) > 0
        drawn = np.stack([_lowest(curves, used) for used in resampled])
    return power_lines(
        "envelope",
        np.exp(budgets[usable]),
        {name: whole[i, usable] for i, name in enumerate(QUANTITIES)},
        {name: drawn[:, i, usable] for i, name in enumerate(QUANTITIES)},
    )


def _curves(runs: Runs, log_flops: np.ndarray, budgets: np.ndarray) -> np.ndarray:
    """Size, tokens and loss of each size at each budget, `(3, num_sizes, num_budgets)`.

    The sizes ascend. The values are NaN at budgets outside the runs of a size.
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


def _lowest(curves: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Size, tokens and loss of the best size, `(3, num_budgets)`.

    The values are NaN where the best size is the smallest or the largest.

    Args:
        curves: size, tokens and loss of each size, `(3, num_sizes, num_budgets)`.
        used: boolean, the sizes to choose from, `(num_sizes,)`.
    """
    chosen = curves[:, used]
    spans = np.isfinite(chosen[2])
    best = np.where(spans, chosen[2], np.inf).argmin(axis=0)
    rank = np.where(spans, np.cumsum(spans, axis=0), 0)
    columns = np.arange(spans.shape[1])
    rank, count = rank[best, columns], spans.sum(axis=0)
    inner = (count >= _FEWEST_SIZES) & (rank > 1) & (rank < count)
    return np.where(inner, chosen[:, best, columns], np.nan)
