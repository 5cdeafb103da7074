"""Compute-optimal training: the best model that a budget can train (Hoffmann et al. 2022)."""

from collections.abc import Mapping

import jax.numpy as jnp

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.foundations.annotations import Array, Tree
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
from jaxlaws.planning.solver.batched import Point
from jaxlaws.planning.solver.minimiser import Solution
from jaxlaws.planning.solver.problem import Problem, Reduction

_NUM_CANDIDATES = 65
_NAMES = ("num_params", "num_tokens")


def allocation_problem(given: Record) -> Problem:
    """The problem: least loss over the logarithms of size and tokens, within a budget."""
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
        affordable = tokens > 0  # false where serving alone costs more than the budget
        return [
            coordinates[0],
            jnp.where(affordable, jnp.log(jnp.where(affordable, tokens / 3, 1.0)), lower[1] - 1.0),
        ]

    def candidate(index: Array) -> Point:
        return [lower[0] + (upper[0] - lower[0]) * (index / (_NUM_CANDIDATES - 1))]

    return Problem(
        objective=objective,
        has_unit=True,
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
    """The plan from a solution of `allocation_problem`."""
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
    problem=allocation_problem,
    plan=allocation_plan,
    takes_limits=True,
    may_be_zero=("num_inference_tokens",),
)


def compute_optimal(
    law: Tree,
    *,
    flops: Array,
    num_inference_tokens: Array = 0.0,
    forward_flops: ForwardFlops = dense_forward_flops,
    num_params_bounds: Bounds = DEFAULT_BOUNDS,
    num_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    limits: Mapping[str, Limit] | None = None,
) -> SupervisedPlan:
    """The size and the tokens with the least loss within `F(N) (3 D + D_serve) <= flops`.

    Args:
        law: a law of `num_params` and `num_tokens`, or a distillation law, whose `supervised` is
            used.
        flops: the whole budget, any shape.
        num_inference_tokens: tokens that the model will serve. Serving costs `F(N)` FLOPs per
            token, which the budget pays for; more served tokens make a smaller model optimal
            (Sardana et al. 2023).
        forward_flops: forward FLOPs per token of a model of given size.
        num_params_bounds: lower and upper bound of the size, broadcast with the budget.
        num_tokens_bounds: lower and upper bound of the tokens, broadcast with the budget.
        limits: upper limits on other quantities of `num_params` and `num_tokens`, by names of
            your choice.

    Returns:
        A plan whose leaves have the broadcast shape: NumPy float64 for concrete inputs, the
        caller's dtype inside a trace.

    Raises:
        ValueError: the budget or a bound is not positive and finite, or bounds exclude each
            other. Inside a trace the plan then has the status INFEASIBLE and NaN for sizes.
        TypeError: the law is not a law of `num_params` and `num_tokens`, and has no such law as
            `supervised`.

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
