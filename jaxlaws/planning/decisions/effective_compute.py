"""Effective compute: the factor of compute by which one law is better than another.

A better training recipe has a law of its own. The factor by which it saves compute depends on the
loss: two laws with different irreducible losses have no single factor.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning.analysis.ensembles import num_draws
from jaxlaws.planning.analysis.inverse import flops_to_reach
from jaxlaws.planning.engine.checks import checked
from jaxlaws.planning.engine.status import is_solved
from jaxlaws.planning.supervised.allocation import compute_optimal


class ComputeMultiplier(NamedTuple):
    """The answer of `compute_multiplier`; NumPy arrays of the shape of the request.

    Attributes:
        loss: the loss that both laws reach.
        flops: least compute that the law needs for this loss; NaN where it never reaches the loss.
        baseline_flops: least compute that the baseline needs; NaN likewise.
        multiplier: `baseline_flops / flops`: above one, the law saves compute. Infinite where only
            the law reaches the loss, zero where only the baseline does, NaN where neither does.
        low: lower end of the central interval over the draws; NaN without draws.
        high: upper end of the interval.
    """

    loss: np.ndarray
    flops: np.ndarray
    baseline_flops: np.ndarray
    multiplier: np.ndarray
    low: np.ndarray
    high: np.ndarray


def compute_multiplier(
    law: Tree,
    baseline: Tree,
    *,
    flops: Array | None = None,
    target_loss: Array | None = None,
    question: Callable[..., Tree] = compute_optimal,
    baseline_question: Callable[..., Tree] | None = None,
    ensemble: Tree | None = None,
    baseline_ensemble: Tree | None = None,
    level: float = 0.9,
) -> ComputeMultiplier:
    """The factor by which a baseline needs more compute than a law for the same loss.

    Args:
        law: the law.
        baseline: the law that it is compared with, with the same unit of loss and test set.
        flops: budgets that are spent with the law; each loss is the loss that its plan reaches.
        target_loss: losses, in place of budgets. Exactly one of the two must be given.
        question: how compute is spent: takes a law and `flops`, such as `compute_optimal`, or
            `functools.partial(distill, num_student_params=1e9, scenario=FREE_TEACHER)`. Bounds
            and limits are given in the same way.
        baseline_question: the question of the baseline; None for the same question.
        ensemble: draws of the law, as a batched law. The draws of two fits are independent and
            are paired in order, as many as the shorter ensemble has.
        baseline_ensemble: draws of the baseline. With only one ensemble, the other law is the same
            in all pairs. A pair takes twenty to fifty milliseconds.
        level: level of the interval.

    Raises:
        ValueError: both or none of `flops` and `target_loss` are given, a value is not positive and
            finite, or the level is not between 0 and 1.
        TypeError: as the question.

    >>> from jaxlaws import presets
    >>> names = "besiroglu2024", "hoffmann2022"
    >>> answer = compute_multiplier(*(presets.load(name) for name in names), flops=[1e20, 1e24])
    >>> [round(float(times), 2) for times in answer.multiplier]
    [1.41, 0.27]
    """
    if (flops is None) == (target_loss is None):
        raise ValueError("compute_multiplier takes either flops or target_loss")
    if not 0 < level < 1:
        raise ValueError(f"expected a level between 0 and 1, got {level!r}")
    name, value = ("target_loss", target_loss) if flops is None else ("flops", flops)
    requested = checked(name, value)
    questions = (question, baseline_question or question)

    def both(first: Tree, second: Tree) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if flops is None:
            loss, own = requested, _least_flops(questions[0], first, requested)
        else:
            plan = questions[0](first, flops=requested)
            loss = np.asarray(plan.loss)
            own = np.where(is_solved(plan.status), plan.flops, np.nan)
        return loss, own, _least_flops(questions[1], second, loss)

    loss, own, theirs = both(law, baseline)
    pairs = list(zip(*_paired((law, ensemble), (baseline, baseline_ensemble)), strict=True))
    drawn = [_ratio(*both(*pair)[1:]) for pair in pairs] or [np.full(requested.shape, np.nan)]
    ends = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(np.stack(drawn), ends, axis=0, method="nearest")
    return ComputeMultiplier(loss, own, theirs, _ratio(own, theirs), low, high)


def _least_flops(question: Callable[..., Tree], law: Tree, loss: np.ndarray) -> np.ndarray:
    """The least compute for a loss; NaN where no compute reaches the loss, or the loss is NaN."""
    known = np.isfinite(loss)
    plan = flops_to_reach(question, law, target_loss=np.where(known, loss, 1.0))
    return np.where(known & (is_solved(plan.status)), plan.flops, np.nan)


def _ratio(own: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Infinite where only the law reaches the loss, zero where only the baseline does."""
    neither = np.isnan(own) & np.isnan(theirs)
    ratio = np.where(np.isnan(theirs), np.inf, np.where(np.isnan(own), 0.0, theirs / own))
    return np.where(neither, np.nan, ratio)


def _paired(*sides: tuple[Tree, Tree | None]) -> list[list[Tree]]:
    """For each law and its ensemble, the laws of all pairs; an empty list without an ensemble."""
    lengths = [num_draws(ensemble) for _, ensemble in sides if ensemble is not None]
    count = min(lengths, default=0)
    return [
        [law] * count
        if ensemble is None
        else [jax.tree.map(lambda leaf, at=i: np.asarray(leaf)[at], ensemble) for i in range(count)]
        for law, ensemble in sides
    ]
