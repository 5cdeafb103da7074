"""Which of the teachers that exist to distil a student from."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.inputs import as_float
from jaxlaws.planning.distillation.existing_teacher import distill_with
from jaxlaws.planning.engine.checks import distillation_law
from jaxlaws.planning.engine.evaluation import compose
from jaxlaws.planning.engine.plans import DistillationPlan, SupervisedPlan
from jaxlaws.planning.engine.status import is_solved
from jaxlaws.planning.supervised.fixed_size import train_fixed
from jaxlaws.pytree import pytree


@pytree
class TeacherChoice:
    """The teachers of a catalogue, ranked for a student.

    Leaves have the shape of the budget and the student; those of `ranking` and `plans` have the
    teachers along one axis more, the last.

    Attributes:
        best: place in the catalogue of the teacher that makes the best student; -1 where none
            makes any within the budget.
        ranking: all places, from the best on; teachers that cost too much come last.
        margin: loss by which the second is worse; NaN where there is none.
        gain: loss by which supervised training of the student is worse than the best teacher;
            negative where it is better to distil from none of them.
        plans: a plan for each, in the catalogue's order.
        supervised: the student trained without a teacher on the same budget.
    """

    best: Any
    ranking: Any
    margin: Any
    gain: Any
    plans: DistillationPlan
    supervised: SupervisedPlan


def rank_teachers(
    law: Any,
    *,
    flops: Any,
    num_student_params: Any,
    teacher_loss: Any,
    num_teacher_params: Any,
    teacher_forward_flops: Any = None,
    logits: Any = 1.0,
    num_students: Any = 1.0,
    num_inference_tokens: Any = 0.0,
    forward_flops: ForwardFlops = dense_forward_flops,
) -> TeacherChoice:
    """The teacher of a catalogue that makes the best student within a budget, and the ranking.

    A better teacher costs more logits, which leaves the student fewer tokens; and it may be too
    good. Each teacher's plan is that of `distill_with`.

    Args:
        law: a distillation law.
        flops: the whole budget, any shape.
        num_student_params: size of the student, broadcast with it.
        teacher_loss: losses of the teachers along the last axis, `(..., teachers)`.
        num_teacher_params: their sizes, broadcast with the losses.
        teacher_forward_flops: their forward FLOPs per token, where not `F` of their sizes.
        logits: the share of their inference that the budget is charged with, from 0 to 1.
        num_students: students alike that share the teacher and the budget.
        num_inference_tokens: tokens that each student will serve.
        forward_flops: forward FLOPs per token of a size.

    Returns:
        The choice: NumPy float64 outside a trace, in the caller's precision inside one. `gain`,
        `margin` and the plans have derivatives wherever the ranking does not change; which
        teacher is best is a discrete choice and has none.

    Raises:
        ValueError: an input is not positive and finite, the losses have no axis, or `logits` is
            outside [0, 1].
        TypeError: the law is no distillation law.

    >>> from jaxlaws import presets
    >>> choice = rank_teachers(
    ...     presets.load("busbridge2025_consistent"), flops=1e21, num_student_params=1e9,
    ...     teacher_loss=[2.38, 2.1, 1.95], num_teacher_params=[9.75e8, 4e9, 1.26e10],
    ... )
    >>> int(choice.best), choice.ranking.tolist(), f"{choice.gain:.3f}"
    (1, [1, 2, 0], '-0.028')
    """
    distillation_law(law)
    if np.ndim(teacher_loss) == 0:
        raise ValueError("teacher_loss needs an axis, the last, along which teachers differ")

    def lengthened(value: Any) -> Any:
        return value if np.ndim(value) == 0 else value[..., None]

    student = {
        "flops": flops,
        "num_student_params": num_student_params,
        "num_students": num_students,
        "num_inference_tokens": num_inference_tokens,
        "logits": logits,
    }
    student = {name: as_float(name, value) for name, value in student.items()}

    def answer(law: Any, student: Any, teachers: Any) -> TeacherChoice:
        plans = distill_with(
            law,
            **{name: lengthened(value) for name, value in student.items()},
            **teachers,
            forward_flops=forward_flops,
        )
        supervised = train_fixed(
            law,
            num_params=student["num_student_params"],
            flops=student["flops"] / student["num_students"],
            num_inference_tokens=student["num_inference_tokens"],
            forward_flops=forward_flops,
        )
        losses = jnp.where(is_solved(plans.status), plans.loss, jnp.inf)
        ranking = jnp.argsort(losses, axis=-1)
        ordered = jnp.take_along_axis(losses, ranking, axis=-1)
        least, some = ordered[..., 0], jnp.isfinite(ordered[..., 0])
        second = ordered[..., 1] if ordered.shape[-1] > 1 else jnp.full_like(least, jnp.inf)
        return TeacherChoice(
            best=jnp.where(some, ranking[..., 0], -1),
            ranking=ranking,
            margin=jnp.where(jnp.isfinite(second), second - jnp.where(some, least, 0.0), jnp.nan),
            gain=jnp.where(some, supervised.loss - least, jnp.nan),
            plans=plans,
            supervised=supervised,
        )

    teachers = {"teacher_loss": teacher_loss, "num_teacher_params": num_teacher_params}
    if teacher_forward_flops is not None:
        teachers["teacher_forward_flops"] = teacher_forward_flops
    return compose(answer, law, student, teachers)
