"""The rows of a pool: its runs and the region, what is known of them, and the optima of a fit."""

import dataclasses
from collections.abc import Mapping

import jax
import numpy as np

from fitting.design.design_question import columns_of
from fitting.design.pool.noise import expected_noise, log_chances
from fitting.design.pool.trend import axes_of, spread_places, trend_of
from fitting.minimiser.broad_search.search import broad_search
from fitting.minimiser.multi_start import laws_of
from fitting.minimiser.starts import spread_points
from fitting.problem.batched_problem import Batch, BatchedProblem, pad_rows
from fitting.problem.objectives import Objective
from fitting.problem.parameters import Parameters
from jaxlaws.foundations.annotations import Array
from jaxlaws.foundations.law import Law, outcomes_of
from jaxlaws.precision import float64

MOST_OPTIMA = 16
_NUM_STARTS = 64
_SAME = 1e-4  # relative difference of costs
_NOISE = 0.01  # expected before a fit, as a share of a typical loss
_LOW = 0.1  # of the expected noise
_PLACES = 16  # where the trend counts: of the region, and of other runs
_COUNTS = 1.0  # number of runs that the trend counts for at most, in each of both


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Pool:
    """A pool of runs, and a region to be predicted.

    The runs of the pool come first, then the points of the region. A row is an outcome of one of
    them: of a law with several outcomes, the rows of a run follow each other.

    Attributes:
        inputs: of the runs and of the region.
        known: the places of the runs with known losses.
        num_runs: number of runs of the pool.
        num_outcomes: of the law.
        problem: the problem of all rows, padded; a loss that is not known is that of the trend.
        doubts: the standard deviations of the trend, in the unit of the residuals, `(num_rows,)`.
        noise: the standard deviation of the residuals that is expected before a fit.
    """

    inputs: dict[str, np.ndarray]
    known: np.ndarray
    num_runs: int
    num_outcomes: int
    problem: BatchedProblem
    doubts: np.ndarray
    noise: float

    @classmethod
    def read(
        cls,
        law_type: type[Law],
        candidates: Mapping[str, Array],
        losses: Array,
        region: Mapping[str, Array],
        objective: Objective,
    ) -> "Pool":
        """Check the arguments of `fit_pool`, and pose its problem."""
        names = law_type.input_names
        pool = columns_of("candidates", candidates, names)
        targets = columns_of("region", region, names)
        losses, num = np.asarray(losses, float), len(pool[names[0]])
        num_outcomes = len(outcomes_of(law_type))
        shape = (num, num_outcomes) if num_outcomes else (num,)
        if losses.shape != shape:
            raise ValueError(f"losses: expected the shape {shape}, got {losses.shape}")
        losses = losses.reshape(num, -1)
        inputs = {name: np.concatenate([pool[name], targets[name]]) for name in names}
        known, axes = np.flatnonzero(np.all(np.isfinite(losses), axis=1)), axes_of(inputs)
        observed = np.ones((len(axes), losses.shape[1]))
        doubts, noise = np.ones_like(observed), 1.0
        if len(known):
            trends = [trend_of(axes, known, each) for each in losses[known].T]
            observed, sds = (np.stack(each, axis=1) for each in zip(*trends, strict=True))
            doubts = sds * _slopes(objective, observed)
            observed[known] = losses[known]
            sizes = np.abs(observed[known]) * _slopes(objective, observed[known])
            noise = _NOISE * float(np.median(sizes))
        rows = {name: np.repeat(values, losses.shape[1]) for name, values in inputs.items()}
        with float64():
            problem = BatchedProblem.pose(
                Parameters.of(law_type, {}), objective, rows, observed.ravel(), {}
            )
        return cls(
            inputs=inputs,
            known=known,
            num_runs=num,
            num_outcomes=losses.shape[1],
            problem=problem,
            doubts=doubts.ravel(),
            noise=noise,
        )

    @property
    def num_free(self) -> int:
        """The number of coefficients of the law."""
        return len(self.problem.parameters.free)

    @property
    def num_spare(self) -> int:
        """How many losses are known beyond the number of coefficients."""
        return max(len(self.known) * self.num_outcomes - self.num_free, 0)

    def rows_of(self, places: np.ndarray) -> np.ndarray:
        """The rows of some runs."""
        each = np.arange(self.num_outcomes)
        return (places[:, None] * self.num_outcomes + each[None]).ravel()

    def optima(self, seed: int) -> "Optima":
        """Search the optima from many starts: with hardly a trend, then with the noise of that."""
        first = self._optima(_LOW * self.noise, seed)
        return self._optima(first.noise(), seed)

    def _optima(self, noise: float, seed: int) -> "Optima":
        """The optima of the fit, where the trend counts by a noise of the losses."""
        axes = axes_of(self.inputs)
        unknown = np.setdiff1d(np.arange(self.num_runs), self.known)
        region = np.arange(self.num_runs, len(axes))
        weights = np.zeros(len(self.problem.observed))
        weights[self.rows_of(self.known)] = 1.0
        for places in (unknown, region):
            rows = self.rows_of(places[spread_places(axes[places], _PLACES)])
            share = _COUNTS / max(len(rows) // self.num_outcomes, 1)
            weights[rows] = share * np.minimum(1.0, np.square(noise / self.doubts[rows]))
        used = np.flatnonzero(weights)
        problem = dataclasses.replace(
            self.problem,
            inputs={name: pad_rows(values[used]) for name, values in self.problem.inputs.items()},
            observed=pad_rows(np.asarray(self.problem.observed)[used]),
        )
        vectors = spread_points("random", _NUM_STARTS, self.num_free, seed)
        own = np.tile(pad_rows(weights[used], fill=0.0), (len(vectors), 1))
        ends = broad_search(problem, Batch(vectors, own, {}), seed, most_rows=len(used))
        return Optima.lowest(self, weights, ends.vectors, ends.costs)


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Optima:
    """Optima of a fit, the lowest first.

    Attributes:
        pool: the pool.
        batch: an entry for each optimum, the lowest first, `MOST_OPTIMA` of them; the last ones
            can repeat the first.
        costs: the sum over rows at each, `(num_optima,)`; infinite for repeated ones.
    """

    pool: Pool
    batch: Batch
    costs: np.ndarray

    @classmethod
    def lowest(
        cls, pool: Pool, weights: np.ndarray, vectors: np.ndarray, costs: np.ndarray
    ) -> "Optima":
        """The lowest of the ends of many starts, without repetitions."""
        order = [i for i in np.argsort(costs, kind="stable") if np.isfinite(costs[i])]
        kept: list[int] = []
        for i in order:
            if not kept or costs[i] > costs[kept[-1]] * (1 + _SAME) + 1e-15:
                kept.append(int(i))
        places = np.resize(kept[:MOST_OPTIMA], MOST_OPTIMA)
        costs = np.where(np.arange(MOST_OPTIMA) < len(kept), costs[places], np.inf)
        batch = Batch(vectors[places], np.tile(weights, (MOST_OPTIMA, 1)), {})
        return cls(pool=pool, batch=batch, costs=costs)

    def law(self) -> Law:
        """The law at the lowest optimum, in the user's units."""
        with float64():
            laws = laws_of(self.pool.problem, self.batch)
        return jax.tree.map(lambda leaf: leaf[0], laws)

    def shares(self) -> np.ndarray:
        """The probability of each optimum, by the likelihood with an unknown noise."""
        number = len(self.pool.known) * self.pool.num_outcomes
        chances = np.array([log_chances(2 * cost, number, self.pool.noise) for cost in self.costs])
        shares = np.exp(chances - chances.max())
        return shares / shares.sum()

    def noise(self) -> float:
        """The standard deviation of the residuals of the known runs."""
        rows = self.pool.rows_of(self.pool.known)
        with float64():
            residuals = _residuals(self.pool.problem, self.batch)[0, rows]
        squares = float(np.sum(np.square(residuals)))
        return expected_noise(squares, self.pool.num_spare, self.pool.noise)


@jax.jit
def _residuals(problem: BatchedProblem, batch: Batch) -> jax.Array:
    return batch.map(problem, lambda vector, _, fixed: problem.residuals(vector, fixed))


def _slopes(objective: Objective, losses: np.ndarray) -> np.ndarray:
    """How much the residual changes with the prediction of each loss."""
    change = 1e-6 * np.where(losses == 0, 1.0, np.abs(losses))
    return np.asarray(objective.residuals(losses + change, losses)) / change
