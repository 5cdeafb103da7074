"""The ends of an interval from draws: percentiles, and percentiles corrected for bias and skew."""

import statistics

import numpy as np

METHODS = ("percentile", "bca")
_NORMAL = statistics.NormalDist()


def ends(draws: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """The central interval of draws, along their first axis.

    Quantiles of positive draws are taken of their logs.

    >>> low, high = ends(np.arange(101.0) - 50, 0.9)
    >>> float(low), float(high)
    (-45.0, 45.0)
    """
    tail = (1 - level) / 2
    return _quantile(draws, tail), _quantile(draws, 1 - tail)


def bca_ends(
    draws: np.ndarray, value: np.ndarray, left_out: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """The bias-corrected and accelerated interval (Efron 1987), along the first axis.

    Args:
        draws: of the bootstrap, `(num_draws, ...)`.
        value: the estimate, `(...)`.
        left_out: estimates without each part of the data in turn, `(num_parts, ...)`.
        level: of the interval.
    """
    shape = np.shape(value)
    columns = [np.reshape(each, (len(each), -1)) for each in (draws, left_out)]
    pairs = [
        _bca_pair(drawn, float(one), without, level)
        for drawn, one, without in zip(columns[0].T, np.ravel(value), columns[1].T, strict=True)
    ]
    low, high = np.array(pairs).T
    return low.reshape(shape), high.reshape(shape)


def _bca_pair(
    draws: np.ndarray, value: float, left_out: np.ndarray, level: float
) -> tuple[float, float]:
    away = left_out.mean() - left_out
    squares = np.sum(away**2)
    acceleration = 0.0 if squares == 0 else float(np.sum(away**3) / (6 * squares**1.5))
    # Draws equal to the estimate count half; a share of 0 or 1 is moved in by half a draw.
    share = np.mean(draws < value) + 0.5 * np.mean(draws == value)
    bias = _NORMAL.inv_cdf(float(np.clip(share, 0.5 / len(draws), 1 - 0.5 / len(draws))))
    found = []
    for tail in ((1 - level) / 2, (1 + level) / 2):
        point = bias + _NORMAL.inv_cdf(tail)
        corrected = bias + point / (1 - acceleration * point)
        found.append(float(_quantile(draws, _NORMAL.cdf(corrected))))
    return found[0], found[1]


def _quantile(draws: np.ndarray, share: float) -> np.ndarray:
    if np.all(draws > 0):
        return np.asarray(np.exp(np.quantile(np.log(draws), share, axis=0)))
    return np.asarray(np.quantile(draws, share, axis=0))
