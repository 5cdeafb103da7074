"""Loss against the cost of serving: the models that no cheaper model matches."""

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning.decisions.both_sides import train_and_distill
from jaxlaws.planning.decisions.crossover_budgets import Method
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, Bounds, distillation_law
from jaxlaws.planning.engine.composed_inputs import (
    checked_constraints,
    checked_inputs,
    compose,
    with_new_axis,
)
from jaxlaws.planning.engine.costs import Costs
from jaxlaws.planning.engine.limits import Limit
from jaxlaws.planning.engine.plans import DistillationPlan, SupervisedPlan
from jaxlaws.planning.engine.programs import compiled_when_traced
from jaxlaws.planning.engine.scenarios import (
    TEACHER_PRETRAINING_AND_INFERENCE,
    Scenario,
    check_scenario,
)
from jaxlaws.planning.engine.status import is_solved
from jaxlaws.planning.plan_dict import Answer
from jaxlaws.precision import Precision
from jaxlaws.pytree import pytree


@pytree
class Frontier(Answer):
    """The best model of each size, and the models that no smaller model matches.

    Leaves have the shape of the law and the budget, and the sizes along one more axis, the last.

    Attributes:
        num_params: the sizes, rising.
        inference_flops: FLOPs of serving one token.
        loss: loss of the better of the two methods; NaN where neither is feasible.
        method: the better `Method`; NONE where neither is feasible.
        efficient: whether no smaller model reaches this loss.
        supervised: the plans without a teacher.
        distilled: the plans with a teacher.
    """

    num_params: Array
    inference_flops: Array
    loss: Array
    method: Array
    efficient: Array
    supervised: SupervisedPlan
    distilled: DistillationPlan


@compiled_when_traced()
def serving_frontier(
    law: Tree,
    *,
    flops: Array,
    num_params: Array,
    scenario: Scenario = TEACHER_PRETRAINING_AND_INFERENCE,
    num_inference_tokens: Array = 0.0,
    forward_flops: ForwardFlops = dense_forward_flops,
    num_student_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    num_teacher_params_bounds: Bounds = DEFAULT_BOUNDS,
    num_teacher_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    limits: Mapping[str, Limit] | None = None,
    cost: Costs | None = None,
    precision: Precision | None = None,
) -> Frontier:
    """The loss that a budget reaches for each size, and which sizes are efficient.

    For each size the better of `train_fixed` and `distill` is taken. A model is efficient where
    every smaller model, which is cheaper to serve, has a higher loss.

    Args:
        law: a distillation law.
        flops: the whole budget, any shape.
        num_params: sizes along one axis, in any order.
        scenario: which costs of a teacher are charged; the default charges all.
        num_inference_tokens: tokens that each model will serve, broadcast with the budget; the
            budget pays for serving. The default is a budget for training alone.
        forward_flops: forward FLOPs per token of a size, rising with the size.
        num_student_tokens_bounds: lower and upper bound of a model's tokens.
        num_teacher_params_bounds: lower and upper bound of a teacher's size.
        num_teacher_tokens_bounds: lower and upper bound of a teacher's tokens.
        limits: upper limits on other quantities, see `Limit`.
        cost: prices of training, serving, logits and data, see `Costs`.
        precision: of the computation inside a trace, see `Precision`.

    Returns:
        The frontier: NumPy float64 outside a trace, in the caller's dtype inside one. It is
        differentiable where the better method does not change.

    Raises:
        ValueError: an input or a bound is not positive and finite, or the sizes do not have exactly
            one axis.
        TypeError: the law is not a distillation law, or the scenario is not a `Scenario`.

    >>> import numpy as np
    >>> from jaxlaws import presets
    >>> from jaxlaws.planning import FREE_TEACHER
    >>> answer = serving_frontier(
    ...     presets.load("busbridge2025_consistent"),
    ...     flops=1e21, num_params=np.geomspace(1e8, 1e11, 7), scenario=FREE_TEACHER,
    ... )
    >>> f"efficient: up to {answer.num_params[answer.efficient][-1]:.0e} parameters"
    'efficient: up to 1e+10 parameters'
    """
    check_scenario(scenario)
    if np.ndim(num_params) != 1:
        shape = np.shape(num_params)
        raise ValueError(f"num_params must be sizes along one axis, got shape {shape}")
    constraints = checked_constraints(
        num_student_tokens_bounds=num_student_tokens_bounds,
        num_teacher_params_bounds=num_teacher_params_bounds,
        num_teacher_tokens_bounds=num_teacher_tokens_bounds,
        limits=limits,
        cost=cost,
    )

    def answer(law: Tree, inputs: Tree, scenario: Scenario, constraints: Tree) -> Frontier:
        sizes = _sorted(jnp.asarray(inputs.pop("num_params"), float))
        of_token = with_new_axis(forward_flops)
        supervised, distilled = train_and_distill(
            with_new_axis(law),
            num_student_params=sizes,
            scenario=with_new_axis(scenario),
            forward_flops=of_token,
            **with_new_axis(inputs),
            **with_new_axis(constraints),
        )
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
            inference_flops=of_token(sizes),
            loss=jnp.where(jnp.isfinite(loss), loss, jnp.nan),
            method=jnp.where(jnp.isfinite(loss), better, Method.NONE).astype(jnp.int32),
            efficient=loss < before,
            supervised=supervised,
            distilled=distilled,
        )

    inputs = {
        "num_params": num_params,
        "flops": flops,
        "num_inference_tokens": num_inference_tokens,
    }
    inputs = checked_inputs(inputs, may_be_zero=("num_inference_tokens",))
    return compose(answer, distillation_law(law), inputs, scenario, constraints)


def _sorted(sizes: Array) -> Array:
    """Not by `jnp.sort`, whose transpose would leave float64 in a float32 program."""
    places = jnp.arange(len(sizes))[None, :]
    return jnp.where(jnp.argsort(sizes)[:, None] == places, sizes[None, :], 0.0).sum(axis=-1)
