"""The cheapest model in parallel streams that reaches a loss (Chen et al. 2025)."""

from collections.abc import Mapping

import jax.numpy as jnp
from jax import lax

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, Bounds, law_of
from jaxlaws.planning.engine.evaluation import Question, ask
from jaxlaws.planning.engine.limits import Limit, constraints_of
from jaxlaws.planning.engine.plans import (
    bounds_and_values,
    status_of,
    variable_value,
    where_possible,
)
from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.plan_dict import Answer
from jaxlaws.planning.solver.batched import Point
from jaxlaws.planning.solver.minimiser import Solution
from jaxlaws.planning.solver.problem import Problem, evenly_spaced
from jaxlaws.planning.supervised.serving import reaching
from jaxlaws.precision import Precision
from jaxlaws.pytree import pytree

_NAMES = ("num_params", "num_streams")
_NUM_CANDIDATES = 33


@pytree
class StreamsPlan(Answer):
    """A model that processes each token in parallel streams.

    Attributes:
        num_params: size of the model.
        num_streams: parallel streams of each token, a real number.
        loss: loss of the model, in the law's unit.
        cost: cost of the parameters and of the served tokens, in the unit of the prices.
        shares: fractions of `cost`: `params` and `flops`.
        status: a `Status`.
        active_bounds: -1, 0 or +1 by input name.
        marginal_values: nats per unit of a logarithm, by name; also of the cost.
    """

    num_params: Array
    num_streams: Array
    loss: Array
    cost: Array
    shares: Record
    status: Array
    active_bounds: Record
    marginal_values: Record


def _costs(given: Record, num_params: Array, num_streams: Array) -> tuple[Array, Array]:
    """The cost of the parameters, and that of the served tokens."""
    flops = given.forward_flops(num_params) * num_streams * given.num_inference_tokens
    return given.price_of_param * num_params, given.price_of_flop * flops


def _irreducible(given: Record) -> Array:
    """The loss of an infinite model."""
    one = jnp.ones_like(given.target_loss)
    return given.law.loss(num_params=jnp.inf * one, num_streams=one)


def _problem(given: Record) -> Problem:
    irreducible = _irreducible(given)
    best = given.law.loss(num_params=given.upper.num_params, num_streams=given.upper.num_streams)
    possible = (given.target_loss > irreducible) & (best <= given.target_loss)
    log_allowed = jnp.log(jnp.where(possible, given.target_loss - irreducible, 1.0))
    lower = [jnp.log(given.lower[name]) for name in _NAMES]
    upper = [jnp.log(given.upper[name]) for name in _NAMES]

    def excess(num_params: Array, num_streams: Array) -> Array:
        return given.law.loss(num_params=num_params, num_streams=num_streams) - irreducible

    def log_cost(point: Point) -> Array:
        of_params, of_flops = _costs(given, *map(jnp.exp, point))
        return jnp.log(of_params + of_flops)

    def start() -> Point:
        """The cheapest of some numbers of streams, each with the size that reaches the loss."""

        def cheaper(index: Array, best: tuple[Point, Array]) -> tuple[Point, Array]:
            log_streams = evenly_spaced(lower[1], upper[1], index, _NUM_CANDIDATES)
            streams = jnp.exp(log_streams)
            size = reaching(
                lambda log_params: excess(jnp.exp(log_params), streams),
                jnp.exp(log_allowed),
                lower[0],
            )
            point = [jnp.clip(size, lower[0], upper[0]), log_streams]
            # A size below the one that reaches the loss, on its upper bound, is no candidate.
            cost = jnp.where(size <= upper[0], log_cost(point), jnp.inf)
            chosen = [jnp.where(cost < best[1], p, b) for p, b in zip(point, best[0], strict=True)]
            return chosen, jnp.minimum(cost, best[1])

        nothing = (upper, jnp.full_like(upper[0], jnp.inf))
        return lax.fori_loop(0, _NUM_CANDIDATES, cheaper, nothing)[0]

    return Problem(
        objective=log_cost,
        lower=lower,
        upper=upper,
        constraints=(
            lambda point: log_allowed - jnp.log(excess(*map(jnp.exp, point))),
            *constraints_of(given, _NAMES),
        ),
        start=start,
        possible=possible,
    )


