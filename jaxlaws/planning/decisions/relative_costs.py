"""The cost of distillation relative to supervised training, at equal size and loss.

These are the ratios of Busbridge et al. 2025, App. D.5: of compute, and of tokens, where the
teacher's tokens count as far as the scenario charges them (Eq. 34).
"""

import operator
from collections.abc import Mapping

import jax.numpy as jnp

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning.analysis.inverse import flops_to_reach
from jaxlaws.planning.distillation.distilled_student import distill
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, Bounds, distillation_law
from jaxlaws.planning.engine.composed_inputs import (
    checked_constraints,
    checked_inputs,
    compose,
)
from jaxlaws.planning.engine.costs import Costs
from jaxlaws.planning.engine.limits import Limit
from jaxlaws.planning.engine.plans import DistillationPlan, SupervisedPlan, where_known
from jaxlaws.planning.engine.programs import compiled_when_traced
from jaxlaws.planning.engine.scenarios import (
    TEACHER_PRETRAINING_AND_INFERENCE,
    Scenario,
    check_scenario,
)
from jaxlaws.planning.plan_dict import Answer
from jaxlaws.planning.supervised.fixed_size import train_fixed
from jaxlaws.precision import Precision
from jaxlaws.pytree import pytree


@pytree
class Ratios(Answer):
    """Distillation over supervised training, at equal size and loss. Below 1 it costs less.

    Attributes:
        compute: ratio of all compute that the budget is charged with.
        tokens: ratio of tokens: the student's, and the charged share of the teacher's.
        distilled: the plan of least compute that reaches the loss by distillation.
        supervised: the plan that reaches the loss by supervised training.
    """

    compute: Array
    tokens: Array
    distilled: DistillationPlan
    supervised: SupervisedPlan


@compiled_when_traced()
def relative_cost(
    law: Tree,
    *,
    target_loss: Array,
    num_student_params: Array,
    scenario: Scenario = TEACHER_PRETRAINING_AND_INFERENCE,
    num_inference_tokens: Array = 0.0,
    forward_flops: ForwardFlops = dense_forward_flops,
    num_student_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    num_teacher_params_bounds: Bounds = DEFAULT_BOUNDS,
    num_teacher_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    limits: Mapping[str, Limit] | None = None,
    cost: Costs | None = None,
    precision: Precision | None = None,
) -> Ratios:
    """Compute and tokens to a loss by distillation, relative to supervised training.

    `(3 F(N_S) D_S + logits F(N_T) D_S + pretraining 3 F(N_T) D_T) / (3 F(N_S) D)` and
    `(D_S + pretraining D_T) / D`, where a model of the student's size reaches the loss on D tokens.

    Args:
        law: a distillation law.
        target_loss: loss to reach, any shape.
        num_student_params: size of both models, broadcast with the loss.
        scenario: which costs of the teacher are charged; the default charges all.
        num_inference_tokens: tokens that both models will serve; `compute` then counts serving.
        forward_flops: forward FLOPs per token of a size.
        num_student_tokens_bounds: lower and upper bound of the student's tokens, on both sides.
        num_teacher_params_bounds: lower and upper bound of the teacher's size.
        num_teacher_tokens_bounds: lower and upper bound of the teacher's tokens.
        limits: upper limits on other quantities, on both sides, see `Limit`.
        cost: prices of training, serving, logits and data, see `Costs`. `compute` is then the
            ratio of what both spend.
        precision: of the computation inside a trace, see `Precision`.

    Returns:
        The ratios and both plans, of the broadcast shape: NumPy float64 outside a trace, in the
        caller's dtype inside one. NaN where one of the two methods does not reach the loss.

    Raises:
        ValueError: an input or a bound is not positive and finite, or a share of the scenario is
            outside [0, 1].
        TypeError: the law is not a distillation law, or the scenario is not a `Scenario`.

    >>> from jaxlaws import presets
    >>> from jaxlaws.planning import TEACHER_INFERENCE
    >>> law = presets.load("busbridge2025_consistent")
    >>> ratios = relative_cost(
    ...     law, target_loss=2.4, num_student_params=5e8, scenario=TEACHER_INFERENCE
    ... )
    >>> f"{ratios.compute:.2f} of the compute, {ratios.tokens:.2f} of the tokens"
    '0.81 of the compute, 0.62 of the tokens'
    """
    check_scenario(scenario)
    law = distillation_law(law)
    constraints = checked_constraints(
        num_student_tokens_bounds=num_student_tokens_bounds,
        num_teacher_params_bounds=num_teacher_params_bounds,
        num_teacher_tokens_bounds=num_teacher_tokens_bounds,
        limits=limits,
        cost=cost,
    )

    def answer(law: Tree, inputs: Tree, scenario: Scenario, constraints: Tree) -> Ratios:
        given = {**inputs, "forward_flops": forward_flops}
        distilled = flops_to_reach(distill, law, scenario=scenario, **given, **constraints)
        supervised = flops_to_reach(
            train_fixed,
            law,
            num_params=given.pop("num_student_params"),
            num_tokens_bounds=constraints["num_student_tokens_bounds"],
            limits=constraints["limits"],
            cost=constraints["cost"],
            **given,
        )
        # A teacher that costs nothing has no tokens.
        of_teacher = distilled.num_teacher_tokens
        of_teacher = jnp.where(jnp.isnan(of_teacher), 0.0, of_teacher)
        tokens = distilled.num_student_tokens + scenario.pretraining * of_teacher
        return Ratios(
            compute=where_known(operator.truediv, distilled.flops, supervised.flops),
            tokens=where_known(operator.truediv, tokens, supervised.num_tokens),
            distilled=distilled,
            supervised=supervised,
        )

    inputs = {
        "target_loss": target_loss,
        "num_student_params": num_student_params,
        "num_inference_tokens": num_inference_tokens,
    }
    inputs = checked_inputs(inputs, may_be_zero=("num_inference_tokens",))
    return compose(answer, law, inputs, scenario, constraints)
