"""The ends of intervals: percentiles of draws, and percentiles corrected for bias and skew."""

import statistics
from collections.abc import Callable
from typing import Literal, TypeAlias, TypeVar

import jax
import numpy as np

from jaxlaws.foundations.annotations import Tree
from jaxlaws.precision import float64, to_numpy

IntervalMethod: TypeAlias = Literal["percentile", "bca"]
T = TypeVar("T")

_NORMAL = statistics.NormalDist()


def interval_of_function(
    function: Callable[[Tree], T], level: float, draws: Tree, estimate: Tree, left_out: Tree | None
) -> tuple[T, T]:
    """The lower and the upper end of what a function computes from each draw, in float64.

    Args:
        function: from a tree of numbers to an array or a tree of arrays, in JAX.
        level: share of the draws between the ends.
        draws: the draws, each leaf with a leading axis.
        estimate: the tree that the draws belong to.
        left_out: estimates without each part of the data in turn, with a leading axis, for the
            interval that is corrected for bias and skew; None for percentiles.
    """
    given = [draws]
    if left_out is not None:
        given += [jax.tree.map(lambda leaf: leaf[None], estimate), left_out]
    with float64():
        computed = [to_numpy(jax.vmap(function)(each)) for each in given]
    structure = jax.tree.structure(computed[0])
    pairs = [
        ends(leaves[0], level)
        if left_out is None
        else bca_ends(leaves[0], leaves[1][0], leaves[2], level)
        for leaves in zip(*(jax.tree.leaves(tree) for tree in computed), strict=True)
    ]
    low, high = (jax.tree.unflatten(structure, side) for side in zip(*pairs, strict=True))
    return low, high


def ends(draws: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """The central interval of draws, along their first axis.

    Quantiles of positive draws are quantiles of their logarithms. Each column of draws counts for
    itself.

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
        draws: bootstrap draws, `(num_draws, ...)`.
        value: the estimate, `(...)`.
        left_out: estimates without each part of the data in turn, `(num_parts, ...)`.
        level: share of the draws between the ends.

    Returns:
        The lower and the upper end, `(...)` each.
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
    # Draws equal to the estimate count half. A share of 0 or 1 is moved by half a draw, so that its
    # normal quantile is finite.
    share = np.mean(draws < value) + 0.5 * np.mean(draws == value)
    bias = _NORMAL.inv_cdf(float(np.clip(share, 0.5 / len(draws), 1 - 0.5 / len(draws))))
    found = []
    for tail in ((1 - level) / 2, (1 + level) / 2):
        point = bias + _NORMAL.inv_cdf(tail)
        corrected = bias + point / (1 - acceleration * point)
        found.append(float(_quantile(draws, _NORMAL.cdf(corrected))))
    return found[0], found[1]


def _quantile(draws: np.ndarray, share: float) -> np.ndarray:
    is_positive = np.all(draws > 0, axis=0)
    in_logs = np.exp(np.quantile(np.log(np.where(is_positive, draws, 1.0)), share, axis=0))
    return np.where(is_positive, in_logs, np.quantile(draws, share, axis=0))
