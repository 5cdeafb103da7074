"""How to spend a budget on a student and on its teacher (Busbridge et al. 2025, Sec. 5.3).

The variables are the logarithms of the teacher's size, of the student's tokens and of the
teacher's tokens; or, where the teacher costs nothing, of its loss and of the student's tokens.
"""

import functools
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.planning.distillation.optimal_teacher import teacher_loss_limits
from jaxlaws.planning.distillation.reductions import NUM_SIZES, with_free_tokens, with_paid_tokens
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, Bounds, callable_tree, distillation_law
from jaxlaws.planning.engine.evaluation import Question, ask
from jaxlaws.planning.engine.limits import Limit, constraints_of, most_allowed, quantities
from jaxlaws.planning.engine.mixture import taught_loss
from jaxlaws.planning.engine.plans import (
    DistillationPlan,
    bounds_told,
    quantity,
    shares_of,
    status_of,
    tokens_for_rest,
    where_possible,
)
from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.engine.scenarios import Scenario, check_scenario, kind_of
from jaxlaws.planning.solver.batched import Array, Point
from jaxlaws.planning.solver.minimiser import Solution
from jaxlaws.planning.solver.problem import Problem, Reduction

# What is chosen, in the order of the solver's variables: with a teacher that costs nothing, and
# with one that is paid for.
_FREE = ("teacher_loss", "num_student_tokens")
_PAID = ("num_teacher_params", "num_student_tokens", "num_teacher_tokens")


def _student_budget(given: Record) -> tuple[Array, Array]:
    """What serving leaves for training, and whether it leaves anything."""
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
    log_most = jnp.log(budget) - jnp.log(cost)
    best, worst = teacher_loss_limits(given.law, given.flops)
    least = jnp.log(given.num_student_tokens_bounds_lower)

    def candidate(index: Any) -> Point:
        return [best + (worst - best) * (index / (NUM_SIZES - 1))]

    return Problem(
        objective=lambda point: _loss(given, point[1], jnp.exp(point[0])),
        lower=[best, least],
        upper=[worst, jnp.log(given.num_student_tokens_bounds_upper)],
        constraints=(
            lambda point: log_most - point[1],
            *constraints_of(given, _FREE, {"num_student_params": given.num_student_params}),
        ),
        preference=lambda point: point[1],
        reduction=Reduction(
            place=lambda coordinates, loosened: [coordinates[0], log_most + loosened[0]],
            candidate=candidate,
            num_candidates=NUM_SIZES,
        ),
        possible=affordable & (least <= log_most),
    )


