"""The problem of a student of given size and its teacher (Busbridge et al. 2025, Sec. 5.3).

The variables are the logarithms of the teacher's size, of the student's tokens and of the
teacher's tokens. Where the teacher costs nothing, they are the logarithms of the teacher's loss
and of the student's tokens.
"""

import functools
from collections.abc import Callable

import jax.numpy as jnp

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning.distillation.optimal_teacher import teacher_loss_range
from jaxlaws.planning.distillation.reductions import NUM_SIZES, with_free_tokens, with_paid_tokens
from jaxlaws.planning.engine.costs import in_training_flops, price_of_token, spent
from jaxlaws.planning.engine.evaluation import Question
from jaxlaws.planning.engine.limits import constraints_of
from jaxlaws.planning.engine.mixture import distilled_loss
from jaxlaws.planning.engine.plans import (
    DistillationPlan,
    bounds_and_values,
    shares_of,
    status_of,
    tokens_for_rest,
    variable_value,
    where_possible,
)
from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.engine.scenarios import ChargedCosts
from jaxlaws.planning.solver.batched import Point
from jaxlaws.planning.solver.minimiser import Solution
from jaxlaws.planning.solver.problem import Problem, Reduction, evenly_spaced

# The variables in the order of the solver, for a teacher that costs nothing and for a teacher that
# the budget pays for.
_FREE = ("teacher_loss", "num_student_tokens")
_PAID = ("num_teacher_params", "num_student_tokens", "num_teacher_tokens")


def _student_budget(given: Record) -> tuple[Array, Array]:
    """The budget without serving, and whether serving leaves a part of the budget."""
    serving = given.forward_flops(given.num_student_params) * given.num_inference_tokens
    left = given.flops - given.num_students * serving
    return jnp.where(left > 0, left, given.flops), left > 0


def _loss(given: Record, log_student_tokens: Array, teacher_loss: Array) -> Array:
    return given.law.loss(
        num_student_params=given.num_student_params,
        num_student_tokens=jnp.exp(log_student_tokens),
        teacher_loss=teacher_loss,
    )


def _free_teacher(given: Record) -> Problem:
    """The teacher's loss is chosen; the student's tokens take all the compute."""
    budget, affordable = _student_budget(given)
    cost = given.num_students * 3 * given.forward_flops(given.num_student_params)
    cost = cost + given.num_students * price_of_token(given)
    log_most = jnp.log(budget) - jnp.log(cost)
    best, worst = teacher_loss_range(given.law, given.flops)
    least = jnp.log(given.lower.num_student_tokens)

    return Problem(
        objective=lambda point: _loss(given, point[1], jnp.exp(point[0])),
        has_unit=True,
        lower=[best, least],
        upper=[worst, jnp.log(given.upper.num_student_tokens)],
        constraints=(
            lambda point: log_most - point[1],
            *constraints_of(given, _FREE, {"num_student_params": given.num_student_params}),
        ),
        preference=lambda point: point[1],
        reduction=Reduction(
            to_point=lambda coordinates, relaxation: [coordinates[0], log_most + relaxation[0]],
            candidate=lambda index: [evenly_spaced(best, worst, index, NUM_SIZES)],
            num_candidates=NUM_SIZES,
            on_curve=True,
        ),
        possible=affordable & (least <= log_most),
    )


def _paid_teacher(given: Record, tokens_are_free: bool) -> Problem:
    """The teacher's size and tokens are chosen, under one budget with the student's tokens."""
    budget, affordable = _student_budget(given)
    log_budget = jnp.log(budget)
    data = price_of_token(given)
    student = given.num_students * 3 * given.forward_flops(given.num_student_params)
    student = student + given.num_students * data
    lower = [jnp.log(given.lower[name]) for name in _PAID]
    upper = [jnp.log(given.upper[name]) for name in _PAID]

    def costs(log_teacher: Array) -> tuple[Array, Array, Array]:
        """The costs of one token, see `reductions.Costs`."""
        teacher = given.forward_flops(jnp.exp(log_teacher))
        logits = given.num_students * given.logits * teacher
        return student, logits, given.pretraining * 3 * teacher + given.pretraining * data

    def objective(point: Point) -> Array:
        return distilled_loss(
            given.law,
            num_student_params=given.num_student_params,
            num_student_tokens=jnp.exp(point[1]),
            num_teacher_params=jnp.exp(point[0]),
            num_teacher_tokens=jnp.exp(point[2]),
        )

    def log_cost(point: Point) -> Array:
        training, logits, teacher = costs(point[0])
        # As fractions of the budget: the squares of FLOPs would overflow in float32.
        of_student = (training + logits) * jnp.exp(point[1] - log_budget)
        return log_budget + jnp.log(of_student + teacher * jnp.exp(point[2] - log_budget))

    if tokens_are_free:
        reduction = with_free_tokens(costs, log_budget, lower, upper)
    else:
        reduction = with_paid_tokens(given, costs, log_budget, lower, upper)
    return Problem(
        objective=objective,
        has_unit=True,
        lower=lower,
        upper=upper,
        constraints=(
            lambda point: log_budget - log_cost(point),
            *constraints_of(given, _PAID, {"num_student_params": given.num_student_params}),
        ),
        preference=log_cost,
        reduction=reduction,
        possible=affordable & (log_cost(lower) <= log_budget),
    )


