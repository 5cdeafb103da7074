"""The best model that a budget can train (Hoffmann et al. 2022)."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, Bounds, supervised_law
from jaxlaws.planning.engine.evaluation import Question, ask
from jaxlaws.planning.engine.limits import Limit, constraints_of
from jaxlaws.planning.engine.plans import (
    SupervisedPlan,
    bounds_and_values,
    shares_of,
    status_of,
    tokens_for_rest,
    variable_value,
    where_possible,
)
from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.solver.batched import Array, Point
from jaxlaws.planning.solver.minimiser import Solution
from jaxlaws.planning.solver.problem import Problem, Reduction

_NUM_CANDIDATES = 65
_NAMES = ("num_params", "num_tokens")


def allocation_problem(given: Record) -> Problem:
    """Least loss over the logarithms of size and tokens, within a budget."""
    lower = [jnp.log(given.lower.num_params), jnp.log(given.lower.num_tokens)]
    upper = [jnp.log(given.upper.num_params), jnp.log(given.upper.num_tokens)]

    def objective(point: Point) -> Array:
        return given.law.loss(num_params=jnp.exp(point[0]), num_tokens=jnp.exp(point[1]))

    def log_cost(point: Point) -> Array:
        tokens = 3 * jnp.exp(point[1]) + given.num_inference_tokens
        return jnp.log(given.forward_flops(jnp.exp(point[0]))) + jnp.log(tokens)

    def to_point(coordinates: Point, relaxation: Point) -> Point:
        budget = given.flops * jnp.exp(relaxation[0])
        tokens = budget / given.forward_flops(jnp.exp(coordinates[0])) - given.num_inference_tokens
        affordable = tokens > 0  # what serving alone overspends is given no tokens
        return [
            coordinates[0],
            jnp.where(affordable, jnp.log(jnp.where(affordable, tokens / 3, 1.0)), lower[1] - 1.0),
        ]

    def candidate(index: Any) -> Point:
        return [lower[0] + (upper[0] - lower[0]) * (index / (_NUM_CANDIDATES - 1))]

    return Problem(
        objective=objective,
        lower=lower,
        upper=upper,
        constraints=(
            lambda point: jnp.log(given.flops) - log_cost(point),
            *constraints_of(given, _NAMES),
        ),
        preference=log_cost,
        reduction=Reduction(to_point=to_point, candidate=candidate, num_candidates=_NUM_CANDIDATES),
        possible=log_cost(lower) <= jnp.log(given.flops),
    )


def allocation_plan(given: Record, solution: Solution) -> SupervisedPlan:
    """The plan that a solution of it is."""
    num_params = variable_value(given, solution, "num_params", 0)
    forward = given.forward_flops(num_params)
    serving = forward * given.num_inference_tokens
    rest = (given.flops - serving) / (3 * forward)
    num_tokens = tokens_for_rest(given, solution, "num_tokens", 1, rest)
    loss = given.law.loss(num_params=num_params, num_tokens=num_tokens)
    flops, shares = shares_of(solution, student=3 * forward * num_tokens, serving=serving)
    return SupervisedPlan(
        num_params=where_possible(solution, num_params),
        num_tokens=where_possible(solution, num_tokens),
        loss=where_possible(solution, loss),
        flops=flops,
        shares=shares,
        status=status_of(solution, loss, unspent=~solution.binding[0]),
        **bounds_and_values(
            solution,
            _NAMES,
            flops=solution.multipliers[0],
            limits=given.limits,
        ),
    )


_QUESTION = Question(
    problem=allocation_problem, plan=allocation_plan, may_be_zero=("num_inference_tokens",)
)


def compute_optimal(
    law: Any,
    *,
    flops: Any,
    num_inference_tokens: Any = 0.0,
    forward_flops: ForwardFlops = dense_forward_flops,
    num_params_bounds: Bounds = DEFAULT_BOUNDS,
    num_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    limits: Mapping[str, Limit] | None = None,
) -> SupervisedPlan:
    """The size and the tokens of least loss within `F(N) (3 D + D_serve) <= flops`.

    Args:
        law: a law of `num_params` and `num_tokens`; a distillation law answers with its
            `supervised`.
        flops: the whole budget, any shape.
        num_inference_tokens: tokens that the model will serve; serving them at `F(N)` a token
            comes out of the budget, and calls for a smaller model (Sardana et al. 2023).
        forward_flops: forward FLOPs per token of a size.
        num_params_bounds: least and largest size, broadcast with the budget.
        num_tokens_bounds: least and largest number of tokens, likewise.
        limits: what else of `num_params` and `num_tokens` may be at most so much, by a name of
            yours.

    Returns:
        A plan whose leaves have the broadcast shape: NumPy float64 outside a trace, in the
        caller's precision inside one.

    Raises:
        ValueError: the budget or a bound is not positive and finite, or bounds exclude each
            other. Inside a trace the plan then has the status INFEASIBLE and NaN for sizes.
        TypeError: the law is of another kind.

    >>> from jaxlaws import presets
    >>> plan = compute_optimal(presets.load("besiroglu2024"), flops=5.76e23)
    >>> f"{plan.num_params:.3g} parameters, {plan.num_tokens:.3g} tokens"
    '7.22e+10 parameters, 1.33e+12 tokens'
    """
    return ask(
        _QUESTION,
        supervised_law(law),
        {"flops": flops, "num_inference_tokens": num_inference_tokens},
        bounds={"num_params": num_params_bounds, "num_tokens": num_tokens_bounds},
        limits=limits,
        functions={"forward_flops": forward_flops},
    )
