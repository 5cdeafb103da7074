"""The model with the least compute for training and serving together (Sardana et al. 2023)."""

from collections.abc import Callable, Mapping

import jax.numpy as jnp
from jax import lax

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning.analysis.inverse import flops_to_reach
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, Bounds, supervised_law
from jaxlaws.planning.engine.costs import (
    Costs,
    cost_inputs,
    cost_of_data,
    in_training_flops,
    spent,
)
from jaxlaws.planning.engine.evaluation import Question, ask
from jaxlaws.planning.engine.limits import Limit, constraints_of
from jaxlaws.planning.engine.plans import (
    SupervisedPlan,
    bounds_and_values,
    shares_of,
    status_of,
    variable_value,
    where_possible,
)
from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.solver.batched import Point, gradient
from jaxlaws.planning.solver.minimiser import Solution
from jaxlaws.planning.solver.problem import Problem, Reduction
from jaxlaws.planning.supervised.allocation import compute_optimal
from jaxlaws.precision import Precision

_NUM_CANDIDATES = 65
_NUM_STEPS = 10
_LEAST_SHARE = 1e-6


def reaching(loss: Callable[[Array], Array], target: Array, start: Array) -> Array:
    """The logarithm of a size, or of a number of tokens, at which a falling loss is the target.

    It is infinite where the loss is always above the target. For a power law, the logarithm of the
    loss above its infimum is linear; for a power of a sum of powers it is nearly linear. Therefore
    Newton's method takes few steps from any start.
    """
    infimum = loss(jnp.inf * jnp.ones_like(start))
    reachable = target > infimum
    wanted = jnp.where(reachable, target - infimum, 1.0)

    def off(unknown: Array) -> Array:
        return jnp.log(loss(unknown) - infimum) - jnp.log(wanted)

    def root(function: Callable[[Array], Array], guess: Array) -> Array:
        def step(_: Array, here: Array) -> Array:
            value, (slope,) = gradient(lambda point: function(point[0]), [here])
            following = here - value / slope
            return jnp.where(jnp.isfinite(following), following, here)

        return lax.fori_loop(0, _NUM_STEPS, step, guess)

    def tangent(linear: Callable[[Array], Array], right: Array) -> Array:
        return right / linear(jnp.ones_like(right))

    return jnp.where(reachable, lax.custom_root(off, start, root, tangent), jnp.inf)


def _problem(given: Record) -> Problem:
    given = in_training_flops(given)
    lower = [jnp.log(given.lower.num_params), jnp.log(given.lower.num_tokens)]
    upper = [jnp.log(given.upper.num_params), jnp.log(given.upper.num_tokens)]
    infinite = jnp.inf * jnp.ones_like(given.target_loss)
    irreducible = given.law.loss(num_params=infinite, num_tokens=infinite)
    best = given.law.loss(num_params=given.upper.num_params, num_tokens=given.upper.num_tokens)
    possible = (given.target_loss > irreducible) & (best <= given.target_loss)
    log_excess = jnp.log(jnp.where(possible, given.target_loss - irreducible, 1.0))

    def log_cost(point: Point) -> Array:
        forward, tokens = given.forward_flops(jnp.exp(point[0])), jnp.exp(point[1])
        passes = 3 * tokens + given.num_inference_tokens + cost_of_data(given, tokens, forward)
        return jnp.log(forward) + jnp.log(passes)

    def reached(point: Point) -> Array:
        loss = given.law.loss(num_params=jnp.exp(point[0]), num_tokens=jnp.exp(point[1]))
        return log_excess - jnp.log(loss - irreducible)

    def loss_of_size(log_params: Array) -> Array:
        """The loss of a size on unlimited data."""
        return given.law.loss(num_params=jnp.exp(log_params), num_tokens=infinite)

    def end(num_tokens: Array) -> Array:
        """The size, within its bounds, that reaches the loss on a given number of tokens."""
        size = reaching(
            lambda log_params: given.law.loss(
                num_params=jnp.exp(log_params), num_tokens=num_tokens
            ),
            irreducible + jnp.exp(log_excess),
            lower[0],
        )
        return jnp.clip(size, lower[0], upper[0])

    smallest, largest = end(given.upper.num_tokens), end(given.lower.num_tokens)

    def to_point(coordinates: Point, relaxation: Point) -> Point:
        excess = log_excess + relaxation[0]
        log_share = -jnp.logaddexp(0.0, -coordinates[0])
        size = reaching(loss_of_size, irreducible + jnp.exp(excess + log_share), lower[0])
        size = jnp.clip(size, smallest, largest)
        tokens = reaching(
            lambda log_tokens: given.law.loss(
                num_params=jnp.exp(size), num_tokens=jnp.exp(log_tokens)
            ),
            irreducible + jnp.exp(excess),
            lower[1],
        )
        return [size, jnp.clip(tokens, lower[1], upper[1])]

    def log_odds(log_params: Array) -> Array:
        share = (loss_of_size(log_params) - irreducible) / jnp.exp(log_excess)
        share = jnp.clip(share, _LEAST_SHARE, 1 - _LEAST_SHARE)
        return jnp.log(share) - jnp.log1p(-share)

    least, most = log_odds(largest), log_odds(smallest)

    def candidate(index: Array) -> Point:
        """The log odds of the share of the excess loss that is due to the size."""
        return [least + (most - least) * ((index + 0.5) / _NUM_CANDIDATES)]

    return Problem(
        objective=log_cost,
        lower=lower,
        upper=upper,
        constraints=(reached, *constraints_of(given, ("num_params", "num_tokens"))),
        reduction=Reduction(to_point=to_point, candidate=candidate, num_candidates=_NUM_CANDIDATES),
        possible=possible,
    )