def _plan(given: Record, solution: Solution) -> StreamsPlan:
    size, streams = (variable_value(given, solution, n, i) for i, n in enumerate(_NAMES))
    loss = given.law.loss(num_params=size, num_streams=streams)
    of_params, of_flops = _costs(given, size, streams)
    cost = of_params + of_flops
    # The objective is the logarithm of the cost. The multiplier is by how much it falls per unit of
    # the logarithm of the excess loss.
    binds = solution.multipliers[0] > 0
    rate = jnp.where(binds, solution.multipliers[0], 1.0)
    worth = jnp.where(binds, (loss - _irreducible(given)) / rate, 0.0)
    return StreamsPlan(
        num_params=where_possible(solution, size),
        num_streams=where_possible(solution, streams),
        loss=where_possible(solution, loss),
        cost=where_possible(solution, cost),
        shares=Record(
            params=where_possible(solution, of_params / cost),
            flops=where_possible(solution, of_flops / cost),
        ),
        status=status_of(solution, loss),
        **bounds_and_values(solution, _NAMES, limits=given.limits, scale=worth, cost=worth),
    )


_QUESTION = Question(problem=_problem, plan=_plan, takes_limits=True)


def serve_in_streams(
    law: Tree,
    *,
    target_loss: Array,
    num_inference_tokens: Array,
    price_of_param: Array,
    price_of_flop: Array,
    forward_flops: ForwardFlops = dense_forward_flops,
    num_params_bounds: Bounds = DEFAULT_BOUNDS,
    num_streams_bounds: Bounds = (1.0, 1e3),
    limits: Mapping[str, Limit] | None = None,
    precision: Precision | None = None,
) -> StreamsPlan:
    """The size and the number of parallel streams that reach a loss at the least cost of serving.

    Parameters cost memory, and streams cost compute. With F the forward FLOPs per token, N the size
    and P the streams, serving D tokens costs `price_of_param N + price_of_flop F(N) P D`. Where
    memory is expensive, a small model with many streams is the cheapest.

    Args:
        law: a law of `num_params` and `num_streams`, such as `ParallelStreams`.
        target_loss: loss to reach, in the law's unit, any shape.
        num_inference_tokens: tokens that the model serves while its parameters are paid for,
            broadcast with the target.
        price_of_param: price of keeping a parameter in memory, in any unit.
        price_of_flop: price of a FLOP, in the same unit.
        forward_flops: forward FLOPs per token of a model of given size with one stream.
        num_params_bounds: lower and upper bound of the size, broadcast with the target.
        num_streams_bounds: lower and upper bound of the streams. The plan treats the streams as a
            real number; to compare whole numbers, give them as both bounds. The runs behind the
            presets have 1 to 8 streams: `(1, 8)` stays within them.
        limits: upper limits on other quantities of `num_params` and `num_streams`, by names of
            your choice.
        precision: of the computation inside a trace, see `Precision`.

    Returns:
        A plan whose leaves have the broadcast shape: NumPy float64 for concrete inputs, the
        caller's dtype inside a trace. Where no model within the bounds reaches the loss, the plan
        has the status INFEASIBLE and NaN for sizes.

    Raises:
        ValueError: an input, a price or a bound is not positive and finite, or bounds exclude each
            other. Inside a trace the plan then has the status INFEASIBLE.
        TypeError: the law is not a law of `num_params` and `num_streams`.

    >>> from jaxlaws import presets
    >>> law = presets.load("chen2025_stack")
    >>> for price in (1e-9, 1e-6):  # of a parameter; a FLOP costs 1e-18
    ...     plan = serve_in_streams(
    ...         law, target_loss=1.02, num_inference_tokens=1e9,
    ...         price_of_param=price, price_of_flop=1e-18, num_streams_bounds=(1, 8),
    ...     )
    ...     print(f"{plan.num_params:.2g} parameters, {plan.num_streams:.1f} streams")
    4e+09 parameters, 1.0 streams
    2.2e+09 parameters, 8.0 streams
    """
    return ask(
        _QUESTION,
        law_of(law, _NAMES, "ParallelStreams"),
        {
            "target_loss": target_loss,
            "num_inference_tokens": num_inference_tokens,
            "price_of_param": price_of_param,
            "price_of_flop": price_of_flop,
        },
        bounds={"num_params": num_params_bounds, "num_streams": num_streams_bounds},
        limits=limits,
        functions={"forward_flops": forward_flops},
        precision=precision,
    )
