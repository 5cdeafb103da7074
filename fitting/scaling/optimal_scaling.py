"""Compute-optimal scaling: power laws of the best size, tokens and loss in compute.

Hoffmann et al. (2022) estimate them by three approaches. `envelope` uses the best run at each
budget, `isoflop` the minimum of each IsoFLOP profile, and `scaling_of_fit` in this module the plans
of a fitted law. The approaches have only the power laws in common. If they disagree, find out why.
"""

import dataclasses
from collections.abc import Mapping

import jax
import numpy as np

from fitting.estimation.results import FitResult
from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.law import Law
from jaxlaws.foundations.quantities import format_flops
from jaxlaws.foundations.text.cards import Card, Displayed
from jaxlaws.foundations.text.cells import cell, heading
from jaxlaws.foundations.text.tables import Table
from jaxlaws.planning import compute_optimal, is_solved, over_draws

QUANTITIES = ("num_params", "num_tokens", "loss")


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class PowerLine(Displayed):
    """`value = amplitude * (flops / centre) ** exponent`.

    Attributes:
        centre: a budget in FLOPs.
        amplitude: the value at this budget.
        exponent: exponent of compute.
        draws: amplitudes and exponents of resampled power laws, `(2, num_draws)`, without the
            draws that gave none.
    """

    centre: float
    amplitude: float
    exponent: float
    draws: np.ndarray

    def at(self, flops: Array) -> np.ndarray:
        """The value at each budget."""
        return self.amplitude * (np.asarray(flops) / self.centre) ** self.exponent

    def interval(self, flops: float, level: float = 0.9) -> tuple[float, float]:
        """The central interval of the value at a budget; NaN if there are no draws."""
        return _central(self.draws[0] * (flops / self.centre) ** self.draws[1], level)

    def exponent_interval(self, level: float = 0.9) -> tuple[float, float]:
        """The central interval of the exponent; NaN if there are no draws."""
        return _central(self.draws[1], level)

    def _card(self) -> Card:
        return Card("Power law of compute", Table(_HEADS, [_row("value", self)]), [_centre(self)])


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class OptimalScaling(Displayed):
    """The compute-optimal size, tokens and loss as functions of compute, by one approach.

    Attributes:
        approach: name of the approach.
        flops: budgets of the points, `(num_points,)`.
        points: `num_params`, `num_tokens` and `loss` of each point, `(num_points,)` each.
        lines: a power law through the points of each. The one of the loss has no irreducible loss,
            so its exponent holds near these budgets only; it falls with more compute.
    """

    approach: str
    flops: np.ndarray
    points: Mapping[str, np.ndarray]
    lines: Mapping[str, PowerLine]

    def _card(self) -> Card:
        rows = [_row(name, line) for name, line in self.lines.items()]
        title = f"Compute-optimal scaling by {self.approach}, through {len(self.flops)} budgets"
        return Card(title, Table(_HEADS, rows), [_centre(next(iter(self.lines.values())))])


_HEADS = ("", "exponent", "low (90%)", "high", "at the centre")


def _row(name: str, line: PowerLine) -> list[str]:
    ends = ["–" if np.isnan(end) else f"{end:.3f}" for end in line.exponent_interval()]
    return [heading(name), f"{line.exponent:.3f}", *ends, cell(name, line.amplitude)]


def _centre(line: PowerLine) -> str:
    return f"The centre is at {format_flops(line.centre)} FLOPs."


def power_lines(
    approach: str,
    flops: np.ndarray,
    points: Mapping[str, np.ndarray],
    draws: Mapping[str, np.ndarray] | None = None,
) -> OptimalScaling:
    """Fit power laws through the optimum at some budgets, by least squares of logarithms.

    Args:
        approach: name of the approach that found the points.
        flops: budgets, `(num_points,)`.
        points: `num_params`, `num_tokens` and `loss` of the optimum, `(num_points,)` each.
        draws: the same for resampled runs, `(num_draws, num_points)` each; NaN for a missing
            point. Draws with fewer than two points are left out.

    Raises:
        ValueError: there are fewer than two budgets.

    >>> flops = np.array([1e20, 1e21, 1e22])
    >>> points = {"num_params": flops**0.5, "num_tokens": flops**0.5 / 6, "loss": flops**-0.05}
    >>> lines = power_lines("by hand", flops, points).lines
    >>> {name: round(line.exponent, 9) for name, line in lines.items()}
    {'num_params': 0.5, 'num_tokens': 0.5, 'loss': -0.05}
    """
    if len(np.unique(flops)) < 2:
        raise ValueError(
            f"{approach}: a power law needs the optimum at two budgets, got {len(flops)}"
        )
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
    flops: Array,
    forward_flops: ForwardFlops = dense_forward_flops,
    most_draws: int = 1000,
) -> OptimalScaling:
    """Fit power laws through the plans of a fitted law: the third approach of Hoffmann et al.

    Args:
        result: a fit of a law of size and tokens, or of a distillation law, whose supervised law
            makes the plans.
        flops: budgets, `(num_points,)`.
        forward_flops: function from a size to forward FLOPs per token.
        most_draws: largest number of bootstrap draws to plan with.

    Raises:
        ValueError: there are fewer than two budgets, or a budget has no plan.
        TypeError: the law cannot plan supervised training.
    """
    budgets = np.asarray(flops, dtype=np.float64)

    def question(law: Law, *, flops: Array) -> Tree:
        return compute_optimal(law, forward_flops=forward_flops, flops=flops)

    plan = question(result.law, flops=budgets)
    solved = np.asarray(is_solved(plan.status))
    if not np.all(solved):
        raise ValueError(
            f"the fitted law has no plan for {np.extract(~solved, budgets)[0]:g} FLOPs: leave out "
            "this budget"
        )
    draws = None
    if result.ensemble is not None:
        ensemble = jax.tree.map(lambda leaf: leaf[:most_draws], result.usable_ensemble())
        plans = over_draws(question, ensemble, {"flops": budgets})
        solved = np.asarray(is_solved(plans.status))
        draws = {name: np.where(solved, getattr(plans, name), np.nan) for name in QUANTITIES}
    points = {name: getattr(plan, name) for name in QUANTITIES}
    return power_lines(f"{type(result.law).__name__}, fitted", budgets, points, draws)


def _line(flops: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Amplitudes and exponents, `(2, num_draws)`, of rows of values; NaN for a missing value."""
    is_known = np.isfinite(values)
    x = np.where(is_known, np.log(flops), 0.0)
    y = np.log(np.where(is_known, values, 1.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        count = is_known.sum(axis=1)
        middle, height = x.sum(axis=1) / count, y.sum(axis=1) / count
        off = np.where(is_known, x - middle[:, None], 0.0)
        slope = (off * y).sum(axis=1) / (off**2).sum(axis=1)
        return np.stack([np.exp(height - slope * middle), slope])


def _central(values: np.ndarray, level: float) -> tuple[float, float]:
    if not values.size:
        return np.nan, np.nan
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
