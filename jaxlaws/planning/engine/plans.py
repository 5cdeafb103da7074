"""What a question about the future is answered with.

All leaves have one shape, that of the question's inputs broadcast together. `shares` are
fractions of the compute that the plan spends: of training the student, of the teacher's logits,
of training the teacher, and of serving; they sum to one. `active_bounds` has -1, 0 or +1 for each
variable that was free, by its input name: on its lower, on no, or on its upper bound; and +1 for
a limit that binds. `marginal_values` has what the loss falls by where `flops`, an active bound or a
limit grows, in nats per unit of its logarithm: a hundredth of it is what one per cent more brings.
A price that falls by one per cent brings its part of `shares` of what one per cent more compute
does, as the best plan moves but little (the envelope theorem).
"""

from collections.abc import Iterable
from typing import Any

import jax.numpy as jnp

from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.engine.status import Status, worst
from jaxlaws.planning.solver.minimiser import Solution
from jaxlaws.pytree import pytree


@pytree
class SupervisedPlan:
    """How to train one model.

    Attributes:
        num_params: its size.
        num_tokens: the tokens to train it on.
        loss: its loss, in the law's unit.
        flops: the compute that the plan spends, at most the budget.
        shares: fractions of `flops`: `student` (here the model's training), `logits`, `teacher`,
            `serving`.
        status: a `Status`.
        active_bounds: -1, 0 or +1 by input name.
        marginal_values: nats per unit of a logarithm, by name.
    """

    num_params: Any
    num_tokens: Any
    loss: Any
    flops: Any
    shares: Record
    status: Any
    active_bounds: Record
    marginal_values: Record


@pytree
class DistillationPlan:
    """How to train a teacher and distil a student, or several alike, from it.

    Attributes:
        num_student_params: size of the student.
        num_student_tokens: tokens that each student is distilled on.
        num_teacher_params: size of the teacher; NaN where the teacher costs nothing, and only
            its loss is chosen.
        num_teacher_tokens: tokens that the teacher is trained on; NaN likewise, and for a teacher
            that exists.
        teacher_loss: the teacher's loss.
        loss: the student's loss, in the law's unit.
        flops: the compute that the plan spends, at most the budget.
        shares: fractions of `flops`: `student`, `logits`, `teacher`, `serving`.
        status: a `Status`.
        active_bounds: -1, 0 or +1 by input name.
        marginal_values: nats per unit of a logarithm, by name; also of `teacher_loss` where it is
            given.
    """

    num_student_params: Any
    num_student_tokens: Any
    num_teacher_params: Any
    num_teacher_tokens: Any
    teacher_loss: Any
    loss: Any
    flops: Any
    shares: Record
    status: Any
    active_bounds: Record
    marginal_values: Record


@pytree
class TeacherLossPlan:
    """The best teacher for a student, by loss alone.

    Attributes:
        num_student_params: size of the student.
        num_student_tokens: tokens that it is distilled on.
        teacher_loss: the loss of its best teacher.
        loss: the student's loss under that teacher, in the law's unit.
        status: a `Status`.
        active_bounds: -1 where the best teacher would be the irreducible one, by input name.
    """

    num_student_params: Any
    num_student_tokens: Any
    teacher_loss: Any
    loss: Any
    status: Any
    active_bounds: Record


def status_of(solution: Solution, loss: Any, unspent: Any = None) -> Any:
    """The status of a plan.

    Args:
        solution: the solver's.
        loss: the loss that the law gives.
        unspent: whether the plan leaves some of the budget.
    """
    conditions = {
        Status.INFEASIBLE: ~solution.possible,
        Status.NOT_CONVERGED: solution.possible & ~solution.solved,
        Status.NON_FINITE: solution.possible & ~jnp.isfinite(loss),
    }
    conditions[Status.ON_BOUND] = jnp.zeros_like(solution.possible)
    for active in [side != 0 for side in solution.on_bound] + solution.binding[1:]:
        conditions[Status.ON_BOUND] |= active
    if unspent is not None:
        conditions[Status.BUDGET_UNSPENT] = unspent
    return worst(conditions)


def where_possible(solution: Solution, value: Any) -> Any:
    """A plan's number, NaN where there is no plan."""
    return jnp.where(solution.possible, value, jnp.nan)


def shares_of(solution: Solution, **costs: Any) -> tuple[Any, Record]:
    """The compute that a plan spends, and what fraction goes where."""
    parts = {name: costs.get(name, 0.0) for name in ("student", "logits", "teacher", "serving")}
    total = parts["student"] + parts["logits"] + parts["teacher"] + parts["serving"]
    shares = {name: where_possible(solution, part / total) for name, part in parts.items()}
    return where_possible(solution, total), Record(shares)


def bounds_told(
    solution: Solution,
    names: tuple[str, ...],
    *,
    flops: Any,
    limits: Iterable[str] = (),
    scale: Any = 1.0,
    **others: Any,
) -> dict[str, Record]:
    """A plan's `active_bounds` and `marginal_values`.

    Args:
        solution: the solver's; its constraints are one that says what is spent, and the limits.
        names: of the variables.
        flops: what the loss falls by per unit of the budget's logarithm.
        limits: names of the limits.
        scale: the loss per unit of the objective.
        others: marginal values of other inputs, by name.
    """
    values = dict(zip(names, solution.bound_values, strict=True))
    values |= dict(zip(limits, solution.multipliers[1:], strict=True))
    values = {name: scale * value for name, value in values.items()}
    bounds = dict(zip(names, solution.on_bound, strict=True))
    for name, binds in zip(limits, solution.binding[1:], strict=True):
        bounds[name] = (binds & solution.possible).astype(jnp.int32)
    worth = {"flops": flops, **values, **others}
    return {
        "active_bounds": Record(bounds),
        "marginal_values": Record({k: where_possible(solution, v) for k, v in worth.items()}),
    }


def quantity(given: Record, solution: Solution, name: str, index: int) -> Any:
    """A size or a number of tokens from its logarithm; where it is on a bound, the bound itself.

    Args:
        given: has the bounds.
        solution: the solver's.
        name: of the input.
        index: among the variables.
    """
    side, value = solution.on_bound[index], jnp.exp(solution.point[index])
    value = jnp.where(side < 0, given[f"{name}_bounds_lower"], value)
    return jnp.where(side > 0, given[f"{name}_bounds_upper"], value)


def tokens_for_rest(given: Record, solution: Solution, name: str, index: int, rest: Any) -> Any:
    """A number of tokens; where they take what is left of the budget, from that.

    In single precision the exponential of a logarithm is off by some units in the sixth digit,
    and so would the compute be.

    Args:
        given: has the bounds.
        solution: the solver's; its first constraint is the budget.
        name: of the input.
        index: among the variables.
        rest: how many tokens the rest of the budget pays for.
    """
    takes_rest = solution.binding[0] & (solution.on_bound[index] == 0) & (rest > 0)
    return jnp.where(takes_rest, rest, quantity(given, solution, name, index))
