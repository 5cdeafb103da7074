"""The problem of students of several sizes that share one teacher.

For a given teacher, `best_split` splits the rest of the budget among the students. Therefore the
only variables are those of the teacher, for any number of students.
"""

import jax
import jax.numpy as jnp

from jaxlaws.foundations.annotations import Array
from jaxlaws.planning.distillation.optimal_teacher import teacher_loss_range
from jaxlaws.planning.distillation.reductions import with_others_at_upper, with_paid_tokens
from jaxlaws.planning.engine.limits import constraints_of
from jaxlaws.planning.engine.plans import (
    bounds_and_values,
    shares_of,
    status_of,
    variable_value,
    where_possible,
)
from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.engine.scenarios import ChargedCosts
from jaxlaws.planning.engine.status import Status
from jaxlaws.planning.plan_dict import Answer
from jaxlaws.planning.solver.batched import Point
from jaxlaws.planning.solver.budget_split import Split, best_split, split_for_value
from jaxlaws.planning.solver.minimiser import Solution
from jaxlaws.planning.solver.numeric_tolerances import tolerances
from jaxlaws.planning.solver.problem import Problem, Reduction
from jaxlaws.pytree import pytree

_LEAST_GAIN = 1e-30  # relative to the loss


@pytree
class FamilyPlan(Answer):
    """How to train a teacher and distil students of several sizes from it.

    Leaves have the shape of the budget; those with one value for each student have one more axis.

    Attributes:
        num_student_params: size of each student.
        num_student_tokens: tokens that each student is distilled on.
        student_losses: loss of each student, in the law's unit.
        num_teacher_params: size of the teacher; NaN where the teacher costs nothing, so that only
            the loss of the teacher is chosen.
        num_teacher_tokens: tokens that the teacher is trained on; NaN where the teacher costs
            nothing.
        teacher_loss: loss of the teacher.
        loss: weighted mean of the losses of the students.
        flops: compute that the plan spends, at most the budget.
        shares: fractions of `flops`: `student` (all students), `logits`, `teacher`, `serving` (all
            students).
        status: a `Status`.
        active_bounds: -1, 0 or +1 by input name; one value for each student for their tokens.
        marginal_values: fall of `loss` in nats per unit of a logarithm, by name; one value for
            each student for their tokens, each for a change of the bound of this student only.
    """

    num_student_params: Array
    num_student_tokens: Array
    student_losses: Array
    num_teacher_params: Array
    num_teacher_tokens: Array
    teacher_loss: Array
    loss: Array
    flops: Array
    shares: Record
    status: Array
    active_bounds: Record
    marginal_values: Record


def _students(given: Record, name: str) -> Array:
    """An input with one value for each student, with the students along the first axis."""
    return jnp.stack(list(given[name].values()))


def _family(given: Record) -> tuple[Array, Array]:
    """Sizes and weights of the students; the weights sum to one."""
    weights = _students(given, "weights")
    return _students(given, "num_student_params"), weights / weights.sum(axis=0)[None]


def _left(given: Record) -> tuple[Array, Array]:
    """The budget without serving, and whether serving leaves a part of the budget."""
    forward = jax.vmap(given.forward_flops)(_students(given, "num_student_params"))
    left = given.flops - (forward * _students(given, "num_inference_tokens")).sum(axis=0)
    return jnp.where(left > 0, left, given.flops), left > 0


def _cost_of_token(given: Record, logits: Array) -> Array:
    """The cost of one token for each student: training and the logits of the teacher."""
    return 3 * jax.vmap(given.forward_flops)(_family(given)[0]) + logits[None]


def _losses(given: Record, log_tokens: Array, teacher_loss: Array) -> Array:
    def one(size: Array, log_of_one: Array) -> Array:
        return given.law.loss(
            num_student_params=size,
            num_student_tokens=jnp.exp(log_of_one),
            teacher_loss=teacher_loss,
        )

    return jax.vmap(one)(_family(given)[0], log_tokens)


