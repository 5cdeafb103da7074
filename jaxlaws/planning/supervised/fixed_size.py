"""Training of a model of given size on as many tokens as a budget allows."""

from collections.abc import Mapping

import jax.numpy as jnp

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, Bounds, supervised_law
from jaxlaws.planning.engine.costs import (
    Costs,
    affordable_tokens,
    cost_inputs,
    cost_of_data,
    cost_of_repeated_data,
    in_training_flops,
    log_affordable_tokens,
    spent,
)
from jaxlaws.planning.engine.evaluation import Question, ask
from jaxlaws.planning.engine.limits import Limit, constraints_of
from jaxlaws.planning.engine.plans import (
    SupervisedPlan,
    bounds_and_values,
    shares_of,
    status_of,
    tokens_for_rest,
    where_possible,
)
from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.solver.batched import Point
from jaxlaws.planning.solver.minimiser import Solution
from jaxlaws.planning.solver.problem import Problem, Reduction
from jaxlaws.precision import Precision


def _serving(given: Record) -> Array:
    return given.forward_flops(given.num_params) * given.num_inference_tokens


def fixed_size_problem(given: Record) -> Problem:
    """The problem: least loss over the logarithm of the tokens, within a budget."""
    given = in_training_flops(given)
    training = 3 * given.forward_flops(given.num_params)
    left = given.flops - _serving(given)
    log_most = log_affordable_tokens(given, jnp.where(left > 0, left, given.flops), training)
    lower, upper = jnp.log(given.lower.num_tokens), jnp.log(given.upper.num_tokens)

    def objective(point: Point) -> Array:
        return given.law.loss(num_params=given.num_params, num_tokens=jnp.exp(point[0]))

    def to_point(_: Point, relaxation: Point) -> Point:
        return [log_most + relaxation[0]]

    return Problem(
        objective=objective,
        has_unit=True,
        lower=[lower],
        upper=[upper],
        constraints=(
            lambda point: log_most - point[0],
            *constraints_of(given, ("num_tokens",), {"num_params": given.num_params}),
        ),
        preference=lambda point: point[0],
        reduction=Reduction(to_point=to_point, candidate=lambda _: [], num_candidates=0),
        possible=(left > 0) & (lower <= log_most),
    )


def fixed_size_plan(given: Record, solution: Solution) -> SupervisedPlan:
    """The plan from a solution of `fixed_size_problem`."""
    given = in_training_flops(given)
    cost_of_token = 3 * given.forward_flops(given.num_params)
    left = given.flops - _serving(given)
    rest = affordable_tokens(given, left, cost_of_token)
    num_tokens = tokens_for_rest(given, solution, "num_tokens", 0, rest)
    loss = given.law.loss(num_params=given.num_params, num_tokens=num_tokens)
    flops, shares = shares_of(
        solution,
        student=cost_of_token * num_tokens,
        serving=_serving(given),
        data=cost_of_data(given, num_tokens),
    )
    of_tokens = left - cost_of_repeated_data(given, num_tokens)
    return SupervisedPlan(
        num_params=where_possible(solution, given.num_params),
        num_tokens=where_possible(solution, num_tokens),
        loss=where_possible(solution, loss),
        flops=spent(given, flops),
        shares=shares,
        status=status_of(solution, loss, unspent=~solution.binding[0]),
        **bounds_and_values(
            solution,
            ("num_tokens",),
            flops=solution.multipliers[0] * given.flops / of_tokens,
            limits=given.limits,
        ),
    )


_QUESTION = Question(
    problem=fixed_size_problem,
    plan=fixed_size_plan,
    may_be_zero=("num_inference_tokens",),
    takes_limits=True,
)


def train_fixed(
    law: Tree,
    *,
    num_params: Array,
    flops: Array,
    num_inference_tokens: Array = 0.0,
    forward_flops: ForwardFlops = dense_forward_flops,
    num_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    limits: Mapping[str, Limit] | None = None,
    cost: Costs | None = None,
    precision: Precision | None = None,
) -> SupervisedPlan:
    """The plan that trains a model of given size within `F(N) (3 D + D_serve) <= flops`.

    The plan spends the whole budget on tokens, unless a bound or a limit allows fewer tokens.

    Args:
        law: a law of `num_params` and `num_tokens`, or a distillation law, whose `supervised` is
            used.
        num_params: the size, any shape.
        flops: the whole budget, broadcast with the size.
        num_inference_tokens: tokens that the model will serve. Serving costs `F(N)` FLOPs per
            token, which the budget pays for.
        forward_flops: forward FLOPs per token of a model of given size.
        num_tokens_bounds: lower and upper bound of the tokens, broadcast with the size.
        limits: upper limits on other quantities of `num_params` and `num_tokens`, by names of
            your choice.
        cost: prices of training, serving and data, see `Costs`.
        precision: of the computation inside a trace, see `Precision`.

    Returns:
        A plan whose leaves have the broadcast shape: NumPy float64 for concrete inputs, the
        caller's dtype inside a trace.

    Raises:
        ValueError: the size, the budget or a bound is not positive and finite, or bounds
            exclude each other. Inside a trace the plan then has the status INFEASIBLE and NaN for
            sizes.
        TypeError: the law is not a law of `num_params` and `num_tokens`, and has no such law as
            `supervised`.

    >>> from jaxlaws import presets
    >>> plan = train_fixed(presets.load("besiroglu2024"), num_params=8e9, flops=5.76e23)
    >>> f"{plan.num_tokens:.2g} tokens, loss {plan.loss:.3f}"
    '1.2e+13 tokens, loss 2.025'
    """
    return ask(
        _QUESTION,
        supervised_law(law),
        {
            "num_params": num_params,
            "flops": flops,
            "num_inference_tokens": num_inference_tokens,
            **cost_inputs(cost),
        },
        bounds={"num_tokens": num_tokens_bounds},
        limits=limits,
        functions={"forward_flops": forward_flops},
        precision=precision,
    )
