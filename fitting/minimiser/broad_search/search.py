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
import jax.numpy as jnp
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
from fitting.minimiser.damped_steps import cholesky, solve_factored
from fitting.problem.batched_problem import Batch, BatchedProblem, Fixed
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.concurrency import side_by_side
from jaxlaws.foundations.law import outcomes_of

_BLOCK = 64  # starts that are searched together
_ENOUGH = 0.08  # share of the starts at the lowest end, so that no more starts are needed
_MOST_ROWS = 192  # of the search; the fit uses all rows
_PROBE_ROWS = 8
_LOWEST = 16  # ends at which a form is tested
_PROBES = 512  # points at which a law is evaluated together
_NUM_SWEEPS = 2  # over the nonlinear numbers
_NUM_STEPS = 150
_MOST_RESTARTS = 8  # rounds of 64 starts
_GREED = 0.15  # probability that a start begins at the lowest end, then at the next, and so on
_SOLVED = 1e-12  # relative change of the cost by a step
_STUCK = 1e10  # damping
_SAME_END = 1e-9  # relative difference of costs
_NOTHING = 1e-20  # of the cost of predicting zero: rounding

# The programs run for a second at most, and compile in half the time at this level.
_jit = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 1})


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

    @property
    def share_of_lowest(self) -> float:
        """The share of the starts that ended at the lowest cost."""
        lowest = self.costs.min()
        same = self.costs <= lowest * (1 + 1e3 * _SAME_END) + self.negligible
        return float(np.mean(same & np.isfinite(self.costs)))

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


