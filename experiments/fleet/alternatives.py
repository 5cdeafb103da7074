"""What else the company could do: a product as the teacher, or no teacher; with each preset."""

from collections.abc import Callable, Iterator

import numpy as np

from experiments.fleet.problem import BUDGET, DEMAND, SIZES, WEIGHTS, cost, fleet_plan, num_tokens
from jaxlaws import presets
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning import TEACHER_PRETRAINING, Scenario

PRESETS = ("busbridge2025_refit", "busbridge2025_consistent")
_MONEY = np.linspace(0.0, 0.97 * BUDGET, 971)  # for data, dollars


def _distilled(law: Tree) -> Array:
    return fleet_plan(_MONEY, law).loss


def _logits_once(law: Tree) -> Array:
    once = Scenario(logits=1 / len(SIZES), pretraining=TEACHER_PRETRAINING.pretraining)
    return fleet_plan(_MONEY, law, scenario=once).loss


def _taught_by_the_largest(law: Tree) -> Array:
    """The largest product is the teacher of the others; the planner also pays for serving it."""
    largest = SIZES[-1]
    serving = cost.serving * 2 * largest * DEMAND[-1]
    plan = fleet_plan(
        _MONEY,
        law,
        products=slice(-1),
        budget=BUDGET - serving,
        num_teacher_params_bounds=(largest, largest),
    )
    of_others = WEIGHTS[:-1].sum() / WEIGHTS.sum()
    return of_others * plan.loss + (1 - of_others) * plan.teacher_loss


def _alone(law: Tree) -> Array:
    """Every product is trained on all tokens, without a teacher; NaN where the money is short."""
    tokens = num_tokens(_MONEY)
    flops = cost.training * 6 * SIZES.sum() * tokens + cost.serving * 2 * SIZES @ DEMAND
    losses = law.supervised.loss(num_params=SIZES[:, None], num_tokens=tokens[None])
    return np.where(_MONEY + flops <= BUDGET, WEIGHTS / WEIGHTS.sum() @ losses, np.nan)


WAYS: dict[str, Callable[[Tree], Array]] = {
    "one teacher for all products": _distilled,
    "the same, each token's logits computed once": _logits_once,
    "the largest product teaches the others": _taught_by_the_largest,
    "no teacher": _alone,
}


def rows() -> Iterator[list[str]]:
    """Yield a row for each way: its name, and the least mean loss with each preset."""
    laws = [presets.load(name) for name in PRESETS]
    for name, losses in WAYS.items():
        yield [name, *(f"{np.nanmin(losses(law)):.4f}" for law in laws)]
