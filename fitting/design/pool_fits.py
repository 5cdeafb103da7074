"""A pool of runs, few of them trained: a prior of the predictions, and the optima of a fit."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from fitting.design.design_question import columns_of
from fitting.minimiser.broad_search.search import broad_search
from fitting.minimiser.multi_start import laws_of
from fitting.minimiser.starts import spread_points
from fitting.problem.batched_problem import Batch, BatchedProblem, pad_rows
from fitting.problem.objectives import LogSquares, Objective
from fitting.problem.parameters import Parameters
from jaxlaws.foundations.annotations import Array
from jaxlaws.foundations.law import Law
from jaxlaws.precision import float64

MOST_OPTIMA = 16
_NUM_STARTS = 64
_SAME = 1e-4  # relative difference of costs
_NOISE = 0.01  # expected before a fit, as a share of a typical loss
_STRENGTH = 4.0  # number of runs that this expectation counts for
_STRONG, _WEAK = 2.0, 1e-3  # number of runs that the trend counts for
_HELD_OUT = 0.25  # of the known runs, to choose between these
_DECISIVE = 0.1  # ratio of squared errors of the held-out runs
_IN_REGION = 0.5  # share of this number
_RIDGE = 0.05  # of the slopes of the trend
_FLOOR = 0.8  # of the trend, as a share of the lowest loss


def fit_pool(
    law_type: type[Law],
    candidates: Mapping[str, Array],
    losses: Array,
    *,
    region: Mapping[str, Array],
    objective: Objective = LogSquares(),
    seed: int = 0,
) -> Law:
    """Fit a law to the trained runs of a pool, of which there may be few.

    With about as many runs as coefficients, a fit goes through the points and can predict anything
    elsewhere. Therefore there is a prior: the predictions for the other runs and for the region are
    near a trend, which is a power of each input above a floor. The prior counts as two runs, and
    less if there are more runs than coefficients and the law misses them by less than the trend
    does. It is left out if the quarter of the runs that is nearest to the region is predicted much
    better without it.

    Args:
        law_type: the class of the law.
        candidates: the inputs of the runs by name, `(num_candidates,)` each.
        losses: of the runs, NaN where a run is not trained, `(num_candidates,)`.
        region: the inputs of runs whose losses are to be predicted, by name.
        objective: of the fit.
        seed: of the starts of the fit.

    Raises:
        ValueError: a shape or a name of an input does not agree, or fewer than two losses are
            known.

    >>> from fitting import fit_pool
    >>> from jaxlaws import presets
    >>> from jaxlaws.laws.kaplan import Kaplan
    >>> sizes, tokens = np.geomspace(1e7, 1e9, 12), np.tile([1e9, 4e9, 2e10], 4)
    >>> candidates = {"num_params": sizes, "num_tokens": tokens}
    >>> losses = np.array(presets.load("kaplan2020").loss(**candidates))
    >>> losses[7:] = np.nan
    >>> region = {"num_params": [1e9], "num_tokens": [2e10]}
    >>> law = fit_pool(Kaplan, candidates, losses, region=region)
    >>> f"{law.loss(num_params=1e9, num_tokens=2e10):.2f}"
    '2.37'
    """
    losses = np.asarray(losses, float)

    def optima(known: Array, prior: float) -> "Optima":
        pool = Pool.read(law_type, candidates, known, region, objective, prior)
        with float64():
            return pool.optima(seed)

    pool = Pool.read(law_type, candidates, losses, region, objective)
    order = pool.nearest_to_region()
    if len(order) < 2:
        raise ValueError(f"losses: expected two known ones or more, got {len(order)}")
    held = order[: max(1, int(_HELD_OUT * len(order)))]
    rest = losses.copy()
    rest[held] = np.nan
    unseen = {name: values[held] for name, values in pool.inputs.items()}

    def error(prior: float) -> float:
        predicted = np.asarray(optima(rest, prior).law().loss(**unseen))
        squares = np.square(np.asarray(objective.residuals(predicted, losses[held])))
        return float(np.nan_to_num(np.sum(squares), nan=np.inf))

    without = optima(losses, _WEAK)
    if error(_WEAK) < _DECISIVE * error(_STRONG):
        return without.law()
    ratio = min(without.noise() / pool.error_of_trend(objective, losses), 1.0)
    return optima(losses, _STRONG * max(1.0, ratio**2 / pool.decay)).law()


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Pool:
    """A pool of runs, and a region to be predicted.

    A row is a run of the pool, then a point of the region, then padding.

    Attributes:
        inputs: of the rows without padding.
        is_known: whether the loss of a row is known, `(num_rows,)`.
        in_region: whether a row is a point of the region, `(num_rows,)`.
        problem: the fit; where a loss is not known, it has that of the trend.
        weights: of the rows in the fit: 1 for known losses, little for the trend, `(num_rows,)`.
        noise: the standard deviation of the residuals that is expected before a fit.
    """

    inputs: dict[str, np.ndarray]
    is_known: np.ndarray
    in_region: np.ndarray
    problem: BatchedProblem
    weights: np.ndarray
    noise: float

    @classmethod
    def read(
        cls,
        law_type: type[Law],
        candidates: Mapping[str, Array],
        losses: Array,
        region: Mapping[str, Array],
        objective: Objective,
        prior: float = _STRONG,
    ) -> "Pool":
        """Check the arguments of `fit_pool`, and pose its problem."""
        names = law_type.input_names
        pool = columns_of("candidates", candidates, names)
        targets = columns_of("region", region, names)
        losses = np.asarray(losses, float)
        num, num_targets = len(pool[names[0]]), len(targets[names[0]])
        if losses.shape != (num,):
            raise ValueError(f"losses: expected the shape {(num,)}, got {losses.shape}")
        inputs = {name: np.concatenate([pool[name], targets[name]]) for name in names}
        known = np.concatenate([np.isfinite(losses), np.zeros(num_targets, bool)])
        observed, noise = np.ones(len(known)), 1.0
        if known.any():
            observed[:num] = losses
            observed = np.where(known, observed, _trend(inputs, known, observed))
            noise = _NOISE * float(np.median(np.abs(_slope(objective, observed[known]))))
        parameters = Parameters.of(law_type, {})
        prior = prior * _decay(int(known.sum()) - len(parameters.free))
        in_region = np.arange(len(known)) >= num
        shares = np.where(in_region, _IN_REGION / num_targets, (1 - _IN_REGION) / num)
        with float64():
            problem = BatchedProblem.pose(parameters, objective, inputs, observed, {})
        weights = np.where(known, 1.0, prior * shares)
        return cls(
            inputs=inputs,
            is_known=pad_rows(known, fill=False),
            in_region=pad_rows(in_region, fill=False),
            problem=problem,
            weights=pad_rows(weights, fill=0.0),
            noise=noise,
        )

    @property
    def decay(self) -> float:
        """How much less a prior counts than with as many runs as coefficients."""
        return _decay(int(self.is_known.sum()) - len(self.problem.parameters.free))

    def error_of_trend(self, objective: Objective, losses: np.ndarray) -> float:
        """The error of the trend for a known run that it does not see, in residuals."""
        known = self.is_known[: len(next(iter(self.inputs.values())))]
        observed = np.where(known, np.resize(losses, len(known)), 1.0)
        errors = []
        for place in np.flatnonzero(known):
            others = known & (np.arange(len(known)) != place)
            trend = _trend(self.inputs, others, observed)[place]
            errors.append(float(objective.residuals(trend, observed[place])))
        return float(np.sqrt(np.mean(np.square(errors))))

    def nearest_to_region(self) -> np.ndarray:
        """The places of the known runs, the nearest to the region first."""
        axes = _axes(self.inputs)
        num = len(axes)
        known, targets = axes[self.is_known[:num]], axes[self.in_region[:num]]
        squares = np.sum(np.square(known[:, None] - targets[None]), axis=-1)
        return np.flatnonzero(self.is_known)[np.argsort(squares.min(axis=1), kind="stable")]

    def optima(self, seed: int) -> "Optima":
        """Search the optima from many starts."""
        vectors = spread_points("random", _NUM_STARTS, len(self.problem.parameters.free), seed)
        batch = Batch(vectors, np.tile(self.weights, (len(vectors), 1)), {})
        ends = broad_search(self.problem, batch, seed)
        return Optima.lowest(self, ends.vectors, ends.costs)


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Optima:
    """Optima of a fit, the lowest first.

    Attributes:
        pool: the pool.
        batch: an entry for each optimum, the lowest first, `MOST_OPTIMA` of them; the last ones
            can repeat the first.
        costs: the sum over runs at each, `(num_optima,)`; infinite for repeated ones.
    """

    pool: Pool
    batch: Batch
    costs: np.ndarray

    @classmethod
    def lowest(cls, pool: Pool, vectors: np.ndarray, costs: np.ndarray) -> "Optima":
        """The lowest of the ends of many starts, without repetitions."""
        order = [i for i in np.argsort(costs, kind="stable") if np.isfinite(costs[i])]
        kept: list[int] = []
        for i in order:
            if not kept or costs[i] > costs[kept[-1]] * (1 + _SAME) + 1e-15:
                kept.append(int(i))
        places = np.resize(kept[:MOST_OPTIMA], MOST_OPTIMA)
        costs = np.where(np.arange(MOST_OPTIMA) < len(kept), costs[places], np.inf)
        batch = Batch(vectors[places], np.tile(pool.weights, (MOST_OPTIMA, 1)), {})
        return cls(pool=pool, batch=batch, costs=costs)

    def law(self) -> Law:
        """The law at the lowest optimum, in the user's units."""
        with float64():
            laws = laws_of(self.pool.problem, self.batch)
        return type(laws)(**{name: value[0] for name, value in vars(laws).items()})

    def shares(self) -> np.ndarray:
        """The probability of each optimum, by the likelihood with an unknown noise."""
        num = _STRENGTH + self.pool.is_known.sum()
        logs = -0.5 * num * np.log(_STRENGTH * self.pool.noise**2 + 2 * self.costs)
        logs = np.where(np.isfinite(self.costs), logs, -np.inf)
        shares = np.exp(logs - logs.max())
        return shares / shares.sum()

    def noise(self) -> float:
        """The standard deviation of the residuals."""
        spare = max(int(self.pool.is_known.sum()) - len(self.pool.problem.parameters.free), 0)
        total = _STRENGTH * self.pool.noise**2 + 2 * float(self.costs.min()) * (spare > 0)
        return float(np.sqrt(total / (_STRENGTH + spare)))


