"""The lowest minimum of a fit from many starts.

What the noise determines is fitted in turn with the law: the spread of the residuals, which sets
the weight of priors, and the scale of Student's t.
"""

import dataclasses

import numpy as np

from fitting.minimiser.broad_search.search import broad_search
from fitting.minimiser.local_optima import NO_COST, SAME_OBJECTIVE
from fitting.minimiser.multi_start import (
    NO_GAIN,
    Minima,
    minimise_batch,
    residuals_of,
    search_batch,
)
from fitting.minimiser.starts import is_centred
from fitting.minimiser.step_directions import suitable_directions
from fitting.problem.batched_problem import Batch, BatchedProblem
from fitting.problem.likelihood import spread, student_t_scale
from fitting.problem.objectives import Objective, Squares, StudentT

FEW = 0.05  # share of the starts: a minimum that fewer starts reach may not be the lowest

_SEARCH_STEPS = 20  # of Optax, before the polish
_SAME_SPREAD = 1e-6  # relative
_SAME_SCALE = 1e-6  # relative
_TYPICAL = 0.01  # residual, as a share of the outcomes
_MOST_ROUNDS = 50  # of the fit and of what the noise determines in turn
_MOST_LEADERS = 64  # starts that go on after the second pass
_MOST_ENDS = 64  # different ends of a broad search from which a fit continues
_SAME_COST = 1e-6  # relative difference of costs
_MOST_DIRECTIONS = 5  # times that the directions of the steps are chosen again


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

    @property
    def starts_agreeing(self) -> float:
        """The share of the starts that ended at the lowest minimum.

        A start that was left behind, while others went on from near the lowest one, counts only
        if it had come as low as they did.
        """
        lowest = self.minima.costs[self.best]
        negligible = NO_COST * float(np.sum(self.batch.weights[0]))
        return float(np.mean(self.minima.costs <= lowest * (1 + SAME_OBJECTIVE) + negligible))

    @property
    def has_converged(self) -> bool:
        """Whether the lowest minimum has converged."""
        return bool(self.minima.converged[self.best])

    @property
    def is_settled(self) -> bool:
        """Whether the lowest minimum has converged, or can hardly fall any further."""
        return bool(self.minima.is_settled[self.best])

    @property
    def cost(self) -> float:
        """The cost of the lowest minimum."""
        return float(self.minima.costs[self.best])

    def ending_at(self, other: "Search") -> "Search":
        """This search with the lowest minimum of another search of the same cost as its own."""
        place = np.array([self.best])
        minima = self.minima.put(other.minima.take([other.best]), place)
        return dataclasses.replace(self, problem=other.problem, minima=minima)


def lowest_minimum(problem: BatchedProblem, starts: Batch, num_runs: int, seed: int) -> Search:
    """Minimise from every start.

    A law that declares the units of its inputs is minimised from the starts. For another law, or
    where few starts reach the lowest minimum, a broad search comes first.

    Args:
        problem: the problem; its objective may be `StudentT(scale=None)`.
        starts: an entry for each start, all of one table and with the same frozen coefficients. The
            vectors are points of a standard normal distribution.
        num_runs: number of runs; the further rows are padding.
        seed: seed of the random numbers of a broad search.

    Raises:
        ValueError: there is a scale to fit, and the law predicts most runs exactly.
    """
    if not is_centred(problem.parameters, problem.scales):
        return _after_broad_search(problem, starts, num_runs, seed)
    ends = search_batch(_with_a_scale(problem), starts, _SEARCH_STEPS)[0]
    found = _minimise_with_scale(problem, starts.at(ends), num_runs)
    if found.is_settled and found.starts_agreeing >= FEW:
        return found
    other = _after_broad_search(problem, starts, num_runs, seed)
    ours, theirs = (_comparable_cost(each, num_runs) for each in (found, other))
    if abs(theirs - ours) > _SAME_COST * abs(ours):
        return other if theirs < ours else found
    if found.starts_agreeing >= FEW and other.is_settled:
        return found.ending_at(other)
    return max(found, other, key=lambda each: (each.is_settled, each.starts_agreeing))


def _comparable_cost(search: Search, num_runs: int) -> float:
    """The lowest objective, with what the likelihood adds for a fitted scale of Student's t."""
    objective = search.problem.objective
    cost = search.cost * float(objective.slope())
    if isinstance(objective, StudentT):
        cost += num_runs * float(np.log(objective.known_scale()))
    return cost


