"""The lowest minimum of a fit from many starts.

What the noise determines is fitted in turn with the law: the spread of the residuals, which sets
the weight of priors, and the scale of Student's t.
"""

import dataclasses

import numpy as np

from fitting.minimiser.multi_start import Minima, minimise_batch, residuals_of, search_batch
from fitting.problem.batched_problem import Batch, BatchedProblem
from fitting.problem.likelihood import spread, student_t_scale
from fitting.problem.objectives import StudentT

_SEARCH_STEPS = 20  # of Optax, before the polish
_SAME_SPREAD = 1e-6  # relative
_SAME_SCALE = 1e-6  # relative
_MOST_ROUNDS = 50  # of the fit and of what the noise determines in turn


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Search:
    """The end of a search.

    Attributes:
        problem: the problem, with the fitted spread and scale of the noise.
        batch: an entry for each start.
        minima: where the starts ended.
        best: index of the lowest minimum.
    """

    problem: BatchedProblem
    batch: Batch
    minima: Minima
    best: int

    @property
    def entry(self) -> Batch:
        """The batch with the lowest minimum as its only entry."""
        vectors = self.minima.vectors[[self.best]]
        return self.batch.take(self.problem, np.array([0])).at(vectors)


def lowest_minimum(problem: BatchedProblem, starts: Batch, num_runs: int) -> Search:
    """Minimise from every start.

    Args:
        problem: the problem; its objective may be `StudentT(scale=None)`.
        starts: an entry for each start, all of one table and with the same frozen coefficients.
        num_runs: number of runs; the further rows are padding.

    Raises:
        ValueError: there is a scale to fit, and the law predicts most runs exactly.
    """
    if isinstance(problem.objective, StudentT) and problem.objective.scale is None:
        return _with_scale(problem, problem.objective.dof, starts, num_runs)
    batch = starts.at(search_batch(problem, starts, _SEARCH_STEPS)[0])
    problem, minima = _minimise(problem, batch, num_runs)
    return Search(problem=problem, batch=batch, minima=minima, best=_lowest(minima))


def _with_scale(problem: BatchedProblem, dof: float, starts: Batch, num_runs: int) -> Search:
    """Fit the law and the scale of Student's t in turn, until the scale no longer changes."""
    weights, scale = starts.weights[0][:num_runs], float(StudentT().known_scale())
    for _ in range(_MOST_ROUNDS):
        problem = dataclasses.replace(problem, objective=StudentT(scale, dof))
        found = lowest_minimum(problem, starts, num_runs)
        residuals = residuals_of(found.problem, found.entry)[0][:num_runs]
        if not np.isfinite(residuals).all():
            return found
        before, scale = scale, student_t_scale(residuals, weights, dof)
        if abs(scale / before - 1) < _SAME_SCALE:
            break
    problem = dataclasses.replace(problem, objective=StudentT(scale, dof))
    return lowest_minimum(problem, starts, num_runs)


def _minimise(
    problem: BatchedProblem, batch: Batch, num_runs: int
) -> tuple[BatchedProblem, Minima]:
    """Minimise all entries; with priors, fit the spread of the residuals in turn."""
    objective = problem.objective
    if not problem.priors:
        return problem, minimise_batch(problem, batch, is_worth_it=_leaders)
    first = 1.0 if isinstance(objective, StudentT) else float(objective.slope()) ** 2
    problem = dataclasses.replace(problem, spread=first)
    minima = minimise_batch(problem, batch, is_worth_it=_leaders)
    best = batch.take(problem, np.array([0])).at(minima.vectors[[_lowest(minima)]])
    for _ in range(_MOST_ROUNDS):
        costs = np.asarray(objective.costs(residuals_of(problem, best)[0]))
        total = float(best.weights[0] @ costs)
        # Runs that are predicted exactly outweigh any prior.
        again = spread(objective, total, num_runs) if total > 0 else 0.0
        before, problem = problem.spread, dataclasses.replace(problem, spread=again)
        if abs(again - before) <= _SAME_SPREAD * before:
            break
        best = best.at(minimise_batch(problem, best).vectors)
    return problem, minimise_batch(problem, batch.at(minima.vectors), is_worth_it=_leaders)


def _leaders(minima: Minima) -> np.ndarray:
    """The entries to continue with: none if the best has converged, else those near the best."""
    near = minima.costs <= minima.costs.min() * (1 + 1e-3)
    return near & (not minima.converged[_lowest(minima)])


def _lowest(minima: Minima) -> int:
    """The lowest minimum; of those that differ by rounding only, the one with least gradient."""
    same = minima.costs <= minima.costs.min() * (1 + 1e-12)
    return int(np.argmin(np.where(same, minima.gradient_norms, np.inf)))
