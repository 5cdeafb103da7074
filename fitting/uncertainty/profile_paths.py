"""What a profile is followed along: a coefficient, held, or a quantity of the law, pulled."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from fitting.data.runs import Runs
from fitting.estimation.results import FitResult
from fitting.problem.bijections import EDGES
from fitting.problem.centring import unit_factor
from fitting.problem.coefficient_names import domain_of
from fitting.problem.objectives import Objective
from fitting.uncertainty.constrained_fits import with_coefficient, with_quantity
from fitting.uncertainty.refit_problem import around
from jaxlaws.pytree import Domain

FARTHEST = 8.0  # move
_NEAR_EDGE = 1e-2  # in centred units
_REACHED = 0.5  # of the way to a target


@dataclasses.dataclass(frozen=True, kw_only=True)
class Track:
    """A line of best fits.

    Attributes:
        value: where the fit is.
        held: from moves away from there, in about e-folds, `(num_moves,)`, to values and the
            deviances of the best fits that have them.
        limit: from a side (-1 or 1) and the values reached there, after moves up to `FARTHEST`,
            to the end of an interval that no deviance ends.
    """

    value: float
    held: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
    limit: Callable[[int, np.ndarray], float]


def along_coefficient(
    result: FitResult, runs: Runs, name: str, objective: Objective, weights: str | None
) -> Track:
    """Along a free coefficient, by e-folds, log odds, or its own size as its domain asks.

    Raises:
        ValueError: it is not free, it is the only free one, or the fit is another's.
    """
    free = result.identifiability.names
    if name not in free or len(free) < 2:
        raise ValueError(
            f"{name!r} is not one of several free coefficients; free: {', '.join(free)}"
        )
    domain = domain_of(type(result.law), name)
    value = float(getattr(result.law, name))
    setting = around(result, runs, objective, weights, also_frozen=(name,))
    scales = setting.problem.scales
    start = np.asarray(setting.problem.parameters.vector(result.law, scales))
    least = _NEAR_EDGE * float(unit_factor(result.law, name, scales))
    prior = result.restraints.priors.get(name)

    def held(moves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values = _moved(value, moves, domain, least)
        deviances = with_coefficient(setting, name, values, moves, start)
        missed = 0.0 if prior is None else np.asarray(prior.deviation(values))
        return values, deviances + missed**2

    return Track(value=value, held=held, limit=lambda side, _: EDGES[domain][side > 0])


def along_quantity(
    result: FitResult,
    runs: Runs,
    quantity: Callable[[Any], Any],
    objective: Objective,
    weights: str | None,
) -> Track:
    """Along whatever a function computes from the law, by its own size.

    Raises:
        ValueError: it is not finite at the fit, or the fit is another's.
        TypeError: it is no single number.
    """
    setting = around(result, runs, objective, weights)
    start = np.asarray(setting.problem.parameters.vector(result.law, setting.problem.scales))
    told = quantity(result.law)
    if len(jax.tree.leaves(told)) != 1 or np.ndim(told):
        raise TypeError(f"expected a function from a law to one number, got {told!r} from it")
    value = float(told)
    if not np.isfinite(value):
        raise ValueError(f"the quantity is {value} at the fit")
    size = max(abs(value), 1e-3)

    def held(moves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        targets = value + np.sign(moves) * size * np.expm1(np.abs(moves))
        return with_quantity(setting, quantity, value, targets, start)

    def limit(side: int, values: np.ndarray) -> float:
        """As far as it went; without end where it went with the targets."""
        farthest = side * float(np.nanmax(side * values))
        followed = abs(farthest - value) > _REACHED * size * np.expm1(FARTHEST)
        return side * np.inf if followed else farthest

    return Track(value=value, held=held, limit=limit)


def missed(result: FitResult) -> float:
    """The sum of squares of the standard deviations by which a fit misses its priors."""
    squares = [
        np.square(prior.deviation(getattr(result.law, name)))
        for name, prior in result.restraints.priors.items()
    ]
    return float(np.sum(squares))


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
