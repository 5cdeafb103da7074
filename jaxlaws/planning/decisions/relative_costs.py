"""What a distilled model takes of what a supervised one of equal size and loss takes.

The ratios of Busbridge et al. 2025, App. D.5: of compute, and of tokens with the teacher's counted
as the scenario charges them (Eq. 34).
"""

from typing import Any

import jax.numpy as jnp

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.inputs import as_float
from jaxlaws.planning.analysis.inverse import flops_to_reach
from jaxlaws.planning.distillation.distilled_student import distill
from jaxlaws.planning.engine.checks import distillation_law
from jaxlaws.planning.engine.evaluation import compose
from jaxlaws.planning.engine.plans import DistillationPlan, SupervisedPlan
from jaxlaws.planning.engine.scenarios import Scenario, check_scenario
from jaxlaws.planning.supervised.fixed_size import train_fixed
from jaxlaws.pytree import pytree


@pytree
class Ratios:
    """Distillation over supervised training at equal size and loss; below 1 it takes less.

    Attributes:
        compute: of all that the budget is charged with.
        tokens: of the student's tokens and the charged share of the teacher's, together.
        distilled: the plan of least compute that reaches the loss by distillation.
        supervised: the plan that reaches it alone.
    """

    compute: Any
    tokens: Any
    distilled: DistillationPlan
    supervised: SupervisedPlan


def relative_cost(
    law: Any,
    *,
    target_loss: Any,
    num_student_params: Any,
    scenario: Scenario,
    forward_flops: ForwardFlops = dense_forward_flops,
) -> Ratios:
    """Compute and tokens to a loss by distillation, over those by supervised training.

    `(3 F(N_S) D_S + logits F(N_T) D_S + pretraining 3 F(N_T) D_T) / (3 F(N_S) D)` and
    `(D_S + pretraining D_T) / D`, where D tokens bring a model of the student's size to the loss.

    Args:
        law: a distillation law.
        target_loss: loss to reach, any shape.
        num_student_params: size of both models, broadcast with it.
        scenario: who pays for the teacher.
        forward_flops: forward FLOPs per token of a size.

    Returns:
        The ratios and both plans, of the broadcast shape: NumPy float64 outside a trace, in the
        caller's precision inside one. NaN where a way does not reach the loss.

    Raises:
        ValueError: an input is not positive and finite, or a share of the scenario is outside
            [0, 1].
        TypeError: the law is no distillation law, or the scenario no `Scenario`.

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
    distillation_law(law)

    def answer(law: Any, target_loss: Any, size: Any, scenario: Scenario) -> Ratios:
        common = {"target_loss": target_loss, "forward_flops": forward_flops}
        distilled = flops_to_reach(
            distill, law, num_student_params=size, scenario=scenario, **common
        )
        supervised = flops_to_reach(train_fixed, law, num_params=size, **common)
        # A teacher that costs nothing has no tokens.
        charged = scenario.pretraining * distilled.num_teacher_tokens
        tokens = distilled.num_student_tokens + jnp.where(charged > 0, charged, 0.0)
        return Ratios(
            compute=distilled.flops / supervised.flops,
            tokens=tokens / supervised.num_tokens,
            distilled=distilled,
            supervised=supervised,
        )

    size = as_float("num_student_params", num_student_params)
    return compose(answer, law, as_float("target_loss", target_loss), size, scenario)
