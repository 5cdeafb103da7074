"""What a planning function answers with, and how a plan is made from a solution.

All leaves of a plan have one shape, the broadcast shape of the inputs.

- `flops` is what the plan spends, in the unit of the budget: FLOPs, or the unit of its prices, see
  `Costs`.
- `shares` are fractions of what the plan spends: training of the student (`student`), inference of
  the teacher on the student's tokens (`logits`), training of the teacher (`teacher`), serving
  (`serving`) and data with a price (`data`). They sum to one.
- `active_bounds` has -1, 0 or +1 for each variable by its input name: on its lower bound, on no
  bound, or on its upper bound; and +1 for a limit that binds.
- `marginal_values` has the fall of the loss per unit of the logarithm of `flops`, of an active
  bound, or of a limit, in nats. A hundredth of it is the gain from one per cent more. Where a
  price falls by one per cent, the gain is the share of compute with that price times the gain
  from one per cent more compute (envelope theorem).
"""

import dataclasses
import functools
from collections.abc import Callable, Iterable

import jax.numpy as jnp

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.engine.status import Status, worst
from jaxlaws.planning.plan_dict import Answer
from jaxlaws.planning.solver.minimiser import Solution
from jaxlaws.pytree import pytree


@pytree
class SupervisedPlan(Answer):
    """How to train one model.

    Attributes:
        num_params: size of the model.
        num_tokens: tokens that the model is trained on.
        loss: loss of the model, in the law's unit.
        flops: compute that the plan spends, at most the budget.
        shares: fractions of `flops`: `student` (here the training of the model), `logits`,
            `teacher`, `serving`, `data`.
        status: a `Status`.
        active_bounds: -1, 0 or +1 by input name; 0 for a size that is given.
        marginal_values: nats per unit of a logarithm, by name.
        further_inputs: the other inputs of the law that the plan chooses, by name.
    """

    VARIABLES = ("num_params", "num_tokens")

    num_params: Array
    num_tokens: Array
    loss: Array
    flops: Array
    shares: Record
    status: Array
    active_bounds: Record
    marginal_values: Record
    further_inputs: Record = dataclasses.field(default_factory=Record)


@pytree
class DistillationPlan(Answer):
    """How to train a teacher and distil a student, or several equal students, from it.

    Attributes:
        num_student_params: size of the student.
        num_student_tokens: tokens that each student is distilled on.
        num_teacher_params: size of the teacher; NaN where the teacher costs nothing, so that only
            the loss of the teacher is chosen.
        num_teacher_tokens: tokens that the teacher is trained on; NaN where the teacher costs
            nothing, and for a teacher that exists.
        teacher_loss: loss of the teacher.
        loss: loss of the student, in the law's unit.
        flops: compute that the plan spends, at most the budget.
        shares: fractions of `flops`: `student`, `logits`, `teacher`, `serving`, `data`.
        status: a `Status`.
        active_bounds: -1, 0 or +1 by input name; 0 for what is given.
        marginal_values: nats per unit of a logarithm, by name; also for a given `teacher_loss`.
    """

    VARIABLES = (
        "num_student_params",
        "num_student_tokens",
        "num_teacher_params",
        "num_teacher_tokens",
        "teacher_loss",
    )

    num_student_params: Array
    num_student_tokens: Array
    num_teacher_params: Array
    num_teacher_tokens: Array
    teacher_loss: Array
    loss: Array
    flops: Array
    shares: Record
    status: Array
    active_bounds: Record
    marginal_values: Record


@pytree
class TeacherLossPlan(Answer):
    """The best teacher for a student, by the teacher's loss alone.

    Attributes:
        num_student_params: size of the student.
        num_student_tokens: tokens that the student is distilled on.
        teacher_loss: loss of the best teacher.
        loss: loss of the student under that teacher, in the law's unit.
        status: a `Status`.
        active_bounds: -1, 0 or +1 for `teacher_loss`; -1 also where the best teacher has the
            irreducible loss.
        marginal_values: nats per unit of the logarithm of the active bound of `teacher_loss`.
    """

    num_student_params: Array
    num_student_tokens: Array
    teacher_loss: Array
    loss: Array
    status: Array
    active_bounds: Record
    marginal_values: Record


# What a plan pays for, by the names of `shares`.
SHARES = ("student", "logits", "teacher", "serving", "data")


def with_all_variables(plan: Tree) -> Tree:
    """The plan with an active bound and a marginal value, both zero, for what it does not choose.

    All plans of a kind then have the same structure, whatever the question, so that `lax.cond` can
    choose between two of them. The class of a plan names the variables in `VARIABLES`.
    """
    names = getattr(plan, "VARIABLES", ())
    if not names:
        return plan
    sides, values = dict.fromkeys(names, 0 * plan.status), dict.fromkeys(names, 0 * plan.loss)
    return dataclasses.replace(
        plan,
        active_bounds=Record(sides) | plan.active_bounds,
        marginal_values=Record(values) | plan.marginal_values,
    )


