"""The profile likelihood of one coefficient: how much worse the best fit gets as it is moved."""

import dataclasses
import statistics
from typing import Any

import jax
import numpy as np

from fitting.around import Around, around
from fitting.centring import unit_factor
from fitting.coefficient_paths import domain_of
from fitting.likelihood import deviance
from fitting.minimiser import Minima, minimise
from fitting.objectives import Huber, Objective
from fitting.problem import Lanes
from fitting.results import FitResult
from fitting.runs import Runs
from jaxlaws.constraints import EDGES
from jaxlaws.precision import float64
from jaxlaws.pytree import Domain

_SIDE = 32  # points on each side: with both, one block of lanes
_NEAREST, _FARTHEST = 1e-4, 8.0  # e-folds (log odds, or sizes of a real coefficient)
_NEAR_EDGE = 1e-2  # in centred units


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Profile:
    """A profile likelihood.

    Attributes:
        name: the coefficient.
        value: where the fit has it.
        values: where it was held, ascending, `(num_points,)`.
        deviances: twice the loss in log likelihood there, the other coefficients and the spread
            of the residuals fitted anew, `(num_points,)`; infinite where no fit was found.
        level: of the interval.
        interval: the ends, where the deviance passes the quantile of chi-squared with one degree
            of freedom; an edge of the coefficient's domain where it never does within eight
            e-folds.
    """

    name: str
    value: float
    values: np.ndarray
    deviances: np.ndarray
    level: float
    interval: tuple[float, float]


def profile(
    result: FitResult,
    runs: Runs,
    name: str,
    *,
    objective: Objective = Huber(1e-3),  # noqa: B008 - immutable
    level: float = 0.9,
) -> Profile:
    """Profile a coefficient of a fit: all points side by side in one batch, then again nearer.

    The likelihood is the one that goes with the objective, see `likelihood`. Sub-laws and frozen
    coefficients stay where they are: their uncertainty is not in the interval.

    Args:
        result: the fit.
        runs: the runs that it was fitted to.
        name: a free coefficient.
        objective: what the fit minimised.
        level: of the interval.

    Raises:
        ValueError: the coefficient is not free, it is the only free one, the level is not between
            0 and 1, or the runs or the objective are not those of the fit.
        TypeError: no likelihood goes with the objective.
    """
    free = result.identifiability.names
    if name not in free or len(free) < 2:
        raise ValueError(
            f"{name!r} is not one of several free coefficients; free: {', '.join(free)}"
        )
    if result.restraints.priors:
        raise ValueError("a profile of the likelihood knows no priors: fit without them")
    if not 0 < level < 1:
        raise ValueError(f"expected a level between 0 and 1, got {level!r}")
    domain = domain_of(type(result.law), name)
    value = float(getattr(result.law, name))
    quantile = statistics.NormalDist().inv_cdf((1 + level) / 2) ** 2
    steps = np.geomspace(_NEAREST, _FARTHEST, _SIDE)
    with float64():
        setting = around(result, runs, objective, also_frozen=(name,))
        scales = setting.problem.scales
        start = np.asarray(setting.problem.parameters.vector(result.law, scales))
        least = _NEAR_EDGE * float(unit_factor(result.law, name, scales))

        def deviances(moves: np.ndarray) -> np.ndarray:
            totals = _totals(setting, name, _moved(value, moves, domain, least), moves, start)
            told = [
                deviance(objective, total, setting.num_runs) if np.isfinite(total) else np.inf
                for total in totals
            ]
            return np.array(told) - deviance(objective, result.objective, setting.num_runs)

        coarse = np.concatenate([-steps[::-1], steps])
        rises = deviances(coarse)
        brackets = [_bracket(sign, coarse, rises, quantile) for sign in (-1, 1)]
        fine = np.concatenate([np.linspace(*ends, _SIDE) for ends in brackets])
        near = deviances(fine)
    ends = [
        _crossing(moves, rise, quantile)
        for moves, rise in zip(np.split(fine, 2), np.split(near, 2), strict=True)
    ]
    low, high = (
        edge if end is None else float(_moved(value, np.array(end), domain, least))
        for end, edge in zip(ends, EDGES[domain], strict=True)
    )
    moves, order = np.unique(np.concatenate([[0.0], coarse, fine]), return_index=True)
    return Profile(
        name=name,
        value=value,
        values=_moved(value, moves, domain, least),
        deviances=np.concatenate([[0.0], rises, near])[order],
        level=level,
        interval=(low, high),
    )


def _moved(value: float, moves: np.ndarray, domain: Domain, least: float) -> np.ndarray:
    """A coefficient moved by e-folds, by log odds, or by its own size.

    Away from an edge of its domain it moves by e-folds of `least` where it is smaller than that:
    a floor that the fit has at 1e-12 gets somewhere.
    """
    if domain is Domain.POSITIVE:
        return np.where(moves > 0, _away(value, moves, least), value * np.exp(moves))
    if domain is Domain.UNIT_INTERVAL:
        odds = value / (1 - value)
        up, down = _away(odds, moves, least), 1 / _away(1 / odds, -moves, least)
        odds = np.where(moves > 0, up, down)
        return odds / (1 + odds)
    return value + moves * max(abs(value), 1e-3)


def _away(value: float, moves: np.ndarray, least: float) -> np.ndarray:
    return value + max(value, least) * np.expm1(np.maximum(moves, 0.0))


def _totals(
    setting: Around, name: str, values: np.ndarray, moves: np.ndarray, start: np.ndarray
) -> np.ndarray:
    """The least objective with the coefficient at each of some values, `(num_values,)`."""
    num = len(values)
    problem = dataclasses.replace(setting.problem, paired=True)
    frozen: dict[str, Any] = jax.tree.map(lambda leaf: np.full(num, leaf), dict(setting.frozen))
    lanes = Lanes(
        np.tile(start, (num, 1)), np.tile(setting.weights, (num, 1)), frozen | {name: values}
    )
    minima = minimise(problem, lanes)
    # Once more from where the neighbour nearer to the fit ended: far points are reached in steps.
    order = np.argsort(moves)
    inward = np.empty(num, dtype=int)
    inward[order] = order[np.clip(np.arange(num) - np.sign(moves[order]).astype(int), 0, num - 1)]
    again = minimise(problem, lanes.at(minima.vectors[inward]))
    better = again.costs < minima.costs
    minima: Minima = minima.put(again.take(better), np.flatnonzero(better))
    return minima.costs * float(problem.objective.slope())


def _bracket(
    sign: int, moves: np.ndarray, rises: np.ndarray, quantile: float
) -> tuple[float, float]:
    """Moves on one side between which the deviance first passes the quantile; else the farthest."""
    side = np.flatnonzero(np.sign(moves) == sign)
    side = side[np.argsort(np.abs(moves[side]))]
    beyond = np.flatnonzero(rises[side] >= quantile)
    last = beyond[0] if len(beyond) else len(side) - 1
    inner = 0.0 if last == 0 else float(moves[side[last - 1]])
    return inner, float(moves[side[last]])


def _crossing(moves: np.ndarray, rises: np.ndarray, quantile: float) -> float | None:
    """The move at which the deviance passes the quantile, between points from inside out."""
    beyond = np.flatnonzero(rises >= quantile)
    if not len(beyond):
        return None
    last = max(int(beyond[0]), 1)
    roots = np.sqrt(np.maximum(rises[[last - 1, last]], 0.0))
    if not np.isfinite(roots[1]):
        return float(moves[last - 1])
    return float(np.interp(quantile**0.5, roots, moves[[last - 1, last]]))
