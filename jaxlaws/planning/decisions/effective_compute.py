"""Effective compute: how many times as much another law needs for the same loss.

A better recipe shows as a law of its own. Its worth is the compute that it saves, and that
depends on the loss: where two laws have different floors, no single factor tells it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxlaws.planning.analysis.ensembles import num_draws
from jaxlaws.planning.analysis.inverse import flops_to_reach
from jaxlaws.planning.engine.status import is_solved
from jaxlaws.planning.supervised.allocation import compute_optimal


class ComputeMultiplier(NamedTuple):
    """What `compute_multiplier` gives; NumPy arrays of the shape of what was asked.

    Attributes:
        loss: the loss that both are to reach.
        flops: least compute that the law needs for it; NaN where it never reaches it.
        baseline_flops: likewise of the baseline.
        multiplier: the baseline's over the law's: above one, the law saves compute. Infinite where
            only the law reaches the loss, zero where only the baseline does, NaN where neither.
        low: lower end of the central interval over both ensembles; NaN without one.
        high: upper end.
    """

    loss: np.ndarray
    flops: np.ndarray
    baseline_flops: np.ndarray
    multiplier: np.ndarray
    low: np.ndarray
    high: np.ndarray


def compute_multiplier(
    law: Any,
    baseline: Any,
    *,
    flops: Any = None,
    target_loss: Any = None,
    question: Callable[..., Any] = compute_optimal,
    baseline_question: Callable[..., Any] | None = None,
    ensemble: Any = None,
    baseline_ensemble: Any = None,
    level: float = 0.9,
) -> ComputeMultiplier:
    """How many times as much compute a baseline needs for the loss that a law reaches.

    Args:
        law: the law in question.
        baseline: the law that it is compared with; both in one unit of loss, on one test set.
        flops: budgets, spent with the law; each loss is the one that its plan reaches.
        target_loss: losses instead. Exactly one of the two is given.
        question: how compute is spent: takes a law and `flops`, such as `compute_optimal`, or
            `functools.partial(distill, num_student_params=1e9, scenario=FREE_TEACHER)`.
        baseline_question: the baseline's; None: the same.
        ensemble: draws of the law, a batched law. The draws of two fits are independent of one
            another and are paired in order, as many as the shorter ensemble has.
        baseline_ensemble: draws of the baseline. With one ensemble only, the other law is the same
            in all pairs. Twenty to fifty milliseconds a pair.
        level: of the interval.

    Raises:
        ValueError: both or none of `flops` and `target_loss` are given, one is not positive and
            finite, or the level is not between 0 and 1.
        TypeError: as the question does.

    >>> from jaxlaws import presets
    >>> names = "besiroglu2024", "hoffmann2022"
    >>> told = compute_multiplier(*(presets.load(name) for name in names), flops=[1e20, 1e24])
    >>> [round(float(times), 2) for times in told.multiplier]
    [1.41, 0.27]
    """
    if (flops is None) == (target_loss is None):
        raise ValueError("compute_multiplier takes either flops or target_loss")
    if not 0 < level < 1:
        raise ValueError(f"expected a level between 0 and 1, got {level!r}")
    asked = np.asarray(target_loss if flops is None else flops, dtype=np.float64)
    questions = (question, baseline_question or question)

    def both(first: Any, second: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if flops is None:
            loss, own = asked, _reaching(questions[0], first, asked)
        else:
            plan = questions[0](first, flops=asked)
            loss = np.asarray(plan.loss)
            own = np.where(is_solved(plan.status), plan.flops, np.nan)
        return loss, own, _reaching(questions[1], second, loss)

    loss, own, theirs = both(law, baseline)
    pairs = list(zip(*_paired((law, ensemble), (baseline, baseline_ensemble)), strict=True))
    drawn = [_ratio(*both(*pair)[1:]) for pair in pairs] or [np.full(asked.shape, np.nan)]
    ends = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(np.stack(drawn), ends, axis=0, method="nearest")
    return ComputeMultiplier(loss, own, theirs, _ratio(own, theirs), low, high)


def _reaching(question: Callable[..., Any], law: Any, loss: np.ndarray) -> np.ndarray:
    """The least compute for a loss; NaN where no compute reaches it, or there is no loss."""
    known = np.isfinite(loss)
    plan = flops_to_reach(question, law, target_loss=np.where(known, loss, 1.0))
    return np.where(known & (is_solved(plan.status)), plan.flops, np.nan)


def _ratio(own: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Infinite where only the law reaches the loss, zero where only the baseline does."""
    neither = np.isnan(own) & np.isnan(theirs)
    ratio = np.where(np.isnan(theirs), np.inf, np.where(np.isnan(own), 0.0, theirs / own))
    return np.where(neither, np.nan, ratio)


def _paired(*sides: tuple[Any, Any]) -> list[list[Any]]:
    """For each law and its ensemble, the laws of all pairs; none where there is no ensemble."""
    lengths = [num_draws(ensemble) for _, ensemble in sides if ensemble is not None]
    count = min(lengths, default=0)
    return [
        [law] * count
        if ensemble is None
        else [jax.tree.map(lambda leaf, at=i: np.asarray(leaf)[at], ensemble) for i in range(count)]
        for law, ensemble in sides
    ]