def status_of(
    solution: Solution, loss: Array, unspent: Array | None = None, *, num_expected: int = 1
) -> Array:
    """The status of a plan.

    Args:
        solution: the solution of the problem.
        loss: the loss that the law predicts for the plan.
        unspent: whether the plan leaves a part of the budget.
        num_expected: the number of constraints, the first ones, that are expected to bind, such as
            the budget. Only the others can give ON_BOUND.
    """
    conditions = {
        Status.INFEASIBLE: ~solution.possible,
        Status.NOT_CONVERGED: solution.possible & ~solution.solved,
        Status.NON_FINITE: solution.possible & ~jnp.isfinite(loss),
    }
    conditions[Status.ON_BOUND] = jnp.zeros_like(solution.possible)
    for active in [side != 0 for side in solution.on_bound] + solution.binding[num_expected:]:
        conditions[Status.ON_BOUND] |= active
    if unspent is not None:
        conditions[Status.BUDGET_UNSPENT] = unspent
    return worst(conditions)


def where_possible(solution: Solution, value: Array) -> Array:
    """A number of the plan, NaN where there is no plan."""
    return jnp.where(solution.possible, value, jnp.nan)


def where_known(function: Callable[..., Array], *numbers: Array) -> Array:
    """A function of numbers of plans; NaN, with derivatives of zero, where one of them is NaN.

    A derivative of zero times NaN would be NaN. Therefore the function gets ones in these entries.
    """
    known = functools.reduce(jnp.logical_and, map(jnp.isfinite, numbers))
    return jnp.where(known, function(*(jnp.where(known, each, 1.0) for each in numbers)), jnp.nan)


def shares_of(solution: Solution, **costs: Array) -> tuple[Array, Record]:
    """The compute that a plan spends, and the fraction of each cost.

    Args:
        solution: the solution of the problem.
        costs: FLOPs by name: `student`, `logits`, `teacher`, `serving`, `data`; zero where not
            given.
    """
    parts = {name: costs.get(name, 0.0) for name in SHARES}
    total = sum(parts.values())
    shares = {name: where_possible(solution, part / total) for name, part in parts.items()}
    return where_possible(solution, total), Record(shares)


def bounds_and_values(
    solution: Solution,
    names: tuple[str, ...],
    *,
    limits: Iterable[str] = (),
    scale: Array = 1.0,
    num_expected: int = 1,
    **others: Array,
) -> dict[str, Record]:
    """The fields `active_bounds` and `marginal_values` of a plan.

    Args:
        solution: the solution.
        names: the variables of the problem.
        limits: names of the limits.
        scale: loss per unit of the problem's objective.
        num_expected: the number of constraints before the limits, such as the budget.
        others: marginal values of the budget, `flops`, and of other inputs, by name.

    Raises:
        ValueError: a limit has the name of another marginal value.
    """
    for name in limits:
        if name in others:
            raise ValueError(
                f"limits: the plan has a marginal value {name!r} of its own. Choose another name "
                "for the limit."
            )
    values = dict(zip(names, solution.bound_values, strict=True))
    values |= dict(zip(limits, solution.multipliers[num_expected:], strict=True))
    values = {name: scale * value for name, value in values.items()}
    bounds = dict(zip(names, solution.on_bound, strict=True))
    for name, binds in zip(limits, solution.binding[num_expected:], strict=True):
        bounds[name] = (binds & solution.possible).astype(jnp.int32)
    values |= others
    return {
        "active_bounds": Record(bounds),
        "marginal_values": Record({k: where_possible(solution, v) for k, v in values.items()}),
    }


def variable_value(given: Record, solution: Solution, name: str, index: int) -> Array:
    """A size or a number of tokens from its logarithm; on a bound, exactly the bound.

    Args:
        given: what the question is given; `lower` and `upper` have the bounds.
        solution: the solution, whose point has logarithms.
        name: the name of the variable.
        index: the index of the variable in the point.
    """
    side, value = solution.on_bound[index], jnp.exp(solution.point[index])
    value = jnp.where(side < 0, given.lower[name], value)
    return jnp.where(side > 0, given.upper[name], value)


def tokens_for_rest(given: Record, solution: Solution, name: str, index: int, rest: Array) -> Array:
    """A number of tokens; exactly the rest of the budget where the tokens take the rest.

    In single precision the exponential of a logarithm is off in the sixth digit, and the compute
    would be off as well.

    Args:
        given: what the question is given; `lower` and `upper` have the bounds.
        solution: the solution. Its first constraint is the budget.
        name: the name of the variable.
        index: the index of the variable in the point.
        rest: the number of tokens that the rest of the budget pays for.
    """
    takes_rest = solution.binding[0] & (solution.on_bound[index] == 0) & (rest > 0)
    return jnp.where(takes_rest, rest, variable_value(given, solution, name, index))
