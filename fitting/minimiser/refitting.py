"""Fits of resampled tables, as for the bootstrap; every one is converged like the fit itself."""

import dataclasses

import numpy as np

from fitting.minimiser.multi_start import Minima, minimise_batch, residuals_of
from fitting.problem.batched_problem import Batch, BatchedProblem

_MOST_CANDIDATES = 512
_MOST_SHIFTED = 32
_NO_BETTER = 1e-9  # a smaller relative difference of costs starts no second search


def refit(problem: BatchedProblem, batch: Batch) -> Minima:
    """Fit every resampled table, to the tolerance of the fit itself.

    Each entry starts from its vector, normally that of the fit. Then the costs of all entries at
    the minima of all others are compared, and an entry with a lower cost at another minimum
    starts again from that minimum. The comparison is one product of matrices. With shifted
    residuals it is a sum for each pair, so fewer minima are compared.

    Args:
        problem: what the entries have in common.
        batch: one entry for each resampled table.
    """
    minima = minimise_batch(problem, batch, is_near=True)
    solved = np.flatnonzero(minima.converged)[:_MOST_CANDIDATES]
    if not len(solved):
        return minima
    candidates = batch.at(minima.vectors).take(problem, solved)
    elsewhere = _costs_elsewhere(problem, batch, candidates) / problem.objective.slope()
    tried = np.arange(elsewhere.shape[1])
    # The cost of an entry at its own minimum also holds the penalty of the priors.
    elsewhere += minima.costs[solved[tried]] - elsewhere[solved[tried], tried]
    again = np.flatnonzero(elsewhere.min(axis=1) < minima.costs * (1 - _NO_BETTER))
    if not len(again):
        return minima
    starts = candidates.vectors[elsewhere.argmin(axis=1)[again]]
    second = minimise_batch(problem, batch.take(problem, again).at(starts))
    lower = second.costs < minima.costs[again] * (1 - _NO_BETTER)
    return minima.put(second.take(lower), again[lower])


def _costs_elsewhere(problem: BatchedProblem, batch: Batch, candidates: Batch) -> np.ndarray:
    """The sum over runs of each entry at each candidate, `(num_entries, num_candidates)`."""
    objective = problem.objective
    if batch.shifts is None:
        return batch.weights @ np.asarray(objective.costs(residuals_of(problem, candidates))).T
    few = candidates.take(problem, np.arange(len(candidates.vectors))[:_MOST_SHIFTED])
    residuals = residuals_of(problem, dataclasses.replace(few, shifts=None))
    return np.stack(
        [np.sum(batch.weights * objective.costs(r + batch.shifts), axis=1) for r in residuals],
        axis=1,
    )