def _decay(spare: int) -> float:
    return _STRENGTH / (_STRENGTH + max(spare, 0))


def _axes(inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """The inputs, in logarithms where all are above zero, with mean 0 and standard deviation 1."""
    columns = [np.log(x) if np.all(x > 0) else x for x in inputs.values()]
    return np.stack([(x - x.mean()) / (x.std() or 1.0) for x in columns], axis=1)


def _trend(inputs: Mapping[str, np.ndarray], known: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """Losses by a ridge regression on the inputs, in logarithms where numbers are above zero.

    Losses above zero have a floor.
    """
    axes = _axes(inputs)
    in_logs = bool(np.all(losses[known] > 0))
    floor = _FLOOR * losses[known].min()
    values = np.log(losses[known] - floor) if in_logs else losses[known]
    own = axes[known] - axes[known].mean(axis=0)
    slopes = np.linalg.solve(own.T @ own + _RIDGE * np.eye(own.shape[1]), own.T @ values)
    trend = values.mean() + (axes - axes[known].mean(axis=0)) @ slopes
    return floor + np.exp(trend) if in_logs else trend


def _slope(objective: Objective, losses: np.ndarray) -> np.ndarray:
    """Typical losses in the unit of the residuals: 1 for residuals of logarithms."""
    change = 1e-6 * losses
    return np.asarray(objective.residuals(losses + change, losses)) / 1e-6
