"""The search for the teacher that students of several sizes share.

For a given teacher the budget that is left is split among the students by `best_split`. That
leaves the teacher to be searched for, however many students there are.
"""

from typing import Any

import jax
import jax.numpy as jnp

from jaxlaws.planning.distillation.optimal_teacher import teacher_loss_limits
from jaxlaws.planning.distillation.reductions import NUM_SIZES, with_paid_tokens
from jaxlaws.planning.engine.plans import shares_of, status_of, variable_value, where_possible
from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.engine.scenarios import ChargedCosts
from jaxlaws.planning.engine.status import Status
from jaxlaws.planning.solver.batched import Array, Point
from jaxlaws.planning.solver.budget_split import Split, best_split, split_for_value
from jaxlaws.planning.solver.minimiser import Solution
from jaxlaws.planning.solver.numeric_tolerances import tolerances
from jaxlaws.planning.solver.problem import Problem, Reduction
from jaxlaws.pytree import pytree

_LEAST_GAIN = 1e-30


@pytree
class FamilyPlan:
    """How to train a teacher and distil students of several sizes from it.

    Leaves have the shape of the budget, those of the students one axis more.

    Attributes:
        num_student_params: sizes of the students.
        num_student_tokens: tokens that each is distilled on.
        student_losses: the loss of each, in the law's unit.
        num_teacher_params: size of the teacher; NaN where the teacher costs nothing, and only
            its loss is chosen.
        num_teacher_tokens: tokens that the teacher is trained on; NaN likewise.
        teacher_loss: the teacher's loss.
        loss: the weighted mean of the students' losses.
        flops: the compute that the plan spends, at most the budget.
        shares: fractions of `flops`: `student` (of all), `logits`, `teacher`, `serving` (by all).
        status: a `Status`.
        active_bounds: -1, 0 or +1 by input name; for the students' tokens one axis more.
        marginal_values: of `loss`, nats per unit of a logarithm, by name; for the students' tokens
            one axis more, each as if its bound alone were relaxed.
    """

    num_student_params: Any
    num_student_tokens: Any
    student_losses: Any
    num_teacher_params: Any
    num_teacher_tokens: Any
    teacher_loss: Any
    loss: Any
    flops: Any
    shares: Record
    status: Any
    active_bounds: Record
    marginal_values: Record


def _students(given: Record, name: str) -> Array:
    """An input of all students, with the students along the first axis."""
    return jnp.stack(list(given[name].values()))


def _family(given: Record) -> tuple[Array, Array]:
    """The students' sizes and weights; the weights sum to one."""
    weights = _students(given, "weights")
    return _students(given, "num_student_params"), weights / weights.sum(axis=0)[None]


def _left(given: Record) -> tuple[Array, Array]:
    """What serving leaves for training, and whether it leaves anything."""
    forward = jax.vmap(given.forward_flops)(_students(given, "num_student_params"))
    left = given.flops - (forward * _students(given, "num_inference_tokens")).sum(axis=0)
    return jnp.where(left > 0, left, given.flops), left > 0


def _cost_of_token(given: Record, logits: Array) -> Array:
    """Of each student: training, and the teacher's logits."""
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
    """Log of what a student's tokens gain the mean, per unit of their logarithm."""
    one = jnp.ones_like(log_tokens)
    _, fall = jax.jvp(lambda t: _losses(given, t, given.teacher_loss), (log_tokens,), (one,))
    return jnp.log(jnp.maximum(-_family(given)[1] * fall, _LEAST_GAIN))


def _split(given: Record, logits: Array, log_rest: Array, teacher_loss: Array) -> Split:
    """The compute that a teacher leaves, and the students' tokens that it is for."""
    return Split(
        log_gain=_log_gain,
        given=Record(given | {"teacher_loss": teacher_loss}),
        log_cost=jnp.log(_cost_of_token(given, logits)),
        log_budget=log_rest,
        log_bounds=(
            jnp.log(given.lower.num_student_tokens),
            jnp.log(given.upper.num_student_tokens),
        ),
    )


def _teacher(given: Record, kind: ChargedCosts, point: Point) -> tuple[Array, Array, Array]:
    """The teacher's loss, the cost of its logits for a token, and that of its training."""
    if kind == ChargedCosts.NOTHING:
        return jnp.exp(point[0]), 0.0 * point[0], 0.0 * point[0]
    size, tokens = jnp.exp(point[0]), jnp.exp(point[1])
    forward = given.forward_flops(size)
    loss = given.law.supervised.loss(num_params=size, num_tokens=tokens)
    return loss, given.logits * forward, given.pretraining * 3 * forward * tokens