def _log_gain(given: Record, log_tokens: Array) -> Array:
    """Logarithm of the fall of the mean loss per unit of the logarithm of a student's tokens."""
    one = jnp.ones_like(log_tokens)
    losses, fall = jax.jvp(lambda t: _losses(given, t, given.teacher_loss), (log_tokens,), (one,))
    return jnp.log(jnp.maximum(-_family(given)[1] * fall, _LEAST_GAIN * losses))


def _split(given: Record, logits: Array, log_rest: Array, teacher_loss: Array) -> Split:
    """The compute that a teacher leaves, to be split among the students."""
    return Split(
        log_gain=_log_gain,
        given=given | {"teacher_loss": teacher_loss},
        log_cost=jnp.log(_cost_of_token(given, logits)),
        log_budget=log_rest,
        log_bounds=(
            jnp.log(given.lower.num_student_tokens),
            jnp.log(given.upper.num_student_tokens),
        ),
    )


def _teacher(given: Record, charged: ChargedCosts, point: Point) -> tuple[Array, Array, Array]:
    """The loss of the teacher, the cost of its logits for one token, the cost of its training."""
    if charged == ChargedCosts.NOTHING:
        return jnp.exp(point[0]), 0.0 * point[0], 0.0 * point[0]
    size, tokens = jnp.exp(point[0]), jnp.exp(point[1])
    forward = given.forward_flops(size)
    loss = given.law.supervised.loss(num_params=size, num_tokens=tokens)
    return loss, given.logits * forward, given.pretraining * 3 * forward * tokens


def teacher_variables(charged: ChargedCosts) -> tuple[str, ...]:
    """The variables of the search, by name, for a scenario whose `charged_costs` are given."""
    if charged == ChargedCosts.NOTHING:
        return ("teacher_loss",)
    return ("num_teacher_params", "num_teacher_tokens")


def family_problem(given: Record, charged: ChargedCosts) -> Problem:
    """The search for the teacher of a scenario whose `charged_costs` are given."""
    names = teacher_variables(charged)
    weights = _family(given)[1]
    budget, affordable = _left(given)
    log_budget = jnp.log(budget)

    def least(logits: Array) -> Array:
        """The compute for the smallest number of tokens of each student."""
        return given.lower.num_student_tokens * _cost_of_token(given, logits).sum(axis=0)

    def objective(point: Point) -> Array:
        """The mean loss. Where all students have the most tokens, the cheapest plan is the best."""
        loss, logits, training = _teacher(given, charged, point)
        rest = jnp.maximum(budget - training, least(logits))
        split = _split(given, logits, jnp.log(rest), loss)
        tokens = split_for_value(split)
        of_students = jnp.exp(split.log_cost + tokens - log_budget[None]).sum(axis=0)
        spent = jnp.log(of_students + training / budget)
        least_loss = (weights * _losses(given, tokens, loss)).sum(axis=0)
        return least_loss * (1 + tolerances(log_budget).preference * spent)

    def log_least_cost(point: Point) -> Array:
        _, logits, training = _teacher(given, charged, point)
        return jnp.log(least(logits) + training)

    if charged == ChargedCosts.NOTHING:
        low, high = teacher_loss_range(given.law, given.flops)
        lower, upper = [low], [high]
        reduction = with_others_at_upper(lower, upper)
    else:
        lower = [jnp.log(given.lower[name]) for name in names]
        upper = [jnp.log(given.upper[name]) for name in names]
        if charged == ChargedCosts.LOGITS_ONLY:
            reduction = with_others_at_upper(lower, upper)
        else:
            reduction = _along_the_share(given, log_budget, lower, upper)
    return Problem(
        objective=objective,
        has_unit=True,
        lower=lower,
        upper=upper,
        constraints=(
            lambda point: log_budget - log_least_cost(point),
            *constraints_of(given, names),
        ),
        reduction=reduction,
        possible=affordable & (log_least_cost(lower) <= log_budget),
    )


