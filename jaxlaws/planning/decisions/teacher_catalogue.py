"""Which of the teachers that exist is the best for a student."""

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.text.cells import cell, heading
from jaxlaws.foundations.text.tables import Table
from jaxlaws.planning.distillation.existing_teacher import distill_with
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
from jaxlaws.planning.engine.status import is_solved
from jaxlaws.planning.plan_dict import Answer
from jaxlaws.planning.supervised.fixed_size import train_fixed
from jaxlaws.precision import Precision
from jaxlaws.pytree import pytree

# What the card of a choice shows of the plan with each teacher.
_OF_TEACHER = ("num_teacher_params", "teacher_loss", "num_student_tokens", "loss")


@pytree
class TeacherChoice(Answer):
    """The teachers of a catalogue, ranked for a student.

    Leaves have the shape of the law, the budget and the student. `ranking` and `plans` have the
    teachers along one more axis, the last.

    Attributes:
        best: index in the catalogue of the teacher that makes the best student; -1 where no
            teacher makes a student within the budget.
        ranking: all indices, the best first; teachers that cost too much come last.
        margin: loss by which the second best is worse; NaN where there is no second.
        gain: loss by which supervised training of the student is worse than the best teacher;
            negative where training without a teacher is better.
        plans: a plan for each teacher, in the order of the catalogue.
        supervised: the student trained without a teacher on the same budget.
    """

    best: Array
    ranking: Array
    margin: Array
    gain: Array
    plans: DistillationPlan
    supervised: SupervisedPlan

    def _in_short(self) -> tuple[str, Table] | None:
        if not np.issubdtype(self.ranking.dtype, np.integer):  # a derivative or a mean of choices
            return None
        rows = []
        for at in self.ranking.tolist():
            plan = {name: float(getattr(self.plans, name)[at]) for name in _OF_TEACHER}
            rows.append([str(at), *(cell(name, number) for name, number in plan.items())])
        alone = self.supervised
        tokens, loss = cell("num_tokens", float(alone.num_tokens)), cell("loss", float(alone.loss))
        rows.append(["none", "", "", tokens, loss])
        best = (
            f"the best teacher is {int(self.best)}" if self.best >= 0 else "no teacher is possible"
        )
        better = "better" if self.gain >= 0 else "worse"
        gain = cell("gain", abs(float(self.gain)))
        title = f"{best}; its student is {better} than one trained alone, by {gain}"
        return title if self.best >= 0 else best, Table(
            ["teacher", *map(heading, _OF_TEACHER)], rows
        )


@compiled_when_traced()
def rank_teachers(
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
    limits: Mapping[str, Limit] | None = None,
    cost: Costs | None = None,
    precision: Precision | None = None,
) -> TeacherChoice:
    """The teacher of a catalogue that makes the best student within a budget, and the ranking.

    The logits of a better teacher usually cost more, which leaves fewer tokens for the student;
    and a teacher may be too good for a student (capacity gap). The plan of each teacher is that
    of `distill_with`.

    Args:
        law: a distillation law.
        flops: the whole budget, any shape.
        num_student_params: size of the student, broadcast with the budget.
        teacher_loss: losses of the teachers along the last axis, `(..., teachers)`.
        num_teacher_params: sizes of the teachers, broadcast with the losses.
        teacher_forward_flops: forward FLOPs per token of the teachers, where they are not `F` of
            their sizes.
        logits: share of the teacher's inference that the budget is charged with, from 0 to 1.
        num_students: number of equal students that share the teacher and the budget.
        num_inference_tokens: tokens that each student will serve.
        forward_flops: forward FLOPs per token of a size.
        num_student_tokens_bounds: lower and upper bound of a student's tokens.
        limits: upper limits on other quantities, see `Limit`.
        cost: prices of training, serving, logits and data, see `Costs`.
        precision: of the computation inside a trace, see `Precision`.

    Returns:
        The choice: NumPy float64 outside a trace, in the caller's dtype inside one. `gain`,
        `margin` and the plans have derivatives where the ranking does not change. `best` is a
        discrete choice and has no derivative.

    Raises:
        ValueError: an input or a bound is not positive and finite, the losses have no axis, or
            `logits` is outside [0, 1].
        TypeError: the law is not a distillation law.

    >>> from jaxlaws import presets
    >>> choice = rank_teachers(
    ...     presets.load("busbridge2025_consistent"), flops=1e21, num_student_params=1e9,
    ...     teacher_loss=[2.38, 2.1, 1.95], num_teacher_params=[9.75e8, 4e9, 1.26e10],
    ... )
    >>> int(choice.best), choice.ranking.tolist(), f"{choice.gain:.3f}"
    (1, [1, 2, 0], '-0.028')
    """
    law = distillation_law(law)
    if np.ndim(teacher_loss) == 0:
        raise ValueError("teacher_loss must have the teachers along its last axis, got one number")

    student = {
        "flops": flops,
        "num_student_params": num_student_params,
        "num_students": num_students,
        "num_inference_tokens": num_inference_tokens,
        "logits": logits,
    }
    constraints = checked_constraints(
        num_student_tokens_bounds=num_student_tokens_bounds, limits=limits, cost=cost
    )
    student = checked_inputs(student, may_be_zero=("num_inference_tokens", "logits"))

    def answer(law: Tree, student: Tree, teachers: Tree, constraints: Tree) -> TeacherChoice:
        plans = distill_with(
            with_new_axis(law),
            **with_new_axis(student),
            **teachers,
            forward_flops=with_new_axis(forward_flops),
            **with_new_axis(constraints),
        )
        supervised = train_fixed(
            law,
            num_params=student["num_student_params"],
            flops=student["flops"] / student["num_students"],
            num_inference_tokens=student["num_inference_tokens"],
            forward_flops=forward_flops,
            num_tokens_bounds=constraints["num_student_tokens_bounds"],
            limits=constraints["limits"],
            cost=constraints["cost"],
        )
        losses = jnp.where(is_solved(plans.status), plans.loss, jnp.inf)
        ranking = jnp.argsort(losses, axis=-1)
        # Not by an index, whose transpose would leave float64 in a float32 program.
        least = jnp.min(losses, axis=-1)
        some = jnp.isfinite(least)
        is_best = jnp.broadcast_to(jnp.arange(losses.shape[-1]), losses.shape) == ranking[..., :1]
        second = jnp.min(jnp.where(is_best, jnp.inf, losses), axis=-1)
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
    return compose(answer, law, student, checked_inputs(teachers), constraints)