def distillation_problem(given: Record, charged: ChargedCosts) -> Problem:
    """The problem of a scenario whose `charged_costs` are given."""
    given = in_training_flops(given)
    if charged == ChargedCosts.NOTHING:
        return _free_teacher(given)
    return _paid_teacher(given, tokens_are_free=charged == ChargedCosts.LOGITS_ONLY)


def distillation_plan(given: Record, solution: Solution, charged: ChargedCosts) -> DistillationPlan:
    """The plan from a solution of `distillation_problem`."""
    given = in_training_flops(given)
    nothing = jnp.full_like(given.flops, jnp.nan)
    if charged == ChargedCosts.NOTHING:
        teacher_loss = jnp.exp(solution.point[0])
        teacher_params = teacher_tokens = nothing
        logits_cost_of_token = teacher_cost = teacher_data = 0.0 * given.flops
    else:
        teacher_params = variable_value(given, solution, "num_teacher_params", 0)
        teacher_tokens = variable_value(given, solution, "num_teacher_tokens", 2)
        teacher_loss = given.law.supervised.loss(
            num_params=teacher_params, num_tokens=teacher_tokens
        )
        forward = given.forward_flops(teacher_params)
        logits_cost_of_token = given.num_students * given.logits * forward
        teacher_cost = given.pretraining * 3 * forward * teacher_tokens
        teacher_data = price_of_token(given) * given.pretraining * teacher_tokens
    student = given.num_students * given.forward_flops(given.num_student_params)
    serving = student * given.num_inference_tokens
    data_of_token = given.num_students * price_of_token(given)
    rest = given.flops - serving - teacher_cost - teacher_data
    rest = rest / (3 * student + logits_cost_of_token + data_of_token)
    num_student_tokens = tokens_for_rest(given, solution, "num_student_tokens", 1, rest)
    if charged == ChargedCosts.NOTHING:
        loss = _loss(given, jnp.log(num_student_tokens), teacher_loss)
    else:
        loss = distilled_loss(
            given.law,
            num_student_params=given.num_student_params,
            num_student_tokens=num_student_tokens,
            num_teacher_params=teacher_params,
            num_teacher_tokens=teacher_tokens,
        )
    flops, shares = shares_of(
        solution,
        student=3 * student * num_student_tokens,
        logits=logits_cost_of_token * num_student_tokens,
        teacher=teacher_cost,
        serving=serving,
        data=data_of_token * num_student_tokens + teacher_data,
    )
    return DistillationPlan(
        num_student_params=where_possible(solution, given.num_student_params),
        num_student_tokens=where_possible(solution, num_student_tokens),
        num_teacher_params=where_possible(solution, teacher_params),
        num_teacher_tokens=where_possible(solution, teacher_tokens),
        teacher_loss=where_possible(solution, teacher_loss),
        loss=where_possible(solution, loss),
        flops=spent(given, flops),
        shares=shares,
        status=status_of(solution, loss, unspent=~solution.binding[0]),
        **bounds_and_values(
            solution,
            _FREE if charged == ChargedCosts.NOTHING else _PAID,
            flops=solution.multipliers[0] * given.flops / (given.flops - serving),
            limits=given.limits,
        ),
    )


def by_charged_costs(
    problem: Callable[..., Problem],
    plan: Callable[..., Tree],
) -> dict[ChargedCosts, Question]:
    """A question for each form of a problem with a teacher, which its charged costs decide."""
    return {
        charged: Question(
            problem=functools.partial(problem, charged=charged),
            plan=functools.partial(plan, charged=charged),
            may_be_zero=("num_inference_tokens", "logits", "pretraining"),
            takes_limits=True,
        )
        for charged in ChargedCosts
    }
