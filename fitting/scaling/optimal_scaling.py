"""How the best size, tokens and loss go with compute: straight lines in logarithms.

Hoffmann et al. (2022) find them in three ways. `envelope` follows the best of the runs at each
budget, `isoflop` the minimum of each IsoFLOP profile, and `scaling_of_fit` here the plans of a
fitted law. The ways share no assumption but the lines themselves: where they disagree, look why.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from fitting.estimation.results import FitResult
from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.planning.analysis.ensembles import over_draws
from jaxlaws.planning.engine.status import Status
from jaxlaws.planning.supervised.allocation import compute_optimal

QUANTITIES = ("num_params", "num_tokens", "loss")


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class PowerLine:
    """`value = amplitude * (flops / centre) ** exponent`.

    Attributes:
        centre: the budget at which the amplitude is the value, FLOPs.
        amplitude: the value there.
        exponent: of compute.
        draws: amplitudes and exponents of resampled lines, `(2, num_draws)`; those that could not
            be drawn are left out.
    """

    centre: float
    amplitude: float
    exponent: float
    draws: np.ndarray

    def at(self, flops: Any) -> np.ndarray:
        """The value at a budget."""
        return self.amplitude * (np.asarray(flops) / self.centre) ** self.exponent

    def interval(self, flops: float, level: float = 0.9) -> tuple[float, float]:
        """The central interval of the value at a budget; NaN without draws."""
        return _central(self.draws[0] * (flops / self.centre) ** self.draws[1], level)

    def exponent_interval(self, level: float = 0.9) -> tuple[float, float]:
        """The central interval of the exponent; NaN without draws."""
        return _central(self.draws[1], level)


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class OptimalScaling:
    """How the optimum goes with compute, by one approach.

    Attributes:
        approach: which, in words.
        flops: the budgets of the points that the lines go through, `(num_points,)`.
        points: `num_params`, `num_tokens` and `loss` of each, `(num_points,)`.
        lines: the line of each. That of the loss has no floor: its exponent is a local one, which
            falls as the loss nears what cannot be reduced.
    """

    approach: str
    flops: np.ndarray
    points: Mapping[str, np.ndarray]
    lines: Mapping[str, PowerLine]


def power_lines(
    approach: str,
    flops: np.ndarray,
    points: Mapping[str, np.ndarray],
    draws: Mapping[str, np.ndarray] | None = None,
) -> OptimalScaling:
    """Least squares of logarithms through the optimum at some budgets.

    Args:
        approach: how the points were found.
        flops: budgets, `(num_points,)`.
        points: by the names of `QUANTITIES`, `(num_points,)` each.
        draws: resampled points, `(num_draws, num_points)`; NaN where there is none. A draw with
            fewer than two points gives no line.

    Raises:
        ValueError: there are fewer than two budgets.

    >>> flops = np.array([1e20, 1e21, 1e22])
    >>> points = {"num_params": flops**0.5, "num_tokens": flops**0.5 / 6, "loss": flops**-0.05}
    >>> lines = power_lines("by hand", flops, points).lines
    >>> {name: round(line.exponent, 9) for name, line in lines.items()}
    {'num_params': 0.5, 'num_tokens': 0.5, 'loss': -0.05}
    """
    if len(np.unique(flops)) < 2:
        raise ValueError(f"{approach}: a line needs the optimum at two budgets, got {len(flops)}")
    centre = float(np.exp(np.log(flops).mean()))
    lines = {}
    for name in QUANTITIES:
        (amplitude,), (exponent,) = _line(flops / centre, points[name][None])
        drawn = np.empty((2, 0)) if draws is None else _line(flops / centre, draws[name])
        drawn = drawn[:, np.isfinite(drawn).all(axis=0)]
        lines[name] = PowerLine(
            centre=centre, amplitude=float(amplitude), exponent=float(exponent), draws=drawn
        )
    return OptimalScaling(approach=approach, flops=flops, points=points, lines=lines)


def scaling_of_fit(
    result: FitResult,
    *,
    flops: Any,
    forward_flops: ForwardFlops = dense_forward_flops,
    most_draws: int = 1000,
) -> OptimalScaling:
    """Hoffmann's third approach: the plans of a fitted law, and of its bootstrap draws.

    Args:
        result: a fit of a law of size and tokens, or of a distillation law, whose supervised law
            is asked.
        flops: the budgets, `(num_points,)`.
        forward_flops: forward FLOPs per token of a size.
        most_draws: how many of the fit's draws to plan with.

    Raises:
        ValueError: fewer than two budgets, or one at which there is no plan.
        TypeError: the law has no supervised question.
    """
    budgets = np.asarray(flops, dtype=np.float64)

    def question(law: Any, **asked: Any) -> Any:
        return compute_optimal(law, forward_flops=forward_flops, **asked)

    plan = question(result.law, flops=budgets)
    solved = plan.status <= Status.BUDGET_UNSPENT
    if not np.all(solved):
        raise ValueError(
            f"the fitted law has no plan for {np.extract(~solved, budgets)[0]:g} FLOPs"
        )
    draws = None
    if result.ensemble is not None:
        ensemble = jax.tree.map(lambda leaf: leaf[:most_draws], result.usable_ensemble())
        plans = over_draws(question, ensemble, {"flops": budgets})
        solved = plans.status <= Status.BUDGET_UNSPENT
        draws = {name: np.where(solved, getattr(plans, name), np.nan) for name in QUANTITIES}
    points = {name: getattr(plan, name) for name in QUANTITIES}
    return power_lines(f"{type(result.law).__name__}, fitted", budgets, points, draws)


def _line(flops: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Amplitudes and exponents, `(2, num_draws)`, of rows of values with holes."""
    there = np.isfinite(values)
    x = np.where(there, np.log(flops), 0.0)
    y = np.log(np.where(there, values, 1.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        count = there.sum(axis=1)
        middle, height = x.sum(axis=1) / count, y.sum(axis=1) / count
        off = np.where(there, x - middle[:, None], 0.0)
        slope = (off * y).sum(axis=1) / (off**2).sum(axis=1)
        return np.stack([np.exp(height - slope * middle), slope])


def _central(values: np.ndarray, level: float) -> tuple[float, float]:
    if not values.size:
        return np.nan, np.nan
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