def _plan(given: Record, solution: Solution) -> SupervisedPlan:
    given = in_training_flops(given)
    num_params = variable_value(given, solution, "num_params", 0)
    num_tokens = variable_value(given, solution, "num_tokens", 1)
    forward = given.forward_flops(num_params)
    loss = given.law.loss(num_params=num_params, num_tokens=num_tokens)
    flops, shares = shares_of(
        solution,
        student=3 * forward * num_tokens,
        serving=forward * given.num_inference_tokens,
        data=cost_of_data(given, num_tokens),
    )
    # The objective is the logarithm of the cost. The multiplier is by how much it falls per unit of
    # the logarithm of the excess loss.
    infinite = jnp.inf * jnp.ones_like(loss)
    excess = loss - given.law.loss(num_params=infinite, num_tokens=infinite)
    binds = solution.multipliers[0] > 0
    worth = jnp.where(binds, excess / jnp.where(binds, solution.multipliers[0], 1.0), 0.0)
    return SupervisedPlan(
        num_params=where_possible(solution, num_params),
        num_tokens=where_possible(solution, num_tokens),
        loss=where_possible(solution, loss),
        flops=spent(given, flops),
        shares=shares,
        status=status_of(solution, loss),
        **bounds_and_values(
            solution,
            ("num_params", "num_tokens"),
            flops=worth,
            limits=given.limits,
            scale=worth,
        ),
    )


_QUESTION = Question(
    problem=_problem,
    plan=_plan,
    may_be_zero=("num_inference_tokens",),
    takes_limits=True,
)