def family_problem(given: Record, kind: ChargedCosts) -> Problem:
    """The search for the teacher of a scenario, by its `charged_costs`."""
    weights = _family(given)[1]
    budget, affordable = _left(given)
    log_budget = jnp.log(budget)

    def least(logits: Array) -> Array:
        """Of the compute for students that is none too little."""
        return given.lower.num_student_tokens * _cost_of_token(given, logits).sum(axis=0)

    def objective(point: Point) -> Array:
        """Where students reach the most tokens, of equal plans the cheapest is the best."""
        loss, logits, training = _teacher(given, kind, point)
        rest = jnp.maximum(budget - training, least(logits))
        split = _split(given, logits, jnp.log(rest), loss)
        tokens = split_for_value(split)
        of_students = jnp.exp(split.log_cost + tokens - log_budget[None]).sum(axis=0)
        spent = jnp.log(of_students + training / budget)
        least_loss = (weights * _losses(given, tokens, loss)).sum(axis=0)
        return least_loss + tolerances(log_budget).preference * spent

    def log_least_cost(point: Point) -> Array:
        _, logits, training = _teacher(given, kind, point)
        return jnp.log(least(logits) + training)

    if kind == ChargedCosts.NOTHING:
        low, high = teacher_loss_limits(given.law, given.flops)
        lower, upper = [low], [high]
        reduction = _along_first(lower, upper)
    else:
        names = ("num_teacher_params", "num_teacher_tokens")
        lower = [jnp.log(given.lower[name]) for name in names]
        upper = [jnp.log(given.upper[name]) for name in names]
        if kind == ChargedCosts.LOGITS_ONLY:
            reduction = _along_first(lower, upper)
        else:
            reduction = _along_the_share(given, log_budget, lower, upper)
    return Problem(
        objective=objective,
        lower=lower,
        upper=upper,
        constraints=(lambda point: log_budget - log_least_cost(point),),
        reduction=reduction,
        possible=affordable & (log_least_cost(lower) <= log_budget),
    )


def _along_first(lower: Point, upper: Point) -> Reduction:
    """The first variable is free, the others are on their upper bounds."""

    def candidate(index: Any) -> Point:
        return [lower[0] + (upper[0] - lower[0]) * (index / (NUM_SIZES - 1))]

    return Reduction(
        to_point=lambda coordinates, relaxation: [
            coordinates[0],
            *(end + more for end, more in zip(upper[1:], relaxation, strict=True)),
        ],
        candidate=candidate,
        num_candidates=NUM_SIZES,
        num_relaxations=len(upper) - 1,
        held=tuple(range(1, len(upper))),
    )


def _along_the_share(given: Record, log_budget: Array, lower: Point, upper: Point) -> Reduction:
    """As for one student, whose training costs what that of all does for one token each."""
    sizes = _family(given)[0]

    def costs(log_teacher: Array) -> tuple[Array, Array, Array]:
        teacher = given.forward_flops(jnp.exp(log_teacher))
        training = 3 * jax.vmap(given.forward_flops)(sizes).sum(axis=0)
        return training, len(sizes) * given.logits * teacher, given.pretraining * 3 * teacher

    none = jnp.zeros_like(log_budget)
    one_student = with_paid_tokens(
        given, costs, log_budget, [lower[0], none, lower[1]], [upper[0], none, upper[1]]
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
    )


def family_plan(given: Record, solution: Solution, kind: ChargedCosts) -> FamilyPlan:
    """The plan that a solution of it is."""
    nothing = jnp.full_like(given.flops, jnp.nan)
    names = ("num_teacher_params", "num_teacher_tokens")
    sizes, weights = _family(given)
    if kind == ChargedCosts.NOTHING:
        names, teacher = ("teacher_loss",), (nothing, nothing)
        point = solution.point
    else:
        teacher = tuple(variable_value(given, solution, name, i) for i, name in enumerate(names))
        point = [jnp.log(value) for value in teacher]
    teacher_loss, logits, training = _teacher(given, kind, point)
    cost = _cost_of_token(given, logits)
    budget, _ = _left(given)
    rest = jnp.where(solution.possible, budget - training, budget)
    split = _split(given, logits, jnp.log(rest), teacher_loss)
    log_tokens = best_split(split)
    low, high = split.ends(log_tokens)
    sides = jnp.where(log_tokens >= high, 1, jnp.where(log_tokens <= low, -1, 0))
    # In single precision an exponential is off by some units in the sixth digit.
    unspent = (sides == 1).all(axis=0) & ~solution.binding[0]
    tokens = jnp.exp(log_tokens)
    some = (sides == 0).any(axis=0)
    tokens = tokens * jnp.where(some, rest / (cost * tokens).sum(axis=0), 1.0)[None]
    losses = _losses(given, jnp.log(tokens), teacher_loss)
    loss = (weights * losses).sum(axis=0)
    # A FLOP more gains all students alike, but for those on a bound, and so does one less for the
    # teacher. Where all are on a bound it is the least tokens that the budget has to pay for.
    worth = jnp.where(sides == 0, jnp.exp(split.worth(log_tokens)), 0.0).max(axis=0)
    price = jnp.where(some, worth, solution.multipliers[0] / budget)
    held = jnp.exp(_log_gain(split.given, log_tokens)) - price[None] * cost * tokens
    flops, shares = shares_of(
        solution,
        student=((cost - logits[None]) * tokens).sum(axis=0),
        logits=(logits[None] * tokens).sum(axis=0),
        teacher=training,
        serving=given.flops - budget,
    )

    status = status_of(solution, loss, unspent=unspent)
    on_bound = (sides != 0).any(axis=0) & (status == Status.CONVERGED)

    def each(values: Array) -> Array:
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
        active_bounds=Record(
            num_student_tokens=[jnp.where(solution.possible, side, 0) for side in sides],
            **dict(zip(names, solution.on_bound, strict=True)),
        ),
        marginal_values=Record(
            flops=where_possible(solution, price * given.flops),
            num_student_tokens=each(jnp.where(sides == 0, 0.0, held)),
            **{
                name: where_possible(solution, value)
                for name, value in zip(names, solution.bound_values, strict=True)
            },
        ),
    )
