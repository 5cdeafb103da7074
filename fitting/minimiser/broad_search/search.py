"""A search for laws whose coefficients may have any size and sign.

From each random start, every nonlinear number in turn moves to the best of 64 places over many
orders of magnitude, while linear least squares gives the linear coefficients. Then steps of the
Levenberg-Marquardt method lead to a minimum of weighted least squares, where the fit itself starts.
Where few starts agree, the lowest ends are started again with one number changed (iterated local
search), until several of these starts end together.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence

import jax
import numpy as np

from fitting.minimiser.broad_search.law_form import (
    Form,
    Role,
    is_plausible,
    possible_forms,
    to_vectors,
)
from fitting.minimiser.broad_search.least_squares import LeastSquares
from fitting.minimiser.broad_search.places import grid, scattered
from fitting.minimiser.broad_search.programs import refine, scan
from fitting.problem.batched_problem import Batch, BatchedProblem, Fixed
from jaxlaws.foundations.annotations import Array
from jaxlaws.foundations.concurrency import side_by_side
from jaxlaws.foundations.law import outcomes_of

_BLOCK = 64  # starts that are searched together
_ENOUGH = 0.08  # of the first starts: as many at the lowest end suffice, so no more are needed
_MOST_ROWS = 192  # of the search; the fit uses all rows
_PROBE_ROWS = 8
_LOWEST = 16  # ends at which a form is tested
_PROBES = 512  # points at which a law is evaluated together
_NUM_SWEEPS = 2  # over the nonlinear numbers
_NUM_STEPS = 150
_FIRST_STEPS = 30  # of the further blocks; the 64 lowest of their starts go on
_SCANNED_ROWS = 3  # of a scan, for each free number; rounded up to a multiple of 64
_MOST_RESTARTS = 4  # rounds of two blocks of starts
_GREED = 0.15  # probability that a start begins at the lowest end, then at the next, and so on
_SAME_END = 1e-9  # relative difference of costs
_SAME_COST = 1e-6  # relative difference of costs at the end of enough steps
_IN_A_VALLEY = 1e-4  # the same in a valley, in which more steps than there are lead further
_NOTHING = 1e-20  # of the cost of predicting zero: rounding


@dataclasses.dataclass(frozen=True, eq=False)
class Ends:
    """Where the starts of a broad search ended.

    Attributes:
        vectors: `(num_starts, num_free)`.
        costs: half the weighted sums of squares, `(num_starts,)`; infinite where a start has no
            finite predictions.
        negligible: costs that differ by less are equal.
    """

    vectors: np.ndarray
    costs: np.ndarray
    negligible: float

    def num_lowest(self, tolerance: float) -> int:
        """How many starts ended at the lowest cost, within a relative tolerance."""
        same = self.costs <= self.costs.min() * (1 + tolerance) + self.negligible
        return int(np.sum(same & np.isfinite(self.costs)))

    @property
    def as_pair(self) -> tuple[np.ndarray, np.ndarray]:
        """The vectors and the costs."""
        return self.vectors, self.costs

    def different(self, most: int) -> tuple[np.ndarray, np.ndarray]:
        """The ends of different cost, the lowest first.

        Returns:
            Indices of one start for each end, `(num_ends,)`, with at most `most` of them; and the
            place among these of the end of each start, -1 where it is not among them,
            `(num_starts,)`.
        """
        order = np.argsort(self.costs, kind="stable")
        costs = self.costs[order]
        with np.errstate(invalid="ignore"):
            is_new = np.diff(costs) > _SAME_END * costs[1:] + self.negligible
        number = np.concatenate([[0], np.cumsum(is_new)])
        number = np.where((number < most) & np.isfinite(costs), number, -1)
        places = np.empty_like(number)
        places[order] = number
        _, first = np.unique(np.maximum(number, 0), return_index=True)
        return order[first], places


def broad_search(
    problem: BatchedProblem, starts: Batch, seed: int, most_rows: int = _MOST_ROWS
) -> Ends:
    """Search from the first 64 starts, and from all and from their ends where too few agree.

    Args:
        problem: the problem.
        starts: an entry for each start, all of one table and with the same frozen coefficients. The
            vectors are points of a standard normal distribution.
        seed: seed of the random numbers.
        most_rows: the largest number of rows of the search, drawn at random if there are more.
    """
    squares, few, forms, predictions = _least_squares(problem, starts, seed, most_rows)
    free = problem.parameters.free
    values = scattered(free, np.asarray(starts.vectors), np.random.default_rng(seed))
    vectors = to_vectors(free, values)

    def block(first: int, num_steps: int = _NUM_STEPS) -> tuple[np.ndarray, np.ndarray]:
        chosen = vectors[np.minimum(first + np.arange(_BLOCK), len(vectors) - 1)]
        random = np.random.default_rng((seed, first, 0))
        return _search_block(squares, few, chosen, random, num_steps)

    zero = 0.5 * np.sum(np.square(squares.weights * squares.problem.observed))
    negligible = _NOTHING * float(zero)
    while True:
        form = forms.pop(0)
        squares, few = (dataclasses.replace(each, form=form) for each in (squares, few))
        found = _joined(side_by_side(block, [0]), min(_BLOCK, len(vectors)), negligible)
        lowest = found.vectors[np.argsort(found.costs, kind="stable")[:_LOWEST]]
        is_finite = bool(np.isfinite(found.costs).any())
        if not forms or (is_finite and is_plausible(form, free, predictions, lowest)):
            break
    if not len(squares.form.nonlinear):
        return found
    enough = _ENOUGH * len(found.costs)
    if found.num_lowest(_SAME_COST) < enough and len(vectors) > _BLOCK:
        first = functools.partial(block, num_steps=_FIRST_STEPS)
        further = range(_BLOCK, len(vectors), _BLOCK)
        blocks = side_by_side(first, further, is_compiled=True)
        others = _continued(squares, _joined(blocks, len(vectors) - _BLOCK, negligible))
        found = _joined([found.as_pair, others.as_pair], len(vectors), negligible)
    for number in range(_MOST_RESTARTS):
        if found.num_lowest(_IN_A_VALLEY) >= enough or not np.isfinite(found.costs).any():
            break
        seeds = [(seed, 2 * number + i, 1) for i in range(2)]
        again = functools.partial(_restarted, squares, found)
        blocks = side_by_side(again, seeds, is_compiled=True)
        count = len(found.costs) + 2 * _BLOCK
        found = _joined([found.as_pair, *blocks], count, negligible)
    return found


def _continued(squares: LeastSquares, ends: Ends) -> Ends:
    """The ends after further steps from the lowest 64."""
    places = np.resize(np.argsort(ends.costs, kind="stable")[:_BLOCK], _BLOCK)
    vectors, costs = ends.vectors.copy(), ends.costs.copy()
    vectors[places], costs[places] = refine(squares, vectors[places], _NUM_STEPS - _FIRST_STEPS)
    return Ends(vectors, costs, ends.negligible)


def _joined(parts: Sequence[tuple[np.ndarray, np.ndarray]], count: int, negligible: float) -> Ends:
    """The first ends of several blocks, which may repeat their last one."""
    vectors, costs = (np.concatenate(each)[:count] for each in zip(*parts, strict=True))
    return Ends(vectors, costs, negligible)


def _restarted(
    squares: LeastSquares, ends: Ends, seed: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """New ends of a block of starts: low ends with one nonlinear number of another size or sign."""
    random = np.random.default_rng(seed)
    order = np.argsort(ends.costs, kind="stable")[:_BLOCK]
    parents = order[np.minimum(random.geometric(_GREED, size=_BLOCK) - 1, len(order) - 1)]
    starts, places = ends.vectors[parents], random.choice(squares.form.nonlinear, size=_BLOCK)
    changes = random.choice([-1, 1], size=_BLOCK) * 10 ** random.uniform(-1, 1, size=_BLOCK)
    starts[np.arange(_BLOCK), places] *= changes
    vectors, costs = refine(squares, starts, _NUM_STEPS)
    return np.asarray(vectors), np.asarray(costs)


def _search_block(
    squares: LeastSquares,
    few: LeastSquares,
    vectors: np.ndarray,
    random: np.random.Generator,
    num_steps: int,
) -> tuple[np.ndarray, np.ndarray]:
    """The ends of a block of starts, and their costs.

    Args:
        squares: what the steps lower.
        few: the same with fewer rows, for the scans.
        vectors: the starts, `(64, num_free)`.
        random: draws the order and the places of the scans.
        num_steps: the largest number of steps.
    """
    free, places = squares.problem.parameters.free, squares.form.nonlinear
    costs = np.full(len(vectors), np.inf)
    turns = np.stack([random.permutation(places) for _ in vectors], axis=1)
    # Without a nonlinear number, one turn solves the linear part.
    for turn in [*turns] * _NUM_SWEEPS or np.zeros((1, len(vectors)), dtype=int):
        grids = np.stack([grid(free[place], random) for place in turn])
        vectors, costs = (np.asarray(x) for x in scan(few, vectors, costs, turn, grids))
    if len(places):
        vectors, costs = (np.asarray(x) for x in refine(squares, vectors, num_steps))
    return vectors, costs


def _least_squares(
    problem: BatchedProblem, starts: Batch, seed: int, most_rows: int
) -> tuple[LeastSquares, LeastSquares, list[Form], Callable[[np.ndarray], np.ndarray]]:
    """Weighted least squares in place of the objective, with fewer rows where there are many.

    Returns:
        The problem, the same with fewer rows for scans, its possible forms, and the predictions
        for a few rows at many vectors.
    """
    random, weights = np.random.default_rng(seed), np.asarray(starts.weights[0])
    observed, free = np.asarray(problem.observed), problem.parameters.free
    # All outcomes of a run stay together.
    num_outcomes = max(1, len(outcomes_of(problem.parameters.law_type)))
    runs = random.permutation(np.flatnonzero(weights).reshape(-1, num_outcomes))
    slopes = jax.vmap(jax.grad(problem.objective.residuals))(observed, observed)
    factors = np.abs(np.asarray(slopes)) * np.sqrt(weights)
    fixed, form = Fixed(starts.frozen), Form(False, (Role.NONLINEAR,) * len(free))

    def of_runs(most_rows: int) -> LeastSquares:
        used = np.sort(runs[: max(1, most_rows // num_outcomes)], axis=None)
        rows = np.resize(used, -(-len(used) // _BLOCK) * _BLOCK)
        each = np.where(np.arange(len(rows)) < len(used), factors[rows], 0.0)
        return LeastSquares(_rows(problem, rows), fixed, each, form)

    probed = np.resize(runs[: max(1, _PROBE_ROWS // num_outcomes)], _PROBE_ROWS)
    probe = LeastSquares(_rows(problem, probed), fixed, np.ones(_PROBE_ROWS), form)
    predictions = functools.partial(_predictions, probe)
    may_be_log = bool(np.all(observed[weights > 0] > 0))
    forms = possible_forms(free, predictions, np.random.default_rng(seed), may_be_log=may_be_log)
    num_scanned = -(-_SCANNED_ROWS * len(free) // _BLOCK) * _BLOCK
    return of_runs(most_rows), of_runs(min(num_scanned, _MOST_ROWS)), forms, predictions


def _predictions(squares: LeastSquares, vectors: np.ndarray) -> np.ndarray:
    """Predictions at many vectors, `(num_vectors, num_rows)`, by one compiled program."""
    padded = np.resize(vectors, (-(-len(vectors) // _PROBES) * _PROBES, vectors.shape[1]))
    parts = [
        np.asarray(_predict(squares, part))
        for part in padded.reshape(-1, _PROBES, vectors.shape[1])
    ]
    return np.concatenate(parts)[: len(vectors)]


def _rows(problem: BatchedProblem, rows: np.ndarray) -> BatchedProblem:
    return dataclasses.replace(
        problem,
        inputs={name: np.asarray(each)[rows] for name, each in problem.inputs.items()},
        observed=np.asarray(problem.observed)[rows],
        groups=None if problem.groups is None else np.asarray(problem.groups)[rows],
    )


@jax.jit
def _predict(squares: LeastSquares, vectors: Array) -> Array:
    return jax.vmap(squares.predictions)(vectors)
