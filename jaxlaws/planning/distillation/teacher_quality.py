"""Whether an existing teacher is too good for a student: the capacity gap."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning.distillation.existing_teacher import distill_with
from jaxlaws.planning.distillation.optimal_teacher import optimal_teacher_loss
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, Bounds, distillation_law
from jaxlaws.planning.engine.composed_inputs import (
    checked_constraints,
    checked_inputs,
    compose,
)
from jaxlaws.planning.engine.costs import Costs
from jaxlaws.planning.engine.limits import Limit
from jaxlaws.planning.engine.plans import DistillationPlan, TeacherLossPlan
from jaxlaws.planning.engine.programs import compiled_when_traced
from jaxlaws.planning.plan_dict import Answer
from jaxlaws.precision import Precision
from jaxlaws.pytree import pytree


@pytree
class TeacherQuality(Answer):
    """How good a teacher is for a student of given size and tokens.

    Attributes:
        slope: derivative of the student's loss by the teacher's loss, for constant tokens;
            negative where a better teacher makes a worse student.
        too_good: whether the slope is negative: the teacher lies beyond the capacity gap.
        gain: the student's loss minus its loss with the best teacher.
        optimal: the best teacher, by its loss.
        plan: the student's plan with the existing teacher.
    """

    slope: Array
    too_good: Array
    gain: Array
    optimal: TeacherLossPlan
    plan: DistillationPlan


@compiled_when_traced()
def assess_teacher(
    law: Tree,
    *,
    flops: Array,
    num_student_params: Array,
    teacher_loss: Array,
    num_teacher_params: Array,
    teacher_forward_flops: Array | None = None,
    logits: Array = 1.0,
    num_students: Array = 1.0,
    num_inference_tokens: Array = 0.0,
    forward_flops: ForwardFlops = dense_forward_flops,
    num_student_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    teacher_loss_bounds: Bounds | None = None,
    limits: Mapping[str, Limit] | None = None,
    cost: Costs | None = None,
    precision: Precision | None = None,
) -> TeacherQuality:
    """Whether an existing teacher is too good for a student, and the gain from the best teacher.

    The student is that of `distill_with`. `slope` and `gain` compare teachers whose logits cost
    the same, so that the student has the same tokens.

    Args:
        law: a distillation law.
        flops: the whole budget, any shape.
        num_student_params: size of the student, broadcast with the budget.
        teacher_loss: loss of the teacher.
        num_teacher_params: size of the teacher.
        teacher_forward_flops: forward FLOPs per token of the teacher, as in `distill_with`.
        logits: share of the teacher's inference that the budget is charged with, from 0 to 1.
        num_students: number of equal students; the budget pays for all.
        num_inference_tokens: tokens that each student will serve; the budget pays for serving.
        forward_flops: forward FLOPs per token of a model of given size.
        num_student_tokens_bounds: lower and upper bound of the tokens of a student.
        teacher_loss_bounds: lower and upper bound of the loss of the best teacher. None: all
            losses from the irreducible loss up.
        limits: upper limits on other quantities of the student's plan, as in `distill_with`.
        cost: prices of training, serving, logits and data, see `Costs`.
        precision: of the computation inside a trace, see `Precision`.

    Returns:
        The answer, whose leaves have the broadcast shape: NumPy float64 for concrete inputs, the
        caller's dtype inside a trace.

    Raises:
        ValueError: an input, a bound or the `most` of a limit is not positive and finite, `logits`
            is outside [0, 1], or bounds exclude each other.
        TypeError: the law is not a distillation law.

    >>> from jaxlaws import presets
    >>> quality = assess_teacher(
    ...     presets.load("busbridge2025_consistent"), flops=1e20, num_student_params=1.4e8,
    ...     teacher_loss=2.0, num_teacher_params=7.75e9,
    ... )
    >>> bool(quality.too_good), f"{quality.optimal.teacher_loss:.2f}", f"{quality.gain:.3f}"
    (True, '2.15', '0.008')
    """
    inputs = {
        "flops": flops,
        "num_student_params": num_student_params,
        "teacher_loss": teacher_loss,
        "num_teacher_params": num_teacher_params,
        "logits": logits,
        "num_students": num_students,
        "num_inference_tokens": num_inference_tokens,
    }
    if teacher_forward_flops is not None:
        inputs["teacher_forward_flops"] = teacher_forward_flops
    inputs = checked_inputs(inputs, may_be_zero=("logits", "num_inference_tokens"))
    constraints = checked_constraints(
        num_student_tokens_bounds=num_student_tokens_bounds,
        teacher_loss_bounds=teacher_loss_bounds,
        limits=limits,
        cost=cost,
    )

    def answer(law: Tree, inputs: Tree, forward_flops: Tree, constraints: Tree) -> TeacherQuality:
        loss_bounds = constraints.pop("teacher_loss_bounds")
        plan = distill_with(law, **inputs, forward_flops=forward_flops, **constraints)
        student = {
            "num_student_params": plan.num_student_params,
            "num_student_tokens": plan.num_student_tokens,
        }
        possible = jnp.isfinite(plan.loss)
        # Any finite numbers where there is no plan, so that derivatives are finite.
        some = {name: jnp.where(possible, value, 1e9) for name, value in student.items()}
        slope = jax.jvp(
            lambda loss: law.loss(**some, teacher_loss=loss),
            (jnp.where(possible, plan.teacher_loss, 1.0),),
            (jnp.ones_like(plan.loss),),
        )[1]
        optimal = optimal_teacher_loss(law, **student, teacher_loss_bounds=loss_bounds)
        return TeacherQuality(
            slope=jnp.where(possible, slope, jnp.nan),
            too_good=possible & (slope < 0),
            gain=plan.loss - optimal.loss,
            optimal=optimal,
            plan=plan,
        )

    return compose(answer, distillation_law(law), inputs, forward_flops, constraints)
