"""The plans of three strategies, what the winner saves, and their losses under the draws."""

import functools

import jax
import numpy as np

from jaxlaws.cli.explorer.programs import budgets_with, program, traced_scenario
from jaxlaws.cli.explorer.view import (
    BUDGET,
    NUM_DRAWS,
    Given,
)
from jaxlaws.compute import ForwardFlops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning import (
    Comparison,
    Scenario,
    Winner,
    compare,
    distill,
    flops_to_reach,
    loss_under,
    train_fixed,
)

NAMES = {"train": "compute-optimal", "overtrain": "overtrained", "distil": "distilled"}


@program("forward_flops")
def _compared(
    *, law: Tree, scenario: Scenario, forward_flops: ForwardFlops, **inputs: Array
) -> Comparison:
    return compare(law, **inputs, scenario=scenario, forward_flops=forward_flops)


@program("forward_flops")
def _budget_of_distilling(
    *, law: Tree, scenario: Scenario, forward_flops: ForwardFlops, **inputs: Array
) -> Array:
    plan = flops_to_reach(distill, law, scenario=scenario, forward_flops=forward_flops, **inputs)
    return plan.flops


@program("forward_flops")
def _budget_of_training(*, law: Tree, forward_flops: ForwardFlops, **inputs: Array) -> Array:
    return flops_to_reach(train_fixed, law, forward_flops=forward_flops, **inputs).flops


@program()
def _losses_of_draws(*, draws: Tree, options: Tree) -> dict[str, Array]:
    return {name: loss_under(draws, plan) for name, plan in options.items()}


class Found:
    """The comparison for all budgets, the draws, and the winner for the user's budget."""

    def __init__(self, given: Given) -> None:
        source = given.law.source
        self.given, self.unit, self.fitted = given, source.loss_unit, source.fitted_range
        self.budget = given["flops"]
        self.inputs = {
            "flops": budgets_with(self.budget, BUDGET.low, BUDGET.high),
            "num_student_params": given["num_student_params"],
            "num_inference_tokens": given["num_inference_tokens"],
        }
        self.scenario = traced_scenario(given["scenario"])
        self.comparison = given.timed(
            lambda: _compared(
                law=source.law,
                scenario=self.scenario,
                forward_flops=given.forward_flops,
                **self.inputs,
            )
        )
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
        target, given = self.here[self.second].loss, self.given
        common = {
            "law": given.law.source.law,
            "target_loss": target,
            "forward_flops": given.forward_flops,
            "num_inference_tokens": self.inputs["num_inference_tokens"],
        }
        if self.winner == "distil":
            size = {"num_student_params": self.inputs["num_student_params"]}
            needed = given.timed(
                lambda: _budget_of_distilling(**common, **size, scenario=self.scenario)
            )
        else:
            size = {"num_params": self.here[self.winner].num_params}
            needed = given.timed(lambda: _budget_of_training(**common, **size))
        return 1 - float(needed) / self.budget

    @functools.cached_property
    def share_of_draws(self) -> float:
        """The share of the draws under which the plan of the winner has the lowest loss."""
        if self.draws is None or self.winner is None:
            return np.nan
        losses = [self.draws[name][:, -1] for name, may_win in self.eligible.items() if may_win]
        return float(np.mean(self.draws[self.winner][:, -1] <= np.min(losses, axis=0)))
