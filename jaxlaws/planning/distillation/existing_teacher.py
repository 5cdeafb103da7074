"""Distillation from a teacher that exists, a dense model or a mixture of experts."""

from collections.abc import Mapping

import jax.numpy as jnp

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, Bounds, distillation_law
from jaxlaws.planning.engine.costs import (
    Costs,
    cost_inputs,
    in_training_flops,
    price_of_token,
    spent,
)
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
from jaxlaws.planning.solver.batched import Point, gradient
from jaxlaws.planning.solver.minimiser import Solution
from jaxlaws.planning.solver.problem import Problem, Reduction
from jaxlaws.precision import Precision


def _costs(given: Record) -> tuple[Array, Array, Array, Array]:
    """The cost of training on one token, its logits and its data, and the cost of all serving."""
    student = given.num_students * given.forward_flops(given.num_student_params)
    teacher = given.get("teacher_forward_flops")
    if teacher is None:
        teacher = given.forward_flops(given.num_teacher_params)
    logits = given.num_students * given.logits * teacher
    data = given.num_students * price_of_token(given)
    return 3 * student, logits, data, student * given.num_inference_tokens


def _problem(given: Record) -> Problem:
    given = in_training_flops(given)
    training, logits, data, serving = _costs(given)
    left = given.flops - serving
    log_most = jnp.log(jnp.where(left > 0, left, given.flops)) - jnp.log(training + logits + data)
    lower = jnp.log(given.lower.num_student_tokens)

    def objective(point: Point) -> Array:
        return given.law.loss(
            num_student_params=given.num_student_params,
            num_student_tokens=jnp.exp(point[0]),
            teacher_loss=given.teacher_loss,
        )

    return Problem(
        objective=objective,
        has_unit=True,
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
    given = in_training_flops(given)
    training, logits, data, serving = _costs(given)
    rest = (given.flops - serving) / (training + logits + data)
    num_student_tokens = tokens_for_rest(given, solution, "num_student_tokens", 0, rest)

    def loss_with(log_teacher: Point) -> Array:
        return given.law.loss(
            num_student_params=given.num_student_params,
            num_student_tokens=num_student_tokens,
            teacher_loss=jnp.exp(log_teacher[0]),
        )

    loss, (of_teacher,) = gradient(loss_with, [jnp.log(given.teacher_loss)])
    flops, shares = shares_of(
        solution,
        student=training * num_student_tokens,
        logits=logits * num_student_tokens,
        serving=serving,
        data=data * num_student_tokens,
    )
    return DistillationPlan(
        num_student_params=where_possible(solution, given.num_student_params),
        num_student_tokens=where_possible(solution, num_student_tokens),
        num_teacher_params=where_possible(solution, given.num_teacher_params),
        num_teacher_tokens=jnp.full_like(given.flops, jnp.nan),
        teacher_loss=where_possible(solution, given.teacher_loss),
        loss=where_possible(solution, loss),
        flops=spent(given, flops),
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


_QUESTION = Question(
    problem=_problem,
    plan=_plan,
    may_be_zero=("logits", "num_inference_tokens"),
    takes_limits=True,
)


def distill_with(
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
) -> DistillationPlan:
    """The plan that distils a student from a teacher that exists, within a budget.

    With F the forward FLOPs per token and k students, the budget is
    `k (3 F(N_S) + logits F_T) D_S + k F(N_S) D_serve <= flops`. F_T is `F(N_T)`, or
    `teacher_forward_flops` where it is given. The plan spends the whole budget on tokens, unless a
    bound or a limit allows fewer tokens.

    Args:
        law: a distillation law.
        flops: the whole budget, any shape.
        num_student_params: size of the student, broadcast with the budget.
        teacher_loss: loss of the teacher, measured on the same text as the losses of the law.
        num_teacher_params: size of the teacher.
        teacher_forward_flops: forward FLOPs per token of the teacher. None: those of a dense model
            of its size. A mixture of experts costs what its active parameters cost.
        logits: share of the teacher's inference that the budget is charged with, from 0 to 1.
        num_students: number of equal students; the budget pays for all.
        num_inference_tokens: tokens that each student will serve; the budget pays for serving.
        forward_flops: forward FLOPs per token of a model of given size.
        num_student_tokens_bounds: lower and upper bound of the tokens of a student.
        limits: upper limits on other quantities of `num_student_params`, `num_student_tokens`,
            `num_teacher_params` and `teacher_loss`, by names of your choice.
        cost: prices of training, serving, logits and data, see `Costs`.
        precision: of the computation inside a trace, see `Precision`.

    Returns:
        A plan whose leaves have the broadcast shape: NumPy float64 for concrete inputs, the
        caller's dtype inside a trace.

    Raises:
        ValueError: an input is not positive and finite, `logits` is outside [0, 1], or bounds
            exclude each other. Inside a trace the plan then has the status INFEASIBLE and NaN for
            sizes.
        TypeError: the law is not a distillation law.

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
            **cost_inputs(cost),
        }
        | {name: value for name, value in optional.items() if value is not None},
        bounds={"num_student_tokens": num_student_tokens_bounds},
        limits=limits,
        functions={"forward_flops": forward_flops},
        precision=precision,
    )
