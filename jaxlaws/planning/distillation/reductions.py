"""Reductions for the search for a teacher: starting points, and coordinates without a budget."""

from collections.abc import Callable

import jax.numpy as jnp

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.solver.batched import Point, hessian
from jaxlaws.planning.solver.problem import Reduction, evenly_spaced

# From the logarithm of the teacher's size: the cost of training the student on one token, of the
# logits for one token of the student, and of training the teacher on one token; data included.
Costs = Callable[[Array], tuple[Array, Array, Array]]

NUM_SIZES = 65
_NUM_SHARES = 40
_LEAST_LOG_ODDS, _LARGEST_LOG_ODDS = -22.0, 6.0  # of the teacher's share of the compute
# The price of a teacher's token that is free, as a fraction of the price of a student's token.
_PRICE_OF_FREE = 1e-9


def balance_of(supervised: Tree) -> tuple[Array, Array, Array]:
    """The balance of size and tokens, as coefficients of `r + r_N log N + r_D log D`.

    The balance is the logarithm of the gain from a larger size divided by the gain from more
    tokens. It is linear for all laws that are a function of a sum of powers. For other laws it is
    an approximation.
    """
    size, tokens = jnp.log(1e9), jnp.log(2e10)
    _, gain, second = hessian(
        lambda point: supervised.loss(num_params=jnp.exp(point[0]), num_tokens=jnp.exp(point[1])),
        [size, tokens],
    )
    of_size = second[0][0] / gain[0] - second[1][0] / gain[1]
    of_tokens = second[1][0] / gain[0] - second[1][1] / gain[1]
    ratio = jnp.log(gain[0] / gain[1])
    return ratio - of_size * size - of_tokens * tokens, of_size, of_tokens


def with_others_at_upper(lower: Point, upper: Point) -> Reduction:
    """The coordinate is the first variable; the others are on their upper bounds."""
    return Reduction(
        to_point=lambda coordinates, relaxation: [
            coordinates[0],
            *(end + more for end, more in zip(upper[1:], relaxation, strict=True)),
        ],
        candidate=lambda index: [evenly_spaced(lower[0], upper[0], index, NUM_SIZES)],
        num_candidates=NUM_SIZES,
        num_relaxations=len(upper) - 1,
        held=tuple(range(1, len(upper))),
        on_curve=True,
    )


def with_free_tokens(costs: Costs, log_budget: Array, lower: Point, upper: Point) -> Reduction:
    """The coordinate is the teacher's size; the teacher's tokens are on their upper bound."""

    def to_point(coordinates: Point, relaxation: Point) -> Point:
        training, logits, _ = costs(coordinates[0])
        tokens = log_budget + relaxation[0] - jnp.log(training + logits)
        return [coordinates[0], tokens, upper[2] + relaxation[1]]

    return Reduction(
        to_point=to_point,
        candidate=lambda index: [evenly_spaced(lower[0], upper[0], index, NUM_SIZES)],
        num_candidates=NUM_SIZES,
        num_relaxations=2,
        held=(2,),
        on_curve=True,
    )


def with_paid_tokens(
    given: Record, costs: Costs, log_budget: Array, lower: Point, upper: Point
) -> Reduction:
    """The coordinates are the teacher's size and the log odds of the share of its training.

    The candidates lie on a curve along the share of the compute that trains the teacher. The
    teacher of a candidate is the cheapest for its loss: the compute-optimal one for its share, but
    smaller where its logits are charged. One Newton step for each candidate follows the curve.

    `given.balance` is the result of `balance_of`, where it is known.
    """
    balance = given.get("balance")
    ratio, of_size, of_tokens = balance_of(given.law.supervised) if balance is None else balance
    one = jnp.ones_like(log_budget)

    def tokens(log_teacher: Array, log_odds: Array, log_available: Array) -> tuple[Array, Array]:
        training, logits, teacher = costs(log_teacher)
        of_student = log_available - jnp.logaddexp(0.0, log_odds) - jnp.log(training + logits)
        # A token that costs something has its true price: otherwise the point would not spend all.
        price = jnp.where(teacher > 0, teacher, _PRICE_OF_FREE * training)
        return of_student, log_available - jnp.logaddexp(0.0, -log_odds) - jnp.log(price)

    def to_point(coordinates: Point, relaxation: Point) -> Point:
        log_teacher, log_odds = coordinates
        of_student, of_teacher = tokens(log_teacher, log_odds, log_budget + relaxation[0])
        return [log_teacher, of_student, of_teacher]

    def candidate(index: Array) -> Point:
        step = (_LARGEST_LOG_ODDS - _LEAST_LOG_ODDS) / (_NUM_SHARES - 1)
        guess = jnp.clip(0.5 * log_budget - 2.4, lower[0], upper[0])
        return [guess, (_LEAST_LOG_ODDS + step * index) * one]

    def follow(guess: Point, before: Point) -> Point:
        log_teacher, log_odds = before[0], guess[1]
        training, logits, teacher = costs(log_teacher)
        fraction = logits / (training + logits)  # of the student's compute
        extra = fraction * jnp.exp(-log_odds)  # logits over the teacher's training
        _, of_teacher = tokens(log_teacher, log_odds, log_budget)
        data = 0.0  # the share of the teacher's training that pays for data, and not for compute
        if "token_flops" in given:
            data = given.pretraining * given.token_flops / jnp.where(teacher > 0, teacher, jnp.inf)
        off = ratio + of_size * log_teacher + of_tokens * of_teacher - jnp.log1p(extra - data)
        turn = extra / (1 - data + extra) * (1 - fraction)
        turn = turn + data * (1 - data) / (1 - data + extra)
        log_teacher = log_teacher - off / (of_size - (1 - data) * of_tokens - turn)
        log_teacher = jnp.where(jnp.isfinite(log_teacher), log_teacher, guess[0])
        return [jnp.clip(log_teacher, lower[0], upper[0]), log_odds]

    return Reduction(
        to_point=to_point,
        candidate=candidate,
        num_candidates=_NUM_SHARES,
        follow=follow,
        on_curve=True,
    )
