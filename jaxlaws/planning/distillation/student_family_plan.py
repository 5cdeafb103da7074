"""The plan of students of several sizes that share one teacher."""

import dataclasses

import jax.numpy as jnp

from jaxlaws.foundations.annotations import Array
from jaxlaws.planning.distillation.family_costs import (
    cost_of_teacher_data,
    cost_of_token,
    family,
    left_for_training,
    log_gain,
    losses_of,
    split_of,
    teacher_of,
    teacher_variables,
)
from jaxlaws.planning.engine.costs import in_training_flops, price_of_token, spent
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
from jaxlaws.planning.solver.budget_split import best_split
from jaxlaws.planning.solver.minimiser import Solution
from jaxlaws.pytree import pytree


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
            students), `data`.
        status: a `Status`.
        active_bounds: -1, 0 or +1 by input name; one value for each student for their tokens.
        marginal_values: fall of `loss` in nats per unit of a logarithm, by name; one value for
            each student for their tokens, each for a change of the bound of this student only.
    """

    VARIABLES = ("num_teacher_params", "num_teacher_tokens", "teacher_loss")

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


def family_plan(given: Record, solution: Solution, charged: ChargedCosts) -> FamilyPlan:
    """The plan from a solution of `family_problem`."""
    given = in_training_flops(given)
    nothing = jnp.full_like(given.flops, jnp.nan)
    names = teacher_variables(charged)
    sizes, weights = family(given)
    if charged == ChargedCosts.NOTHING:
        teacher = (nothing, nothing)
        point = solution.point[:-1]
    else:
        teacher = tuple(variable_value(given, solution, name, i) for i, name in enumerate(names))
        point = [jnp.log(value) for value in teacher]
    teacher_loss, logits, training = teacher_of(given, charged, point)
    cost = cost_of_token(given, logits)
    budget, _ = left_for_training(given)
    rest = jnp.where(solution.possible, budget - training, budget)
    split = split_of(given, logits, jnp.log(rest), teacher_loss)
    log_tokens = best_split(split)
    low, high = split.ends(log_tokens)
    # Rounding must not move a student off its bound where the money of all is on its bound.
    side = solution.on_bound[-1][None]
    log_tokens = jnp.where(side > 0, high, jnp.where(side < 0, low, log_tokens))
    sides = jnp.where(log_tokens >= high, 1, jnp.where(log_tokens <= low, -1, 0))
    unspent = ~solution.binding[0]
    # In single precision an exponential is off in the sixth digit. Scaled, the tokens spend exactly
    # the rest of the budget.
    tokens = jnp.exp(log_tokens)
    some = (sides == 0).any(axis=0)
    tokens = tokens * jnp.where(some, rest / (cost * tokens).sum(axis=0), 1.0)[None]
    losses = losses_of(given, jnp.log(tokens), teacher_loss)
    loss = (weights * losses).sum(axis=0)
    # One more FLOP gains the same for every student that is not on a bound, and for the teacher.
    # Where all students are on a bound, the value is that for the teacher.
    worth = jnp.where(sides == 0, jnp.exp(split.worth(log_tokens)), 0.0).max(axis=0)
    price = jnp.where(some, worth, solution.multipliers[0] / budget)
    of_bound = jnp.exp(log_gain(split.given, log_tokens)) - price[None] * cost * tokens
    data = price_of_token(given)
    teacher_data = (
        0.0 if charged == ChargedCosts.NOTHING else cost_of_teacher_data(given, teacher[1])
    )
    flops, shares = shares_of(
        solution,
        student=((cost - (logits + data)[None]) * tokens).sum(axis=0),
        logits=(logits[None] * tokens).sum(axis=0),
        teacher=training - teacher_data,
        serving=given.flops - budget,
        data=data * tokens.sum(axis=0) + teacher_data,
    )

    of_teacher = dataclasses.replace(
        solution, on_bound=solution.on_bound[:-1], bound_values=solution.bound_values[:-1]
    )
    teacher_plan = bounds_and_values(
        of_teacher, names, flops=price * given.flops, limits=given.limits
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
        flops=spent(given, flops),
        shares=shares,
        status=jnp.where(on_bound, jnp.int32(Status.ON_BOUND), status),
        active_bounds=teacher_plan["active_bounds"]
        | {"num_student_tokens": [jnp.where(solution.possible, side, 0) for side in sides]},
        marginal_values=teacher_plan["marginal_values"]
        | {"num_student_tokens": each(jnp.where(sides == 0, 0.0, of_bound))},
    )
