"""The plans of three strategies, what the winner saves, and their losses under the draws."""

import functools

import jax
import numpy as np

from jaxlaws.cli.explorer.programs import (
    NUM_BUDGETS,
    budgets_with,
    program,
    traced_scenario,
)
from jaxlaws.cli.explorer.view import BUDGET, NUM_DRAWS, Given
from jaxlaws.compute import ForwardFlops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning import (
    Comparison,
    Scenario,
    Winner,
    compare,
    loss_under,
)

_MOST_SAVED = 1e3  # the largest factor of compute that the winner is assumed to save
_NUM_CALLS = 2  # then the bracket is a 70th of a decade, and a line is exact to five digits
NAMES = {"train": "compute-optimal", "overtrain": "overtrained", "distil": "distilled"}


@program("forward_flops")
def _compared(
    *, law: Tree, scenario: Scenario, forward_flops: ForwardFlops, **inputs: Array
) -> Comparison:
    return compare(law, **inputs, scenario=scenario, forward_flops=forward_flops)


@program()
def _losses_of_draws(*, draws: Tree, options: Tree) -> dict[str, Array]:
    return {name: loss_under(draws, plan) for name, plan in options.items()}


class Found:
    """The comparison for all budgets, the draws, and the winner for the user's budget."""

    def __init__(self, given: Given) -> None:
        source = given.law.source
        self.given, self.unit, self.fitted = given, source.loss_unit, source.fitted_range
        self.budget = given["flops"]
        self.scenario = traced_scenario(given["scenario"])
        self.budgets = budgets_with(self.budget, BUDGET.low, BUDGET.high)
        self.size, self.served = given["num_student_params"], given["num_inference_tokens"]
        self.comparison = self._compare(self.budgets, self.size)
        self.winners = self.comparison.winner
        self.here = {
            name: jax.tree.map(lambda leaf: leaf[-1], self.comparison.options[name])
            for name in NAMES
        }
        self.eligible = {name: bool(v[-1]) for name, v in self.comparison.eligible.items()}
        self.winner = None if self.winners[-1] < 0 else Winner(int(self.winners[-1])).name.lower()
        others = {n: p.loss for n, p in self.here.items() if self.eligible[n] and n != self.winner}
        self.second = min(others, key=others.__getitem__) if others else None
        self.margin = float(self.comparison.margin[-1])
        self.draws = self._losses_of_draws() if source.ensemble is not None else None

    def _losses_of_draws(self) -> dict[str, np.ndarray]:
        draws = self.given.law.draws(NUM_DRAWS, num_axes=1)
        options = dict(self.comparison.options)
        return self.given.timed(lambda: _losses_of_draws(draws=draws, options=options))

    @functools.cached_property
    def compute_saved(self) -> float:
        """The share of the budget that the winner does not need for the loss of the next best."""
        if self.winner is None or self.second is None:
            return np.nan
        winner, target = self.winner, float(self.here[self.second].loss)
        low, high = np.log(self.budget / _MOST_SAVED), np.log(self.budget)
        at_low = at_high = np.nan
        # One call evaluates as many budgets as a curve has, so that each narrows the bracket by a
        # factor of 15; a search step by step takes five times as long.
        for _ in range(_NUM_CALLS):
            log_flops = np.linspace(low, high, NUM_BUDGETS)
            losses = self._losses_of(winner, np.exp(log_flops))
            first = int(np.argmax(losses <= target))
            if first == 0:  # no budget of the bracket, or the least one
                return np.nan
            (low, high), (at_low, at_high) = log_flops[first - 1 :][:2], losses[first - 1 :][:2]
        log_needed = low + (high - low) * (at_low - target) / (at_low - at_high)
        return 1 - float(np.exp(log_needed)) / self.budget

    def _compare(self, budgets: np.ndarray, size: float) -> Comparison:
        """The one program of this view: another would compile while a slider moves."""
        return self.given.timed(
            lambda: _compared(
                law=self.given.law.source.law,
                scenario=self.scenario,
                forward_flops=self.given.forward_flops,
                flops=budgets,
                num_student_params=size,
                num_inference_tokens=self.served,
            )
        )

    def _losses_of(self, strategy: str, budgets: np.ndarray) -> np.ndarray:
        """The losses of a strategy's size with other budgets; NaN where it is not possible."""
        if strategy == "train":  # its size stays, so it is a fixed size as that of `overtrain`
            size = float(self.here["train"].num_params)
            return self._compare(budgets, size).options["overtrain"].loss
        return self._compare(budgets, self.size).options[strategy].loss

    @functools.cached_property
    def share_of_draws(self) -> float:
        """The share of the draws under which the plan of the winner has the lowest loss."""
        if self.draws is None or self.winner is None:
            return np.nan
        losses = [self.draws[name][:, -1] for name, may_win in self.eligible.items() if may_win]
        return float(np.mean(self.draws[self.winner][:, -1] <= np.min(losses, axis=0)))
