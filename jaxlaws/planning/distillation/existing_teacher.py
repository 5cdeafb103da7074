"""Distilling from a teacher that exists, dense or a mixture of experts."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, Bounds, distillation_law
from jaxlaws.planning.engine.evaluation import Question, ask
from jaxlaws.planning.engine.limits import Limit, constraints_of
from jaxlaws.planning.engine.plans import (
    DistillationPlan,
    bounds_and_values,
    shares_of,
    status_of,
    tokens_for_rest,
    where_possible,
)
from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.engine.scenarios import check_share
from jaxlaws.planning.solver.batched import Array, Point, gradient
from jaxlaws.planning.solver.minimiser import Solution
from jaxlaws.planning.solver.problem import Problem, Reduction


def _costs(given: Record) -> tuple[Array, Array, Array]:
    """Of training a student's token, of its logits, and of all serving."""
    student = given.num_students * given.forward_flops(given.num_student_params)
    teacher = given.get("teacher_forward_flops")
    if teacher is None:
        teacher = given.forward_flops(given.num_teacher_params)
    logits = given.num_students * given.logits * teacher
    return 3 * student, logits, student * given.num_inference_tokens


def _problem(given: Record) -> Problem:
    training, logits, serving = _costs(given)
    left = given.flops - serving
    log_most = jnp.log(jnp.where(left > 0, left, given.flops)) - jnp.log(training + logits)
    lower = jnp.log(given.lower.num_student_tokens)

    def objective(point: Point) -> Array:
        return given.law.loss(
            num_student_params=given.num_student_params,
            num_student_tokens=jnp.exp(point[0]),
            teacher_loss=given.teacher_loss,
        )

    return Problem(
        objective=objective,
        lower=[lower],
        upper=[jnp.log(given.upper.num_student_tokens)],
        constraints=(
            lambda point: log_most - point[0],
            *constraints_of(
                given,
                ("num_student_tokens",),
                {
                    "num_student_params": given.num_student_params,
                    "num_teacher_params": given.num_teacher_params,
                    "teacher_loss": given.teacher_loss,
                },
            ),
        ),
        preference=lambda point: point[0],
        reduction=Reduction(
            to_point=lambda _, relaxation: [log_most + relaxation[0]],
            candidate=lambda _: [],
            num_candidates=0,
        ),
        possible=(left > 0) & (lower <= log_most),
    )


def _plan(given: Record, solution: Solution) -> DistillationPlan:
    training, logits, serving = _costs(given)
    rest = (given.flops - serving) / (training + logits)
    num_student_tokens = tokens_for_rest(given, solution, "num_student_tokens", 0, rest)

    def taught(log_teacher: Point) -> Array:
        return given.law.loss(
            num_student_params=given.num_student_params,
            num_student_tokens=num_student_tokens,
            teacher_loss=jnp.exp(log_teacher[0]),
        )

    loss, (of_teacher,) = gradient(taught, [jnp.log(given.teacher_loss)])
    flops, shares = shares_of(
        solution,
        student=training * num_student_tokens,
        logits=logits * num_student_tokens,
        serving=serving,
    )
    return DistillationPlan(
        num_student_params=where_possible(solution, given.num_student_params),
        num_student_tokens=where_possible(solution, num_student_tokens),
        num_teacher_params=where_possible(solution, given.num_teacher_params),
        num_teacher_tokens=jnp.full_like(given.flops, jnp.nan),
        teacher_loss=where_possible(solution, given.teacher_loss),
        loss=where_possible(solution, loss),
        flops=flops,
        shares=shares,
        status=status_of(solution, loss, unspent=~solution.binding[0]),
        **bounds_and_values(
            solution,
            ("num_student_tokens",),
            flops=solution.multipliers[0] * given.flops / (given.flops - serving),
            limits=given.limits,
            teacher_loss=-of_teacher,
        ),
    )


_QUESTION = Question(problem=_problem, plan=_plan, may_be_zero=("logits", "num_inference_tokens"))


def distill_with(
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
    num_student_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    limits: Mapping[str, Limit] | None = None,
) -> DistillationPlan:
    """Distil a student on all the tokens that a budget allows, from a teacher that exists.

    With k students, `k (3 F(N_S) + logits F_T) D_S + k F(N_S) D_serve <= flops`, where F_T is
    `F(N_T)`, or `teacher_forward_flops` where the teacher costs otherwise.

    Args:
        law: a distillation law.
        flops: the whole budget, any shape.
        num_student_params: size of the student, broadcast with the budget.
        teacher_loss: the teacher's loss, on the text that the law's losses are measured on.
        num_teacher_params: its size.
        teacher_forward_flops: its forward FLOPs per token, where those are not `F` of its size: a
            mixture of experts costs what its active parameters cost.
        logits: the share of its inference that the budget is charged with, from 0 to 1.
        num_students: students of that size that are distilled from it, all paid from the budget.
        num_inference_tokens: tokens that each student will serve; serving comes out of the budget.
        forward_flops: forward FLOPs per token of a size.
        num_student_tokens_bounds: least and largest number of tokens for a student.
        limits: upper limits on other quantities of the student's and the teacher's sizes and the
            student's tokens, by names of your choice.

    Returns:
        A plan whose leaves have the broadcast shape: NumPy float64 outside a trace, in the
        caller's precision inside one.

    Raises:
        ValueError: an input is not positive and finite, `logits` is outside [0, 1], or bounds
            exclude each other. Inside a trace the plan then has the status INFEASIBLE and NaN.
        TypeError: the law is no distillation law.

    >>> from jaxlaws import presets
    >>> plan = distill_with(
    ...     presets.load("busbridge2025_consistent"),
    ...     flops=1e21, num_student_params=1e9, teacher_loss=2.1, num_teacher_params=7e9,
    ... )
    >>> f"{plan.num_student_tokens:.2g} tokens, {plan.shares.logits:.0%} of the compute for logits"
    '5e+10 tokens, 70% of the compute for logits'
    """
    check_share("logits", logits)
    optional = {"teacher_forward_flops": teacher_forward_flops}
    return ask(
        _QUESTION,
        distillation_law(law),
        {
            "flops": flops,
            "num_student_params": num_student_params,
            "teacher_loss": teacher_loss,
            "num_teacher_params": num_teacher_params,
            "logits": logits,
            "num_students": num_students,
            "num_inference_tokens": num_inference_tokens,
        }
        | {name: value for name, value in optional.items() if value is not None},
        bounds={"num_student_tokens": num_student_tokens_bounds},
        limits=limits,
        functions={"forward_flops": forward_flops},
    )
