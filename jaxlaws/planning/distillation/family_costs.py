"""What the students of a family and their teacher cost, and what the students gain."""

import jax
import jax.numpy as jnp

from jaxlaws.foundations.annotations import Array
from jaxlaws.planning.engine.costs import price_of_token
from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.engine.scenarios import ChargedCosts
from jaxlaws.planning.solver.batched import Point
from jaxlaws.planning.solver.budget_split import Split

_LEAST_GAIN = 1e-30  # relative to the loss


def students(given: Record, name: str) -> Array:
    """An input with one value for each student, with the students along the first axis."""
    return jnp.stack(list(given[name].values()))


def family(given: Record) -> tuple[Array, Array]:
    """Sizes and weights of the students; the weights sum to one."""
    weights = students(given, "weights")
    return students(given, "num_student_params"), weights / weights.sum(axis=0)[None]


def tokens_of(index: int) -> str:
    """The name of the tokens of one student, which have bounds of their own."""
    return f"num_student_tokens[{index}]"


def token_bounds(given: Record) -> tuple[Array, Array]:
    """The lower and the upper bounds of the tokens, with the students along the first axis."""
    names = [tokens_of(index) for index in given.num_student_params]
    lower, upper = ([each[name] for name in names] for each in (given.lower, given.upper))
    return jnp.stack(lower), jnp.stack(upper)


def left_for_training(given: Record) -> tuple[Array, Array]:
    """The budget without serving, and whether serving leaves a part of the budget."""
    forward = jax.vmap(given.forward_flops)(students(given, "num_student_params"))
    left = given.flops - (forward * students(given, "num_inference_tokens")).sum(axis=0)
    return jnp.where(left > 0, left, given.flops), left > 0


def cost_of_token(given: Record, logits: Array) -> Array:
    """The cost of one token for each student: training, logits of the teacher and data."""
    training = 3 * jax.vmap(given.forward_flops)(family(given)[0])
    return training + (logits + price_of_token(given))[None]


def losses_of(given: Record, log_tokens: Array, teacher_loss: Array) -> Array:
    """The loss of each student."""

    def one(size: Array, log_of_one: Array) -> Array:
        return given.law.loss(
            num_student_params=size,
            num_student_tokens=jnp.exp(log_of_one),
            teacher_loss=teacher_loss,
        )

    return jax.vmap(one)(family(given)[0], log_tokens)


def log_gain(given: Record, log_tokens: Array) -> Array:
    """Logarithm of the fall of the mean loss per unit of the logarithm of a student's tokens."""
    one = jnp.ones_like(log_tokens)
    losses, fall = jax.jvp(lambda t: losses_of(given, t, given.teacher_loss), (log_tokens,), (one,))
    return jnp.log(jnp.maximum(-family(given)[1] * fall, _LEAST_GAIN * losses))


def split_of(given: Record, logits: Array, log_rest: Array, teacher_loss: Array) -> Split:
    """The compute that a teacher leaves, to be split among the students."""
    least, most = token_bounds(given)
    return Split(
        log_gain=log_gain,
        given=given | {"teacher_loss": teacher_loss},
        log_cost=jnp.log(cost_of_token(given, logits)),
        log_budget=log_rest,
        log_bounds=(jnp.log(least), jnp.log(most)),
    )


def teacher_of(given: Record, charged: ChargedCosts, point: Point) -> tuple[Array, Array, Array]:
    """The loss of the teacher, the cost of its logits for one token, that of its training."""
    if charged == ChargedCosts.NOTHING:
        return jnp.exp(point[0]), 0.0 * point[0], 0.0 * point[0]
    size, tokens = jnp.exp(point[0]), jnp.exp(point[1])
    forward = given.forward_flops(size)
    loss = given.law.supervised.loss(num_params=size, num_tokens=tokens)
    training = given.pretraining * 3 * forward * tokens
    return loss, given.logits * forward, training + cost_of_teacher_data(given, tokens)


def cost_of_teacher_data(given: Record, num_tokens: Array) -> Array:
    """The price of the data of the teacher, as far as its training is charged."""
    return given.pretraining * price_of_token(given) * num_tokens


def teacher_variables(charged: ChargedCosts) -> tuple[str, ...]:
    """The variables of the search, by name, for a scenario whose `charged_costs` are given."""
    if charged == ChargedCosts.NOTHING:
        return ("teacher_loss",)
    return ("num_teacher_params", "num_teacher_tokens")
