"""The problem of students of several sizes that share one teacher.

For a given teacher, `best_split` splits the money of the students among them. Therefore the only
variables are those of the teacher and this money, for any number of students.
"""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxlaws.foundations.annotations import Array
from jaxlaws.planning.distillation.family_costs import (
    cost_of_teacher_data,
    cost_of_token,
    family,
    left_for_training,
    losses_of,
    split_of,
    teacher_of,
    teacher_variables,
    token_bounds,
)
from jaxlaws.planning.distillation.optimal_teacher import teacher_loss_range
from jaxlaws.planning.distillation.reductions import with_others_at_upper, with_paid_tokens
from jaxlaws.planning.engine.costs import in_training_flops, price_of_token
from jaxlaws.planning.engine.limits import constraints_of
from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.engine.scenarios import ChargedCosts
from jaxlaws.planning.solver.batched import Point
from jaxlaws.planning.solver.budget_split import split_for_value
from jaxlaws.planning.solver.problem import Problem, Reduction


@dataclasses.dataclass(frozen=True)
class _Money:
    """The variable that says what the students get, from their least to their most tokens.

    It is zero where all students have the least tokens, and `most` where all have the most. With
    this variable the best plan with the most tokens for all lies on a bound. Without it, the plan
    lies at a kink of the objective: more compute than the students can use gains nothing.

    Attributes:
        given: what the question is given.
    """

    given: Record

    def _ends(self, logits: Array) -> tuple[Array, Array]:
        """Logarithms of the cost of the least and of the most tokens."""
        cost = cost_of_token(self.given, logits)
        ends = token_bounds(self.given)
        least, most = (jnp.log((tokens * cost).sum(axis=0)) for tokens in ends)
        return least, most

    @property
    def most(self) -> Array:
        """The upper bound of the variable, in the unit of a logarithm of money."""
        least, most = self._ends(jnp.zeros_like(self.given.flops))
        return most - least

    def log_of(self, variable: Array, logits: Array) -> Array:
        """The logarithm of the money."""
        least, most = self._ends(logits)
        return least + (most - least) * variable / jnp.where(self.most > 0, self.most, 1.0)

    def of_log(self, log_money: Array, logits: Array) -> Array:
        """The variable for a sum of money, also outside the bounds."""
        least, most = self._ends(logits)
        span = jnp.where(most > least, most - least, 1.0)
        return self.most * (log_money - least) / span


def family_problem(given: Record, charged: ChargedCosts) -> Problem:
    """The search for the teacher of a scenario whose `charged_costs` are given.

    The variables are those of the teacher and the money of the students, see `_Money`.
    """
    given = in_training_flops(given)
    names = teacher_variables(charged)
    weights = family(given)[1]
    budget, affordable = left_for_training(given)
    log_budget = jnp.log(budget)
    money = _Money(given)

    def objective(point: Point) -> Array:
        loss, logits, _ = teacher_of(given, charged, point)
        split = split_of(given, logits, money.log_of(point[-1], logits), loss)
        return (weights * losses_of(given, split_for_value(split), loss)).sum(axis=0)

    def log_cost(point: Point) -> Array:
        _, logits, training = teacher_of(given, charged, point)
        # As fractions of the budget: the squares of FLOPs would overflow in float32.
        of_students = jnp.exp(money.log_of(point[-1], logits) - log_budget)
        return log_budget + jnp.log(of_students + training / budget)

    def with_rest(teacher: Point, relaxation: Array) -> Point:
        """The point of a teacher that leaves the rest of the budget to the students."""
        _, logits, training = teacher_of(given, charged, teacher)
        rest = jnp.exp(relaxation) - training / budget
        rest = jnp.maximum(rest, jnp.finfo(rest.dtype).tiny)
        return [*teacher, money.of_log(log_budget + jnp.log(rest), logits)]

    if charged == ChargedCosts.NOTHING:
        low, high = teacher_loss_range(given.law, given.flops)
        lower, upper = [low], [high]
    else:
        lower = [jnp.log(given.lower[name]) for name in names]
        upper = [jnp.log(given.upper[name]) for name in names]
    if charged == ChargedCosts.PRETRAINING:
        reduction = _along_the_share(given, log_budget, lower, upper)
    else:
        reduction = with_others_at_upper(lower, upper)
    to_teacher = reduction.to_point

    def to_point(coordinates: Point, relaxation: Point) -> Point:
        return with_rest(to_teacher(coordinates, relaxation[1:]), relaxation[0])

    nothing = jnp.zeros_like(log_budget)
    lower, upper = [*lower, nothing], [*upper, money.most]
    return Problem(
        objective=objective,
        has_unit=True,
        lower=lower,
        upper=upper,
        constraints=(
            lambda point: log_budget - log_cost(point),
            *(_of_teacher(limit) for limit in constraints_of(given, names)),
        ),
        preference=log_cost,
        reduction=dataclasses.replace(
            reduction, to_point=to_point, num_relaxations=1 + len(reduction.held)
        ),
        possible=affordable & (log_cost(lower) <= log_budget),
    )


def _of_teacher(constraint: Callable[[Point], Array]) -> Callable[[Point], Array]:
    return lambda point: constraint(point[:-1])


def _along_the_share(given: Record, log_budget: Array, lower: Point, upper: Point) -> Reduction:
    """The reduction for one student whose token costs as much as one token of every student."""
    sizes = family(given)[0]

    def costs(log_teacher: Array) -> tuple[Array, Array, Array]:
        teacher = given.forward_flops(jnp.exp(log_teacher))
        training = 3 * jax.vmap(given.forward_flops)(sizes).sum(axis=0)
        training = training + len(sizes) * price_of_token(given)
        of_teacher = given.pretraining * 3 * teacher + cost_of_teacher_data(given, 1.0)
        return training, len(sizes) * given.logits * teacher, of_teacher

    unused = jnp.zeros_like(log_budget)
    one_student = with_paid_tokens(
        given, costs, log_budget, [lower[0], unused, lower[1]], [upper[0], unused, upper[1]]
    )

    def to_point(coordinates: Point, _: Point) -> Point:
        log_teacher, _unused, log_tokens = one_student.to_point(coordinates, [0.0])
        return [log_teacher, log_tokens]

    return dataclasses.replace(one_student, to_point=to_point)