def _paid_teacher(given: Record, tokens_are_free: bool) -> Problem:
    """The teacher's size and tokens are chosen, under one budget with the student's tokens."""
    budget, affordable = _student_budget(given)
    log_budget = jnp.log(budget)
    student = given.num_students * 3 * given.forward_flops(given.num_student_params)
    lower = [jnp.log(given[f"{name}_bounds_lower"]) for name in _PAID]
    upper = [jnp.log(given[f"{name}_bounds_upper"]) for name in _PAID]

    def costs(log_teacher: Array) -> tuple[Array, Array, Array]:
        """Of a token of the student's: training, logits; and of one of the teacher's."""
        teacher = given.forward_flops(jnp.exp(log_teacher))
        logits = given.num_students * given.logits * teacher
        return student, logits, given.pretraining * 3 * teacher

    def objective(point: Point) -> Array:
        return taught_loss(
            given.law,
            num_student_params=given.num_student_params,
            num_student_tokens=jnp.exp(point[1]),
            num_teacher_params=jnp.exp(point[0]),
            num_teacher_tokens=jnp.exp(point[2]),
        )

    def log_cost(point: Point) -> Array:
        training, logits, teacher = costs(point[0])
        # In budgets: the squares of FLOPs that second derivatives take overflow in float32.
        of_student = (training + logits) * jnp.exp(point[1] - log_budget)
        return log_budget + jnp.log(of_student + teacher * jnp.exp(point[2] - log_budget))

    if tokens_are_free:
        reduction = with_free_tokens(costs, log_budget, lower, upper)
    else:
        reduction = with_paid_tokens(given, costs, log_budget, lower, upper)
    return Problem(
        objective=objective,
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


def distillation_problem(given: Record, kind: str) -> Problem:
    """The problem of a scenario, by its `kind_of`."""
    if kind == "free teacher":
        return _free_teacher(given)
    return _paid_teacher(given, tokens_are_free=kind == "free tokens")


def distillation_plan(given: Record, solution: Solution, kind: str) -> DistillationPlan:
    """The plan that a solution of it is."""
    nothing = jnp.full_like(given.flops, jnp.nan)
    if kind == "free teacher":
        teacher_loss = jnp.exp(solution.point[0])
        teacher_params = teacher_tokens = nothing
        logits_cost_of_token = teacher_cost = 0.0 * given.flops
    else:
        teacher_params = quantity(given, solution, "num_teacher_params", 0)
        teacher_tokens = quantity(given, solution, "num_teacher_tokens", 2)
        teacher_loss = given.law.supervised.loss(
            num_params=teacher_params, num_tokens=teacher_tokens
        )
        forward = given.forward_flops(teacher_params)
        logits_cost_of_token = given.num_students * given.logits * forward
        teacher_cost = given.pretraining * 3 * forward * teacher_tokens
    student = given.num_students * given.forward_flops(given.num_student_params)
    serving = student * given.num_inference_tokens
    rest = (given.flops - serving - teacher_cost) / (3 * student + logits_cost_of_token)
    num_student_tokens = tokens_for_rest(given, solution, "num_student_tokens", 1, rest)
    if kind == "free teacher":
        loss = _loss(given, jnp.log(num_student_tokens), teacher_loss)
    else:
        loss = taught_loss(
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
    )
    return DistillationPlan(
        num_student_params=where_possible(solution, given.num_student_params),
        num_student_tokens=where_possible(solution, num_student_tokens),
        num_teacher_params=where_possible(solution, teacher_params),
        num_teacher_tokens=where_possible(solution, teacher_tokens),
        teacher_loss=where_possible(solution, teacher_loss),
        loss=where_possible(solution, loss),
        flops=flops,
        shares=shares,
        status=status_of(solution, loss, unspent=~solution.binding[0]),
        **bounds_told(
            solution,
            _FREE if kind == "free teacher" else _PAID,
            flops=solution.multipliers[0] * given.flops / (given.flops - serving),
            limits=given.get("limits", ()),
        ),
    )


# One question a kind, made once: a question's identity decides what is compiled anew.
_QUESTIONS = {
    kind: Question(
        problem=functools.partial(distillation_problem, kind=kind),
        plan=functools.partial(distillation_plan, kind=kind),
    )
    for kind in ("free teacher", "free tokens", "all paid")
}


def distill(
    law: Any,
    *,
    flops: Any,
    num_student_params: Any,
    scenario: Scenario,
    num_students: Any = 1.0,
    num_inference_tokens: Any = 0.0,
    forward_flops: ForwardFlops = dense_forward_flops,
    num_student_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    num_teacher_params_bounds: Bounds = DEFAULT_BOUNDS,
    num_teacher_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    limits: Mapping[str, Limit] | None = None,
) -> DistillationPlan:
    """The student's tokens and the teacher that make the best student within a budget.

    With F the forward FLOPs per token, k students, and the shares that the scenario charges,
    `k (3 F(N_S) + logits F(N_T)) D_S + pretraining 3 F(N_T) D_T + k F(N_S) D_serve <= flops`
    (Eq. 9). The teacher's loss is what the law's `supervised` gives for its size and tokens.
    Where its training is free, its tokens run to their upper bound; where its logits are free
    too, its loss is chosen, from the irreducible one up, and its size remains undetermined (NaN).
    Of plans with equal loss the cheapest is given.

    Args:
        law: a distillation law.
        flops: the whole budget, any shape.
        num_student_params: size of the student, broadcast with the budget.
        scenario: who pays for the teacher, such as `FREE_TEACHER`. Shares that are traced are
            taken as not known to be zero: the teacher is then one that sizes and tokens within
            their bounds can give.
        num_students: students of that size that share the teacher, all paid from the budget.
        num_inference_tokens: tokens that each student will serve; serving comes out of the budget.
        forward_flops: forward FLOPs per token of a size.
        num_student_tokens_bounds: least and largest number of tokens for a student.
        num_teacher_params_bounds: least and largest teacher.
        num_teacher_tokens_bounds: least and largest number of tokens for the teacher.
        limits: what else of the student's and the teacher's sizes and tokens may be at most so
            much, by a name of yours; of a teacher that costs nothing, of `teacher_loss`.

    Returns:
        A plan whose leaves have the broadcast shape: NumPy float64 outside a trace, in the
        caller's precision inside one.

    Raises:
        ValueError: budget, size or a bound is not positive and finite, a share of the scenario is
            outside [0, 1], or bounds exclude each other. Inside a trace the plan then has the
            status INFEASIBLE and NaN for sizes.
        TypeError: the law is no distillation law, or the scenario no `Scenario`.

    >>> from jaxlaws import presets
    >>> from jaxlaws.planning import TEACHER_INFERENCE
    >>> law = presets.load("busbridge2025_consistent")
    >>> plan = distill(law, flops=1e21, num_student_params=1e9, scenario=TEACHER_INFERENCE)
    >>> f"{plan.loss:.2f} from a teacher of {plan.num_teacher_params:.0e} parameters"
    '2.21 from a teacher of 1e+09 parameters'
    """
    check_scenario(scenario)
    return ask(
        _QUESTIONS[kind_of(scenario)],
        {
            "law": distillation_law(law),
            "forward_flops": callable_tree(forward_flops),
            "limits": quantities(limits),
        },
        {
            "flops": flops,
            "num_student_params": num_student_params,
            "num_students": num_students,
            "num_inference_tokens": num_inference_tokens,
            "logits": scenario.logits,
            "pretraining": scenario.pretraining,
            "num_student_tokens_bounds": num_student_tokens_bounds,
            "num_teacher_params_bounds": num_teacher_params_bounds,
            "num_teacher_tokens_bounds": num_teacher_tokens_bounds,
            **most_allowed(limits),
        },
        may_be_zero=("num_inference_tokens", "logits", "pretraining"),
    )
