"""What a plan loses because the law behind it is not known exactly."""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from jaxlaws.foundations.annotations import Array
from jaxlaws.foundations.law import Law
from jaxlaws.planning import compute_optimal, flops_to_reach

_MOST = 0.99  # of the budget


@dataclasses.dataclass(frozen=True, kw_only=True)
class Regret:
    """The expected regret of a plan before and after further runs.

    The regret is what the plan loses against the plan by the true law, whose distribution is that
    of the laws that the runs allow.

    Attributes:
        plan_flops: the budget of the plan.
        nats: the expected difference of the losses, before and after the runs.
        flops: the same as compute: the part of the budget without which the plan by the true law
            has the loss of this plan.
        cost: the cost of the runs in FLOPs.
    """

    plan_flops: float
    nats: tuple[float, float]
    flops: tuple[float, float]
    cost: float

    @property
    def train_no_more(self) -> bool:
        """Whether the runs cost more compute than they are expected to save."""
        return not self.flops[0] - self.flops[1] > self.cost


@functools.cache
def planned_size(flops: float) -> Callable[[Law], Array]:
    """The logarithm of the compute-optimal size at a budget, as a function of a law."""

    def quantity(law: Law) -> Array:
        return jnp.log(compute_optimal(law, flops=flops).num_params)

    return quantity


def regret_of_plan(law: Law, before: Law, after: Law, *, flops: float, cost: float) -> Regret:
    """The expected regret of the compute-optimal plan of a law.

    Args:
        law: the fitted law, whose plan is followed.
        before: laws that the runs allow, a batched law `(num_draws, ...)`.
        after: the same with further runs.
        flops: the budget of the plan.
        cost: of the further runs.

    Draws whose plan is not solved do not count.
    """
    decided = compute_optimal(law, flops=flops)
    inputs = {"num_params": decided.num_params, "num_tokens": decided.num_tokens}
    loss_of_each = jax.vmap(lambda each: each.loss(**inputs))
    found = []
    for laws in (before, after):
        best = compute_optimal(laws, flops=flops)
        reached = np.asarray(loss_of_each(laws))
        lost = np.maximum(reached - np.asarray(best.loss), 0.0)
        enough = flops_to_reach(compute_optimal, laws, target_loss=reached)
        saved = np.clip(1 - np.asarray(enough.flops) / flops, 0.0, _MOST)
        found.append((float(np.nanmean(lost)), float(np.nanmean(saved)) * flops))
    (lost, spent), (lost_after, spent_after) = found
    return Regret(plan_flops=flops, nats=(lost, lost_after), flops=(spent, spent_after), cost=cost)
