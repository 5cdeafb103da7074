"""Where the search for a teacher starts, and the coordinates in which it needs no constraint."""

from typing import Any

import jax.numpy as jnp

from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.solver.batched import Array, Point, hessian
from jaxlaws.planning.solver.problem import Reduction

NUM_SIZES = 65
_NUM_SHARES = 40
_LEAST_LOG_ODDS, _LARGEST_LOG_ODDS = -22.0, 6.0  # of the teacher's share of the compute
# Where a share is charged, it counts as at least this in what merely starts the search.
_LEAST_CHARGE = 1e-9


def _balance(supervised: Any) -> tuple[Array, Array, Array]:
    """How a model's size and its tokens balance: `r + r_N log N + r_D log D`.

    That is the log of the ratio of what a little more of either gains; it is linear for all laws
    that add powers, whatever is done to the sum. Elsewhere it serves as a guess.
    """
    size, tokens = jnp.log(1e9), jnp.log(2e10)
    _, gain, bend = hessian(
        lambda point: supervised.loss(num_params=jnp.exp(point[0]), num_tokens=jnp.exp(point[1])),
        [size, tokens],
    )
    of_size = bend[0][0] / gain[0] - bend[1][0] / gain[1]
    of_tokens = bend[1][0] / gain[0] - bend[1][1] / gain[1]
    ratio = jnp.log(gain[0] / gain[1])
    return ratio - of_size * size - of_tokens * tokens, of_size, of_tokens


def with_free_tokens(costs: Any, log_budget: Array, lower: Point, upper: Point) -> Reduction:
    """Free is the teacher's size; its tokens are as many as may be."""

    def to_point(coordinates: Point, relaxation: Point) -> Point:
        training, logits, _ = costs(coordinates[0])
        tokens = log_budget + relaxation[0] - jnp.log(training + logits)
        return [coordinates[0], tokens, upper[2] + relaxation[1]]

    def candidate(index: Any) -> Point:
        return [lower[0] + (upper[0] - lower[0]) * (index / (NUM_SIZES - 1))]

    return Reduction(
        to_point=to_point,
        candidate=candidate,
        num_candidates=NUM_SIZES,
        num_relaxations=2,
        held=(2,),
    )


def with_paid_tokens(
    given: Record, costs: Any, log_budget: Array, lower: Point, upper: Point
) -> Reduction:
    """Free are the teacher's size and the log odds of its training's share of the compute.

    The candidates lie on one line, along the share, with the teacher that is the cheapest for its
    loss: that of the share's compute-optimal training, made smaller as its logits cost more. A
    Newton step each follows it.
    """
    ratio, of_size, of_tokens = _balance(given.law.supervised)
    one = jnp.ones_like(log_budget)

    def tokens(log_teacher: Array, log_odds: Array, log_available: Array) -> tuple[Array, Array]:
        training, logits, teacher = costs(log_teacher)
        of_student = log_available - jnp.logaddexp(0.0, log_odds) - jnp.log(training + logits)
        charge = jnp.maximum(teacher, _LEAST_CHARGE * training)
        return of_student, log_available - jnp.logaddexp(0.0, -log_odds) - jnp.log(charge)

    def to_point(coordinates: Point, relaxation: Point) -> Point:
        log_teacher, log_odds = coordinates
        of_student, of_teacher = tokens(log_teacher, log_odds, log_budget + relaxation[0])
        return [log_teacher, of_student, of_teacher]

    def candidate(index: Any) -> Point:
        step = (_LARGEST_LOG_ODDS - _LEAST_LOG_ODDS) / (_NUM_SHARES - 1)
        guess = jnp.clip(0.5 * log_budget - 2.4, lower[0], upper[0])
        return [guess, (_LEAST_LOG_ODDS + step * index) * one]

    def follow(guess: Point, before: Point) -> Point:
        log_teacher, log_odds = before[0], guess[1]
        training, logits, _unused = costs(log_teacher)
        fraction = logits / (training + logits)  # of the student's compute
        extra = fraction * jnp.exp(-log_odds)  # logits over the teacher's training
        _, of_teacher = tokens(log_teacher, log_odds, log_budget)
        off = ratio + of_size * log_teacher + of_tokens * of_teacher - jnp.log1p(extra)
        turn = extra / (1 + extra) * (1 - fraction)
        log_teacher = log_teacher - off / (of_size - of_tokens - turn)
        log_teacher = jnp.where(jnp.isfinite(log_teacher), log_teacher, guess[0])
        return [jnp.clip(log_teacher, lower[0], upper[0]), log_odds]

    return Reduction(
        to_point=to_point, candidate=candidate, num_candidates=_NUM_SHARES, follow=follow
    )
