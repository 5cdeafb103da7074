"""Loss against the cost of serving: which sizes, trained or distilled, no other beats in both."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.inputs import as_float
from jaxlaws.planning.decisions.crossover_budgets import Method
from jaxlaws.planning.distillation.distilled_student import distill
from jaxlaws.planning.engine.checks import distillation_law
from jaxlaws.planning.engine.evaluation import compose
from jaxlaws.planning.engine.plans import DistillationPlan, SupervisedPlan
from jaxlaws.planning.engine.scenarios import Scenario, check_scenario
from jaxlaws.planning.engine.status import is_solved
from jaxlaws.planning.supervised.fixed_size import train_fixed
from jaxlaws.pytree import pytree


@pytree
class Frontier:
    """The best model of each size, and which of them are worth having.

    Leaves have the shape of the budget and, along one axis more, the last, the sizes.

    Attributes:
        num_params: the sizes, rising.
        inference_flops: what serving a token costs.
        loss: of the better of the two methods; NaN where neither can be paid for.
        method: the better `Method`; NONE where neither can be.
        efficient: whether no smaller model reaches that loss.
        supervised: the plans without a teacher.
        distilled: those with one.
    """

    num_params: Any
    inference_flops: Any
    loss: Any
    method: Any
    efficient: Any
    supervised: SupervisedPlan
    distilled: DistillationPlan


def serving_frontier(
    law: Any,
    *,
    flops: Any,
    num_params: Any,
    scenario: Scenario,
    forward_flops: ForwardFlops = dense_forward_flops,
) -> Frontier:
    """The loss that a training budget reaches at each cost of serving, the dominated marked.

    Of each size the better of `train_fixed` and `distill` is taken. A model is dominated where a
    smaller one, which is cheaper to serve, has no higher loss: `efficient` picks the others.

    Args:
        law: a distillation law.
        flops: the budget of training, any shape.
        num_params: sizes along one axis, in any order.
        scenario: who pays for a teacher.
        forward_flops: forward FLOPs per token of a size, rising.

    Returns:
        The frontier: NumPy float64 outside a trace, in the caller's precision inside one. It is
        differentiable where the better method does not change.

    Raises:
        ValueError: an input is not positive and finite, or the sizes have not one axis.
        TypeError: the law is no distillation law, or the scenario no `Scenario`.

    >>> import numpy as np
    >>> from jaxlaws import presets
    >>> from jaxlaws.planning import FREE_TEACHER
    >>> answer = serving_frontier(
    ...     presets.load("busbridge2025_consistent"),
    ...     flops=1e21, num_params=np.geomspace(1e8, 1e11, 7), scenario=FREE_TEACHER,
    ... )
    >>> f"worth having: up to {answer.num_params[answer.efficient][-1]:.0e} parameters"
    'worth having: up to 1e+10 parameters'
    """
    check_scenario(scenario)
    if np.ndim(num_params) != 1:
        shape = np.shape(num_params)
        raise ValueError(f"num_params must be sizes along one axis, got shape {shape}")

    def answer(law: Any, flops: Any, sizes: Any, scenario: Scenario) -> Frontier:
        flops = flops if np.ndim(flops) == 0 else flops[..., None]
        sizes = jnp.sort(jnp.asarray(sizes, float))
        common = {"flops": flops, "forward_flops": forward_flops}
        supervised = train_fixed(law, num_params=sizes, **common)
        distilled = distill(law, num_student_params=sizes, scenario=scenario, **common)
        alone, taught = (
            jnp.where(is_solved(plan.status), plan.loss, jnp.inf)
            for plan in (supervised, distilled)
        )
        loss = jnp.minimum(alone, taught)
        least = lax.cummin(loss, axis=loss.ndim - 1)
        before = jnp.concatenate([jnp.full_like(least[..., :1], jnp.inf), least[..., :-1]], axis=-1)
        better = jnp.where(taught < alone, Method.DISTILLATION, Method.SUPERVISED)
        sizes = jnp.broadcast_to(sizes, loss.shape)
        return Frontier(
            num_params=sizes,
            inference_flops=forward_flops(sizes),
            loss=jnp.where(jnp.isfinite(loss), loss, jnp.nan),
            method=jnp.where(jnp.isfinite(loss), better, Method.NONE).astype(jnp.int32),
            efficient=loss < before,
            supervised=supervised,
            distilled=distilled,
        )

    given = (as_float("flops", flops), as_float("num_params", num_params), scenario)
    return compose(answer, distillation_law(law), *given)