def serve(
    law: Tree,
    *,
    num_inference_tokens: Array,
    target_loss: Array = None,
    flops: Array = None,
    forward_flops: ForwardFlops = dense_forward_flops,
    num_params_bounds: Bounds = DEFAULT_BOUNDS,
    num_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    limits: Mapping[str, Limit] | None = None,
    cost: Costs | None = None,
    input_bounds: Mapping[str, Bounds] | None = None,
    precision: Precision | None = None,
) -> SupervisedPlan:
    """The size and the tokens of a model that is trained once and then serves a known demand.

    With F the forward FLOPs per token, training and serving cost `F(N) (3 D + D_serve)` FLOPs.
    With `target_loss` the plan has the least cost of all that reach the loss; with `flops` it has
    the least loss of all within this budget. A model that serves more tokens is smaller and is
    trained on more tokens.

    Args:
        law: a law of `num_params` and `num_tokens` whose loss falls in both, or a distillation
            law, whose `supervised` is used.
        num_inference_tokens: tokens that the model will serve, any shape; 0 for none.
        target_loss: loss to reach, in the law's unit, broadcast with the served tokens.
        flops: budget for training and serving, broadcast with the served tokens. Give either
            `target_loss` or `flops`.
        forward_flops: forward FLOPs per token of a model of given size.
        num_params_bounds: lower and upper bound of the size, broadcast with the served tokens.
        num_tokens_bounds: lower and upper bound of the tokens, broadcast with the served tokens.
        limits: upper limits on other quantities of `num_params` and `num_tokens`, by names of
            your choice.
        cost: prices of training, serving and data, see `Costs`; for example
            `Costs.in_dollars(training=..., serving=...)`. The plan is then the cheapest in money,
            or spends a budget of money, and its `flops` is the money that it spends.
        input_bounds: bounds of further inputs of the law that the plan chooses, as in
            `compute_optimal`.
        precision: of the computation inside a trace, see `Precision`.

    Returns:
        A plan whose leaves have the broadcast shape: NumPy float64 for concrete inputs, the
        caller's dtype inside a trace. Where no model within the bounds reaches the target loss,
        for example the irreducible loss, the plan has the status INFEASIBLE and NaN for sizes.

    Raises:
        ValueError: both `target_loss` and `flops` are given, or neither, an input is not
            positive and finite, or bounds exclude each other. Inside a trace the plan then has
            the status INFEASIBLE.
        TypeError: the law is not a law of `num_params` and `num_tokens`, and has no such law as
            `supervised`.

    >>> from jaxlaws import presets
    >>> law = presets.load("besiroglu2024")
    >>> for served in (0, 1e13):
    ...     plan = serve(law, num_inference_tokens=served, target_loss=2.0)
    ...     print(f"{plan.num_params:.2e} on {plan.num_tokens:.2e} tokens, {plan.flops:.2e} FLOPs")
    4.69e+10 on 8.80e+11 tokens, 2.47e+23 FLOPs
    2.00e+10 on 3.01e+12 tokens, 7.62e+23 FLOPs

    The same in dollars, where serving uses a smaller fraction of the hardware's speed:

    >>> from jaxlaws.planning import Costs, Hardware
    >>> fast = Hardware(dollars_per_hour=2, flops_per_second=1e15, utilisation=0.4)
    >>> slow = Hardware(dollars_per_hour=2, flops_per_second=1e15, utilisation=0.1)
    >>> for serving in (fast, slow):
    ...     cost = Costs.in_dollars(training=fast, serving=serving)
    ...     plan = serve(law, num_inference_tokens=1e13, target_loss=2.0, cost=cost)
    ...     print(f"{plan.num_params:.2e} parameters, {plan.flops:.2e} dollars")
    2.00e+10 parameters, 1.06e+06 dollars
    1.49e+10 parameters, 2.45e+06 dollars
    """
    if (target_loss is None) == (flops is None):
        raise ValueError(
            "serve takes either target_loss, to be reached at the least compute, or flops, to be "
            f"spent for the least loss: got {'neither' if flops is None else 'both'}"
        )
    options = {
        "num_inference_tokens": num_inference_tokens,
        "forward_flops": forward_flops,
        "num_params_bounds": num_params_bounds,
        "num_tokens_bounds": num_tokens_bounds,
        "limits": limits,
        "cost": cost,
        "input_bounds": input_bounds,
        "precision": precision,
    }
    if flops is not None:
        return compute_optimal(law, flops=flops, **options)
    if input_bounds:
        return flops_to_reach(compute_optimal, law, target_loss=target_loss, **options)
    return ask(
        _QUESTION,
        supervised_law(law),
        {
            "target_loss": target_loss,
            "num_inference_tokens": num_inference_tokens,
            **cost_inputs(cost),
        },
        bounds={"num_params": num_params_bounds, "num_tokens": num_tokens_bounds},
        limits=limits,
        functions={"forward_flops": forward_flops},
        precision=precision,
    )
