"""Profile likelihoods: how much worse the best fit gets as a coefficient or a quantity is moved."""

import dataclasses
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np

from fitting.data.runs import Runs
from fitting.estimation.results import FitResult
from fitting.problem.likelihood import deviance
from fitting.problem.objectives import Huber, Objective
from fitting.uncertainty.profile_paths import FARTHEST, along_coefficient, along_quantity, missed
from jaxlaws.precision import float64

_SIDE = 32  # points on each side: with both, one block of lanes
_NEAREST = 1e-4  # move


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Profile:
    """A profile likelihood.

    Attributes:
        name: the coefficient or the quantity.
        value: where the fit has it.
        values: where it was held, ascending, `(num_points,)`.
        deviances: twice the loss in log likelihood there (with priors, in log posterior density),
            all else and the spread of the residuals fitted anew, `(num_points,)`; infinite where
            no fit was found.
        level: of the interval.
        interval: the ends, where the deviance passes the quantile of chi-squared with one degree
            of freedom. Where it never does: an edge of the coefficient's domain, or as far as the
            quantity can go, infinite if that is beyond three thousand times its size.
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
    of: str | Callable[[Any], Any],
    *,
    objective: Objective = Huber(1e-3),
    weights: str | None = None,
    level: float = 0.9,
    name: str | None = None,
) -> Profile:
    """Profile a coefficient of a fit, or whatever follows from its law.

    All points are fitted side by side in one batch, then again nearer to the interval's ends. The
    likelihood is the one that goes with the objective, see `likelihood`; priors count as in the
    fit. Sub-laws and frozen coefficients stay where they are: their uncertainty is not in the
    interval.

    Args:
        result: the fit.
        runs: the runs that it was fitted to.
        of: a free coefficient's name, or a function from a law to a number, in JAX, that can be
            differentiated twice. One that is known within decades only is better seen as its log.
            A function compiles a program of its own.
        objective: what the fit minimised.
        weights: the column of weights that it was given; a run counts as so many, one on average.
        level: of the interval.
        name: what to call a quantity; None: the function's name.

    Raises:
        ValueError: the coefficient is not free, it is the only free one, the quantity is not
            finite at the fit, the level is not between 0 and 1, or the runs, the objective or the
            weights are not those of the fit.
        TypeError: no likelihood goes with the objective, or the quantity is no single number.

    >>> import jax.numpy as jnp
    >>> from fitting import LogSquares, fit
    >>> from jaxlaws.laws.kaplan import Kaplan
    >>> sizes, tokens = np.geomspace(1e7, 1e9, 9), np.tile([1e9, 4e9, 2e10], 3)
    >>> loss = 2 + 90 / sizes**0.3 + 0.03 * np.sin(np.arange(9.0))
    >>> runs = Runs.read({"num_params": sizes, "num_tokens": tokens, "loss": loss})
    >>> result = fit(Kaplan, runs, objective=LogSquares(), num_starts=8)
    >>> told = profile(
    ...     result, runs, lambda law: law.loss(num_params=1e10, num_tokens=2e10),
    ...     objective=LogSquares(), name="loss of 10B",
    ... )
    >>> bool(told.interval[0] < told.value < told.interval[1])
    True
    """
    if not 0 < level < 1:
        raise ValueError(f"expected a level between 0 and 1, got {level!r}")
    quantile = statistics.NormalDist().inv_cdf((1 + level) / 2) ** 2
    steps = np.geomspace(_NEAREST, FARTHEST, _SIDE)
    coarse = np.concatenate([-steps[::-1], steps])
    with float64():
        if isinstance(of, str):
            track = along_coefficient(result, runs, of, objective, weights)
        else:
            track = along_quantity(result, runs, of, objective, weights)
        least = deviance(objective, result.objective, result.num_runs) + missed(result)

        def rises(moves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            values, deviances = track.held(moves)
            return values, deviances - least

        coarse_values, coarse_rises = rises(coarse)
        brackets = [_bracket(sign, coarse, coarse_rises, quantile) for sign in (-1, 1)]
        fine = np.concatenate([np.linspace(*ends, _SIDE) for ends in brackets])
        fine_values, fine_rises = rises(fine)
    values = np.concatenate([[track.value], coarse_values, fine_values])
    deviances = np.concatenate([[0.0], coarse_rises, fine_rises])
    moves = np.concatenate([[0.0], coarse, fine])
    low, high = (
        track.limit(sign, values[moves * sign > 0]) if end is None else end
        for sign, end in zip(
            (-1, 1),
            map(_crossing, np.split(fine_values, 2), np.split(fine_rises, 2), [quantile] * 2),
            strict=True,
        )
    )
    values, order = np.unique(values, return_index=True)
    return Profile(
        name=name or (of if isinstance(of, str) else getattr(of, "__name__", "quantity")),
        value=track.value,
        values=values,
        deviances=deviances[order],
        level=level,
        interval=(low, high),
    )


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


def _crossing(values: np.ndarray, rises: np.ndarray, quantile: float) -> float | None:
    """The value at which the deviance passes the quantile, between points from inside out."""
    beyond = np.flatnonzero(rises >= quantile)
    if not len(beyond):
        return None
    last = max(int(beyond[0]), 1)
    roots = np.sqrt(np.maximum(rises[[last - 1, last]], 0.0))
    if not np.isfinite(roots[1]):
        return float(values[last - 1])
    return float(np.interp(quantile**0.5, roots, values[[last - 1, last]]))