def _after_broad_search(problem: BatchedProblem, starts: Batch, num_runs: int, seed: int) -> Search:
    """Minimise from the different ends of a broad search, in directions that suit the lowest."""
    known = _with_a_scale(problem)
    ends = broad_search(known, starts, seed)
    starts = starts.take(problem, np.zeros(len(ends.costs), dtype=int)).at(ends.vectors)
    chosen, places = ends.different(_MOST_ENDS)
    batch = starts.take(problem, chosen)
    found = _in_suitable_directions(problem, batch, 0, num_runs)
    for left in reversed(range(_MOST_DIRECTIONS - 1)):
        if found.has_converged and not _has_more_directions(found):
            break
        batch, before = batch.at(found.minima.vectors), found.cost
        found = _in_suitable_directions(problem, batch, found.best, num_runs, all_move=not left)
        is_lower = before - found.cost > NO_GAIN * before
        if found.is_settled and not is_lower and not _has_more_directions(found):
            break
    has_minimum = places >= 0
    minima = found.minima.take(np.where(has_minimum, places, 0))
    minima.costs[~has_minimum] = np.inf
    return Search(problem=found.problem, batch=starts, minima=minima, best=_lowest(minima))


def _has_more_directions(found: Search) -> bool:
    """Whether a number that did not move has an effect at the lowest minimum."""
    fixed = ~np.any(found.problem.basis, axis=1)
    if not fixed.any():
        return False
    there = suitable_directions(found.problem, found.entry)
    return bool(np.any(there[fixed]))


def _in_suitable_directions(
    problem: BatchedProblem, batch: Batch, lowest: int, num_runs: int, *, all_move: bool = False
) -> Search:
    """Minimise all entries by steps in directions that suit one of them."""
    entry = batch.take(problem, np.array([lowest]))
    basis = suitable_directions(_with_a_scale(problem), entry, all_move=all_move)
    return _minimise_with_scale(dataclasses.replace(problem, basis=basis), batch, num_runs)


def _with_a_scale(problem: BatchedProblem) -> BatchedProblem:
    """The problem with a first scale of Student's t, where the scale is to be fitted."""
    objective = problem.objective
    if not isinstance(objective, StudentT) or objective.scale is not None:
        return problem
    first = StudentT(float(StudentT().known_scale()), objective.dof)
    return dataclasses.replace(problem, objective=first)


def _minimise_with_scale(problem: BatchedProblem, batch: Batch, num_runs: int) -> Search:
    """Minimise all entries; fit the scale of Student's t in turn, until it no longer changes."""
    objective = problem.objective
    if not isinstance(objective, StudentT) or objective.scale is not None:
        problem, minima = _minimise(problem, batch, num_runs)
        return Search(problem=problem, batch=batch, minima=minima, best=_lowest(minima))
    known = _with_a_scale(problem)
    weights, scale = batch.weights[0][:num_runs], float(StudentT().known_scale())
    for _ in range(_MOST_ROUNDS):
        found = _minimise_with_scale(known, batch, num_runs)
        residuals = residuals_of(found.problem, found.entry)[0][:num_runs]
        if not np.isfinite(residuals).all():
            return found
        before, scale = scale, student_t_scale(residuals, weights, objective.dof)
        known = dataclasses.replace(problem, objective=StudentT(scale, objective.dof))
        if abs(scale / before - 1) < _SAME_SCALE:
            break
    return _minimise_with_scale(known, batch, num_runs)


def _minimise(
    problem: BatchedProblem, batch: Batch, num_runs: int
) -> tuple[BatchedProblem, Minima]:
    """Minimise all entries; with priors, fit the spread of the residuals in turn."""
    objective = problem.objective
    if not problem.priors:
        return problem, minimise_batch(problem, batch, is_worth_it=_leaders)
    first = _first_spread(objective)
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


def _first_spread(objective: Objective) -> float:
    """A typical square of a residual, in the unit of the costs."""
    slope = float(objective.slope())
    if isinstance(objective, Squares):
        return _TYPICAL * slope
    return 1.0 if isinstance(objective, StudentT) else slope**2


def _leaders(minima: Minima) -> np.ndarray:
    """The entries to continue with: none if the best has converged, else those near the best.

    Of the others near the best, those that are settled do not go on.
    """
    best = _lowest(minima)
    order = np.argsort(minima.costs, kind="stable")
    near = minima.costs <= minima.costs[best] * (1 + 1e-3)
    leaders = near & ~minima.is_settled & (np.argsort(order) < _MOST_LEADERS)
    leaders[best] = True
    return leaders & (not minima.converged[best])


def _lowest(minima: Minima) -> int:
    """The lowest minimum; of those that differ by rounding only, the one with least gradient."""
    same = minima.costs <= minima.costs.min() * (1 + 1e-12)
    return int(np.argmin(np.where(same, minima.gradient_norms, np.inf)))
