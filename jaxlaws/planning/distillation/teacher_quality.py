"""Whether a teacher that exists is too good for a student: where it lies in the capacity gap."""

from typing import Any

import jax
import jax.numpy as jnp

from jaxlaws.planning.distillation.existing_teacher import distill_with
from jaxlaws.planning.distillation.optimal_teacher import optimal_teacher_loss
from jaxlaws.planning.engine.checks import distillation_law
from jaxlaws.planning.engine.evaluation import compose
from jaxlaws.planning.engine.plans import DistillationPlan, TeacherLossPlan
from jaxlaws.pytree import pytree


@pytree
class TeacherQuality:
    """How good a teacher is for a student of given size and tokens.

    Attributes:
        slope: what the student's loss rises by per nat of the teacher's, tokens held; negative
            where a better teacher makes a worse student.
        too_good: whether it is: the teacher lies beyond the capacity gap.
        gain: what the student would gain from the teacher that is best for it.
        optimal: that teacher, by loss.
        plan: the student's plan with the teacher at hand.
    """

    slope: Any
    too_good: Any
    gain: Any
    optimal: TeacherLossPlan
    plan: DistillationPlan


def assess_teacher(
    law: Any,
    *,
    flops: Any,
    num_student_params: Any,
    teacher_loss: Any,
    num_teacher_params: Any,
    **asked: Any,
) -> TeacherQuality:
    """Whether a teacher that exists is too good for a student, and what a better one would bring.

    The student is that of `distill_with`; `slope` and `gain` hold its tokens, so they are those of
    a teacher of another loss at the same cost of logits.

    Args:
        law: a distillation law.
        flops: the whole budget, any shape.
        num_student_params: size of the student, broadcast with the budget.
        teacher_loss: the teacher's loss.
        num_teacher_params: its size.
        asked: what else `distill_with` takes.

    Raises:
        ValueError: an input is not positive and finite, or as `distill_with`.
        TypeError: the law is no distillation law.

    >>> from jaxlaws import presets
    >>> quality = assess_teacher(
    ...     presets.load("busbridge2025_consistent"), flops=1e20, num_student_params=1.4e8,
    ...     teacher_loss=2.0, num_teacher_params=7.75e9,
    ... )
    >>> bool(quality.too_good), f"{quality.optimal.teacher_loss:.2f}", f"{quality.gain:.3f}"
    (True, '2.15', '0.008')
    """
    teacher = {"teacher_loss": teacher_loss, "num_teacher_params": num_teacher_params}

    def answer(law: Any, student: Any, teacher: Any, asked: Any) -> TeacherQuality:
        plan = distill_with(law, **student, **teacher, **asked)
        held = {
            "num_student_params": plan.num_student_params,
            "num_student_tokens": plan.num_student_tokens,
        }
        slope = jax.jvp(
            lambda loss: law.loss(**held, teacher_loss=loss),
            (jnp.asarray(plan.teacher_loss),),
            (jnp.ones_like(plan.teacher_loss),),
        )[1]
        optimal = optimal_teacher_loss(law, **held)
        return TeacherQuality(
            slope=slope,
            too_good=slope < 0,
            gain=plan.loss - optimal.loss,
            optimal=optimal,
            plan=plan,
        )

    student = {"flops": flops, "num_student_params": num_student_params}
    return compose(answer, distillation_law(law), student, teacher, asked)
