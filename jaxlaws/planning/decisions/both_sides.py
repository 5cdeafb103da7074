"""The two sides of a decision: the same student trained alone, and distilled."""

from collections.abc import Mapping

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning.distillation.distilled_student import distill
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, Bounds
from jaxlaws.planning.engine.costs import Costs
from jaxlaws.planning.engine.limits import Limit
from jaxlaws.planning.engine.plans import DistillationPlan, SupervisedPlan
from jaxlaws.planning.engine.scenarios import Scenario
from jaxlaws.planning.supervised.fixed_size import train_fixed


def train_and_distill(
    law: Tree,
    *,
    flops: Array,
    num_student_params: Array,
    scenario: Scenario,
    num_students: Array = 1.0,
    num_inference_tokens: Array = 0.0,
    forward_flops: ForwardFlops = dense_forward_flops,
    num_student_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    num_teacher_params_bounds: Bounds = DEFAULT_BOUNDS,
    num_teacher_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    limits: Mapping[str, Limit] | None = None,
    cost: Costs | None = None,
) -> tuple[SupervisedPlan, DistillationPlan]:
    """The plans of one student without a teacher and with a teacher, on one budget.

    The arguments are those of `distill`. Of several students, each is trained alone on an equal
    part of the budget. The bounds of the student's tokens hold on both sides, and so do the limits:
    a limit receives the sizes and tokens of `train_fixed` and of `distill` by their own names.
    """
    supervised = train_fixed(
        law,
        num_params=num_student_params,
        flops=flops / num_students,
        num_inference_tokens=num_inference_tokens,
        forward_flops=forward_flops,
        num_tokens_bounds=num_student_tokens_bounds,
        limits=limits,
        cost=cost,
    )
    distilled = distill(
        law,
        flops=flops,
        num_student_params=num_student_params,
        scenario=scenario,
        num_students=num_students,
        num_inference_tokens=num_inference_tokens,
        forward_flops=forward_flops,
        num_student_tokens_bounds=num_student_tokens_bounds,
        num_teacher_params_bounds=num_teacher_params_bounds,
        num_teacher_tokens_bounds=num_teacher_tokens_bounds,
        limits=limits,
        cost=cost,
    )
    return supervised, distilled
