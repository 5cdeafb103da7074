"""The best fits with something held, many side by side: a coefficient, or a quantity of the law.

A coefficient is frozen. A quantity is pulled to a target by a penalty, and the fit ends somewhere
short of it. Nothing is lost by that: among all laws that give the quantity the value where the
fit ended, the penalty is the same, so that the fit is the best of them.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from fitting.minimiser.multi_start import minimise_batch
from fitting.problem.batched_problem import Batch, BatchedProblem, Target
from fitting.problem.likelihood import deviance, spread
from fitting.problem.objectives import Objective
from fitting.uncertainty.refit_problem import Around

# How firmly a quantity is pulled: a fit whose deviance rises by the square of this on the way to
# the target stops halfway, which is far beyond any interval; at the ends of one it comes to within
# some thousandths of its way.
_STIFFNESS = 30.0
_SAME_SPREAD = 1e-6  # relative
_MOST_ROUNDS = 50  # of the fits and the spreads of their residuals in turn


def with_coefficient(
    setting: Around, name: str, values: np.ndarray, moves: np.ndarray, start: np.ndarray
) -> np.ndarray:
    """Deviances of the best fits with a coefficient at each of some values, `(num_values,)`.

    Args:
        setting: of the fit, with the coefficient among what is frozen, its prior left out.
        name: the coefficient.
        values: of it, in the user's units.
        moves: how far these are from the fit, below zero to one side.
        start: of the free numbers, `(num_free,)`.
    """
    batch = _batch(setting, start, {name: values}, len(values))
    _, deviances = _best(dataclasses.replace(setting.problem, paired=True), setting, batch, moves)
    return deviances


def with_quantity(
    setting: Around,
    quantity: Callable[[Any], Any],
    value: float,
    targets: np.ndarray,
    start: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Where a quantity ends that is pulled to each of some targets, and the deviances there.

    Args:
        setting: of the fit.
        quantity: from a law to a number.
        value: of the fit.
        targets: other values, `(num_targets,)`.
        start: of the free numbers, `(num_free,)`.

    Returns:
        Values and deviances, `(num_targets,)` each.
    """
    problem = dataclasses.replace(setting.problem, paired=True, quantity=quantity)
    away = targets - value
    target = Target(value=targets, unit=np.where(away == 0, 1.0, away) / _STIFFNESS)
    batch = dataclasses.replace(_batch(setting, start, {}, len(targets)), target=target)
    return _best(problem, setting, batch, away)


def _batch(setting: Around, start: np.ndarray, held: dict[str, Any], num: int) -> Batch:
    frozen = jax.tree.map(lambda leaf: np.full(num, leaf), dict(setting.frozen))
    return Batch(np.tile(start, (num, 1)), np.tile(setting.weights, (num, 1)), frozen | held)


def _best(
    problem: BatchedProblem, setting: Around, batch: Batch, moves: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The quantities and deviances of the best fit of every batch entry."""
    minima = minimise_batch(problem, batch)
    # Once more from where the neighbour nearer to the fit ended: far points are reached in steps.
    num, order = len(moves), np.argsort(moves)
    inward = np.empty(num, dtype=int)
    inward[order] = order[np.clip(np.arange(num) - np.sign(moves[order]).astype(int), 0, num - 1)]
    again = minimise_batch(problem, batch.at(minima.vectors[inward]))
    better = again.costs < minima.costs
    vectors = np.where(better[:, None], again.vectors, minima.vectors)
    if problem.priors:
        vectors = _with_spreads(problem, setting, batch.at(vectors))
    totals, missed, quantities = (np.asarray(x) for x in _parts(problem, batch.at(vectors)))
    told = [
        deviance(problem.objective, float(total), setting.num_runs)
        if np.isfinite(total)
        else np.inf
        for total in totals
    ]
    return quantities, np.array(told) + missed


def _with_spreads(problem: BatchedProblem, setting: Around, batch: Batch) -> np.ndarray:
    """The vectors of batch entries with the spread of each one's residuals fitted too.

    The cost has one spread, that of the fit, before its priors; an entry's own is made up for in
    the weights of its runs.
    """
    weights, spreads = batch.weights, np.full(len(batch.vectors), float(problem.spread))
    for _ in range(_MOST_ROUNDS):
        totals = np.asarray(_parts(problem, dataclasses.replace(batch, weights=weights))[0])
        before, spreads = spreads, _spreads(problem.objective, totals, setting.num_runs, spreads)
        if np.all(np.abs(spreads - before) <= _SAME_SPREAD * before):
            break
        scaled = weights * (float(problem.spread) / spreads)[:, None]
        batch = dataclasses.replace(batch, weights=scaled)
        batch = batch.at(minimise_batch(problem, batch, is_near=True).vectors)
    return np.asarray(batch.vectors)


def _spreads(
    objective: Objective, totals: np.ndarray, num_runs: int, before: np.ndarray
) -> np.ndarray:
    return np.array(
        [
            spread(objective, float(total), num_runs) if np.isfinite(total) else old
            for total, old in zip(totals, before, strict=True)
        ]
    )


@jax.jit
def _parts(problem: BatchedProblem, batch: Batch) -> Any:
    return batch.map(problem, problem.parts)