def broad_search(problem: BatchedProblem, starts: Batch, seed: int) -> Ends:
    """Search from the first 64 starts, and from all and from their ends where too few agree.

    Args:
        problem: the problem.
        starts: an entry for each start, all of one table and with the same frozen coefficients. The
            vectors are points of a standard normal distribution.
        seed: seed of the random numbers.
    """
    squares, forms, predictions = _least_squares(problem, starts, seed)
    free = problem.parameters.free
    values = scattered(free, np.asarray(starts.vectors), np.random.default_rng(seed))
    vectors = to_vectors(free, values)

    def block(first: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = np.minimum(first + np.arange(_BLOCK), len(vectors) - 1)
        return _search_block(squares, vectors[chosen], np.random.default_rng((seed, first, 0)))

    zero = 0.5 * np.sum(np.square(squares.weights * squares.problem.observed))
    negligible = _NOTHING * float(zero)
    number = 0
    while True:
        form = forms[number]
        squares = dataclasses.replace(squares, form=form)
        found = _joined(side_by_side(block, [0]), min(_BLOCK, len(vectors)), negligible)
        lowest = found.vectors[np.argsort(found.costs, kind="stable")[:_LOWEST]]
        is_last = number == len(forms) - 1
        is_finite = bool(np.isfinite(found.costs).any())
        if is_last or (is_finite and is_plausible(form, free, predictions, lowest)):
            break
        number += 1
    if found.share_of_lowest < _ENOUGH:
        blocks = side_by_side(block, range(_BLOCK, len(vectors), _BLOCK))
        found = _joined([(found.vectors, found.costs), *blocks], len(vectors), negligible)
    for number in range(_MOST_RESTARTS if len(squares.form.nonlinear) else 0):
        if found.share_of_lowest >= _ENOUGH or not np.isfinite(found.costs).any():
            break
        again = _restarted(squares, found, np.random.default_rng((seed, number, 1)))
        found = _joined(
            [(found.vectors, found.costs), again], len(found.costs) + _BLOCK, negligible
        )
        if found.share_of_lowest * len(found.costs) >= _ENOUGH * _BLOCK:
            break
    return found


def _joined(parts: Sequence[tuple[np.ndarray, np.ndarray]], count: int, negligible: float) -> Ends:
    """The first ends of several blocks, which may repeat their last one."""
    vectors, costs = (np.concatenate(each)[:count] for each in zip(*parts, strict=True))
    return Ends(vectors, costs, negligible)


def _restarted(
    squares: LeastSquares, ends: Ends, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """New ends of a block of starts: low ends with one nonlinear number of another size or sign."""
    order = np.argsort(ends.costs, kind="stable")[:_BLOCK]
    parents = order[np.minimum(random.geometric(_GREED, size=_BLOCK) - 1, len(order) - 1)]
    starts, places = ends.vectors[parents], random.choice(squares.form.nonlinear, size=_BLOCK)
    changes = random.choice([-1, 1], size=_BLOCK) * 10 ** random.uniform(-1, 1, size=_BLOCK)
    starts[np.arange(_BLOCK), places] *= changes
    vectors, costs = _refine(squares, starts, _NUM_STEPS)
    return np.asarray(vectors), np.asarray(costs)


def _search_block(
    squares: LeastSquares, vectors: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The ends of a block of starts, and their costs."""
    free, places = squares.problem.parameters.free, squares.form.nonlinear
    costs = np.full(len(vectors), np.inf)
    turns = np.stack([random.permutation(places) for _ in vectors], axis=1)
    # Without a nonlinear number, one turn solves the linear part.
    for turn in [*turns] * _NUM_SWEEPS or np.zeros((1, len(vectors)), dtype=int):
        grids = np.stack([grid(free[place], random) for place in turn])
        vectors, costs = (np.asarray(x) for x in _scan(squares, vectors, costs, turn, grids))
    if len(places):
        vectors, costs = (np.asarray(x) for x in _refine(squares, vectors, _NUM_STEPS))
    return vectors, costs


def _least_squares(
    problem: BatchedProblem, starts: Batch, seed: int
) -> tuple[LeastSquares, list[Form], Callable[[np.ndarray], np.ndarray]]:
    """Weighted least squares in place of the objective, with fewer rows where there are many.

    Returns:
        The problem, its possible forms, and the predictions for a few rows at many vectors.
    """
    random, weights = np.random.default_rng(seed), np.asarray(starts.weights[0])
    observed, free = np.asarray(problem.observed), problem.parameters.free
    # All outcomes of a run stay together.
    num_outcomes = max(1, len(outcomes_of(problem.parameters.law_type)))
    runs = random.permutation(np.flatnonzero(weights).reshape(-1, num_outcomes))
    used = np.sort(runs[: max(1, _MOST_ROWS // num_outcomes)], axis=None)
    probed = np.resize(runs[: max(1, _PROBE_ROWS // num_outcomes)], _PROBE_ROWS)
    rows = np.resize(used, -(-len(used) // _BLOCK) * _BLOCK)
    slopes = jax.vmap(jax.grad(problem.objective.residuals))(observed, observed)
    factors = np.abs(np.asarray(slopes)) * np.sqrt(weights)
    factors = np.where(np.arange(len(rows)) < len(used), factors[rows], 0.0)
    fixed = Fixed(starts.frozen)
    probe = LeastSquares(
        problem=_rows(problem, probed),
        fixed=fixed,
        weights=np.ones(_PROBE_ROWS),
        form=Form(False, (Role.NONLINEAR,) * len(free)),
    )
    predictions = functools.partial(_predictions, probe)
    may_be_log = bool(np.all(observed[used] > 0))
    forms = possible_forms(free, predictions, np.random.default_rng(seed), may_be_log=may_be_log)
    return LeastSquares(_rows(problem, rows), fixed, factors, forms[0]), forms, predictions


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


@_jit
def _predict(squares: LeastSquares, vectors: Array) -> Array:
    return jax.vmap(squares.predictions)(vectors)


@_jit
def _scan(
    squares: LeastSquares, vectors: Array, costs: Array, places: Array, grids: Array
) -> tuple[Array, Array]:
    """Move one number of each entry to the best place of a grid, where that lowers the cost."""

    def one(vector: Array, cost: Array, place: Array, grid: Array) -> tuple[Array, Array]:
        found = jax.vmap(lambda number: squares.solved(vector.at[place].set(number)))(grid)
        best = jnp.argmin(found.cost)
        better = found.cost[best] < cost
        vector = jnp.where(better, found.vector[best], vector)
        return vector, jnp.where(better, found.cost[best], cost)

    return jax.vmap(one)(vectors, costs, places, grids)


@_jit
def _refine(squares: LeastSquares, vectors: Array, num_steps: Array) -> tuple[Array, Array]:
    """Levenberg-Marquardt steps of the nonlinear numbers; the linear part is solved after each."""
    places, num_free = squares.form.nonlinear, vectors.shape[1]
    directions, identity = jnp.eye(num_free)[places], jnp.eye(len(places))

    def move(trial: Array, best: Tree, damping: Array) -> Tree:
        solved, jacobian = squares.solved_with_jacobian(trial, directions)
        better = (solved.cost < best[1]) & jnp.all(jnp.isfinite(jacobian))
        gain = jnp.where(better, best[1] - solved.cost, jnp.inf)
        new = solved.vector, solved.cost, solved.deviations, jacobian
        best = jax.tree.map(lambda a, b: jnp.where(better, a, b), new, best)
        damping = jnp.where(better, jnp.maximum(damping * 0.2, 1e-14), damping * 5)
        vector, cost, deviations, jacobian = best
        lengths = jnp.sqrt(jnp.sum(jnp.square(jacobian), axis=1))
        lengths = jnp.where(lengths > 0, lengths, 1.0)
        scaled = jacobian / lengths[:, None]
        factor = cholesky(scaled @ scaled.T + damping * identity)
        step = -solve_factored(factor, (scaled @ deviations)[:, None])[:, 0] / lengths
        step = jnp.where(jnp.isfinite(step), step, 0.0)
        done = (gain <= _SOLVED * cost) | (damping > _STUCK)
        return vector.at[places].add(step), best, damping, done

    def step(state: Tree) -> Tree:
        trials, best, damping, done, count = state
        *moved, now_done = jax.vmap(move)(trials, best, damping)
        kept = jax.tree.map(
            lambda old, new: jnp.where(done.reshape((-1,) + (1,) * (old.ndim - 1)), old, new),
            [trials, best, damping],
            moved,
        )
        return *kept, done | now_done, count + 1

    def continues(state: Tree) -> Array:
        return (state[4] < num_steps) & ~jnp.all(state[3])

    rows = jnp.zeros((len(vectors), len(squares.weights)))
    jacobians = jnp.zeros((len(vectors), len(places), rows.shape[1]))
    nowhere = vectors, jnp.full(len(vectors), jnp.inf), rows, jacobians
    damping, done = jnp.full(len(vectors), 1e-2), jnp.zeros(len(vectors), bool)
    end = jax.lax.while_loop(continues, step, (vectors, nowhere, damping, done, 0))
    vectors, costs, *_ = end[1]
    return vectors, costs