def _along_the_share(given: Record, log_budget: Array, lower: Point, upper: Point) -> Reduction:
    """The reduction for one student whose token costs as much as one token of every student."""
    sizes = _family(given)[0]

    def costs(log_teacher: Array) -> tuple[Array, Array, Array]:
        teacher = given.forward_flops(jnp.exp(log_teacher))
        training = 3 * jax.vmap(given.forward_flops)(sizes).sum(axis=0)
        return training, len(sizes) * given.logits * teacher, given.pretraining * 3 * teacher

    unused = jnp.zeros_like(log_budget)
    one_student = with_paid_tokens(
        given, costs, log_budget, [lower[0], unused, lower[1]], [upper[0], unused, upper[1]]
    )

    def to_point(coordinates: Point, _: Point) -> Point:
        log_teacher, _unused, log_tokens = one_student.to_point(coordinates, [0.0])
        return [log_teacher, log_tokens]

    return Reduction(
        to_point=to_point,
        candidate=one_student.candidate,
        num_candidates=one_student.num_candidates,
        follow=one_student.follow,
        num_relaxations=0,
        on_curve=True,
    )


def family_plan(given: Record, solution: Solution, charged: ChargedCosts) -> FamilyPlan:
    """The plan from a solution of `family_problem`."""
    nothing = jnp.full_like(given.flops, jnp.nan)
    names = teacher_variables(charged)
    sizes, weights = _family(given)
    if charged == ChargedCosts.NOTHING:
        teacher = (nothing, nothing)
        point = solution.point
    else:
        teacher = tuple(variable_value(given, solution, name, i) for i, name in enumerate(names))
        point = [jnp.log(value) for value in teacher]
    teacher_loss, logits, training = _teacher(given, charged, point)
    cost = _cost_of_token(given, logits)
    budget, _ = _left(given)
    rest = jnp.where(solution.possible, budget - training, budget)
    split = _split(given, logits, jnp.log(rest), teacher_loss)
    log_tokens = best_split(split)
    low, high = split.ends(log_tokens)
    sides = jnp.where(log_tokens >= high, 1, jnp.where(log_tokens <= low, -1, 0))
    unspent = (sides == 1).all(axis=0) & ~solution.binding[0]
    # In single precision an exponential is off in the sixth digit. Scaled, the tokens spend exactly
    # the rest of the budget.
    tokens = jnp.exp(log_tokens)
    some = (sides == 0).any(axis=0)
    tokens = tokens * jnp.where(some, rest / (cost * tokens).sum(axis=0), 1.0)[None]
    losses = _losses(given, jnp.log(tokens), teacher_loss)
    loss = (weights * losses).sum(axis=0)
    # One more FLOP gains the same for every student that is not on a bound, and for the teacher.
    # Where all students are on a bound, the value is that of the constraint on the least cost.
    worth = jnp.where(sides == 0, jnp.exp(split.worth(log_tokens)), 0.0).max(axis=0)
    price = jnp.where(some, worth, solution.multipliers[0] / budget)
    of_bound = jnp.exp(_log_gain(split.given, log_tokens)) - price[None] * cost * tokens
    flops, shares = shares_of(
        solution,
        student=((cost - logits[None]) * tokens).sum(axis=0),
        logits=(logits[None] * tokens).sum(axis=0),
        teacher=training,
        serving=given.flops - budget,
    )

    teacher_plan = bounds_and_values(
        solution, names, flops=price * given.flops, limits=given.limits
    )
    status = status_of(solution, loss, unspent=unspent)
    on_bound = (sides != 0).any(axis=0) & (status == Status.CONVERGED)

    def each(values: Array) -> list[Array]:
        return [where_possible(solution, value) for value in values]

    return FamilyPlan(
        num_student_params=each(sizes),
        num_student_tokens=each(tokens),
        student_losses=each(losses),
        num_teacher_params=where_possible(solution, teacher[0]),
        num_teacher_tokens=where_possible(solution, teacher[1]),
        teacher_loss=where_possible(solution, teacher_loss),
        loss=where_possible(solution, loss),
        flops=flops,
        shares=shares,
        status=jnp.where(on_bound, jnp.int32(Status.ON_BOUND), status),
        active_bounds=teacher_plan["active_bounds"]
        | {"num_student_tokens": [jnp.where(solution.possible, side, 0) for side in sides]},
        marginal_values=teacher_plan["marginal_values"]
        | {"num_student_tokens": each(jnp.where(sides == 0, 0.0, of_bound))},
    )
