"""The best model where the number of distinct tokens is limited (Muennighoff et al. 2023)."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import cast

import jax.numpy as jnp

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.law import Law
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, Bounds, law_of
from jaxlaws.planning.engine.costs import Costs, cost_inputs
from jaxlaws.planning.engine.evaluation import Question, ask
from jaxlaws.planning.engine.limits import Limit
from jaxlaws.planning.engine.plans import SupervisedPlan
from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.plan_dict import Answer
from jaxlaws.planning.solver.batched import Point
from jaxlaws.planning.solver.minimiser import Solution
from jaxlaws.planning.solver.numeric_tolerances import tolerances
from jaxlaws.planning.solver.problem import Problem
from jaxlaws.planning.supervised.allocation import allocation_plan, allocation_problem
from jaxlaws.planning.supervised.fixed_size import fixed_size_plan, fixed_size_problem
from jaxlaws.precision import Precision
from jaxlaws.pytree import pytree


@pytree
class LimitedDataPlan(Answer):
    """How to train one model on tokens that may have to be repeated.

    Attributes:
        num_params: size of the model.
        num_tokens: tokens that the model is trained on, repeated tokens included.
        num_unique_tokens: distinct tokens among them.
        num_epochs: how often the model sees each distinct token; 1 where no token is repeated.
        loss: loss of the model, in the law's unit.
        flops: compute that the plan spends, at most the budget.
        shares: fractions of `flops`, as in `SupervisedPlan`.
        status: a `Status`.
        active_bounds: -1, 0 or +1 by input name.
        marginal_values: nats per unit of a logarithm, by name.
    """

    VARIABLES = ("num_params", "num_tokens")

    num_params: Array
    num_tokens: Array
    num_unique_tokens: Array
    num_epochs: Array
    loss: Array
    flops: Array
    shares: Record
    status: Array
    active_bounds: Record
    marginal_values: Record


@dataclasses.dataclass(frozen=True)
class _OnLimitedData:
    """A law of size and tokens: a law of repeated data with the distinct tokens given."""

    law: Law
    num_unique_tokens: Array

    def loss(self, *, num_params: Array, num_tokens: Array) -> Array:
        return self.law.loss(
            num_params=num_params, num_tokens=num_tokens, num_unique_tokens=self.num_unique_tokens
        )


def _limited(given: Record) -> Record:
    return given | {"law": _OnLimitedData(given.law, given.num_unique_tokens)}


def _cheapest(problem: Problem) -> Problem:
    """The problem with its preference in the objective.

    Where more repetitions gain nothing, more compute gains nothing. With the preference in the
    objective, the reduction finds the cheapest plan there as well.
    """
    weight = tolerances(problem.lower[0]).preference
    log_cost = cast(Callable[[Point], Array], problem.preference)

    def objective(point: Point) -> Array:
        return problem.objective(point) * (1 + weight * log_cost(point))

    return dataclasses.replace(problem, objective=objective)


def _with_epochs(given: Record, plan: SupervisedPlan) -> LimitedDataPlan:
    fields = {name: value for name, value in vars(plan).items() if name != "further_inputs"}
    return LimitedDataPlan(
        **fields,
        num_unique_tokens=jnp.minimum(plan.num_tokens, given.num_unique_tokens),
        num_epochs=jnp.maximum(plan.num_tokens / given.num_unique_tokens, 1.0),
    )


def _on_limited_data(
    problem: Callable[[Record], Problem], plan: Callable[[Record, Solution], SupervisedPlan]
) -> Question:
    """The question with the problem and the plan of another question, on limited data."""
    return Question(
        problem=lambda given: _cheapest(problem(_limited(given))),
        plan=lambda given, solution: _with_epochs(given, plan(_limited(given), solution)),
        may_be_zero=("num_inference_tokens",),
        takes_limits=True,
    )


_ANY_SIZE = _on_limited_data(allocation_problem, allocation_plan)
_FIXED_SIZE = _on_limited_data(fixed_size_problem, fixed_size_plan)


def train_on_limited_data(
    law: Tree,
    *,
    flops: Array,
    num_unique_tokens: Array,
    num_params: Array | None = None,
    num_inference_tokens: Array = 0.0,
    forward_flops: ForwardFlops = dense_forward_flops,
    num_params_bounds: Bounds = DEFAULT_BOUNDS,
    num_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    limits: Mapping[str, Limit] | None = None,
    cost: Costs | None = None,
    precision: Precision | None = None,
) -> LimitedDataPlan:
    """The size and the tokens with the least loss, where the distinct tokens are limited.

    The budget is that of `compute_optimal`, `F(N) (3 D + D_serve) <= flops`, but at most
    `num_unique_tokens` of the D tokens are distinct. The law says how much a repeated token is
    worth. For a small budget the plan repeats no token and is the plan of `compute_optimal`. For a
    larger budget it trains a smaller model for several epochs. For a very large budget neither
    more epochs nor more parameters lower the loss, and the plan leaves a part of the budget.

    Args:
        law: a law of `num_params`, `num_tokens` and `num_unique_tokens`, such as `DataConstrained`.
        flops: the whole budget, any shape.
        num_unique_tokens: distinct tokens that are available, broadcast with the budget.
        num_params: a given size, broadcast with the budget. None: the best size.
        num_inference_tokens: tokens that the model will serve; the budget pays for serving.
        forward_flops: forward FLOPs per token of a model of given size.
        num_params_bounds: lower and upper bound of the size, broadcast with the budget; not used
            for a given size.
        num_tokens_bounds: lower and upper bound of the tokens, repeated tokens included,
            broadcast with the budget.
        limits: upper limits on other quantities of `num_params` and `num_tokens`, by names of
            your choice.
        cost: prices of training, serving and data, see `Costs`. A token that is repeated is bought
            once.
        precision: of the computation inside a trace, see `Precision`.

    Returns:
        A plan whose leaves have the broadcast shape: NumPy float64 for concrete inputs, the
        caller's dtype inside a trace. Of plans whose losses are equal to within rounding, the
        cheapest is returned.

    Raises:
        ValueError: the budget, the distinct tokens or a bound is not positive and finite, or
            bounds exclude each other. Inside a trace the plan then has the status INFEASIBLE and
            NaN for sizes.
        TypeError: the law is not a law of `num_params`, `num_tokens` and `num_unique_tokens`.

    >>> from jaxlaws import presets
    >>> law = presets.load("muennighoff2023")
    >>> for distinct in (1e12, 1e11):
    ...     plan = train_on_limited_data(law, flops=1e23, num_unique_tokens=distinct)
    ...     print(f"{plan.num_params:.2g} parameters, {plan.num_epochs:.1f} epochs")
    2.9e+10 parameters, 1.0 epochs
    2.3e+10 parameters, 7.2 epochs
    """
    inputs = {
        "flops": flops,
        "num_unique_tokens": num_unique_tokens,
        "num_inference_tokens": num_inference_tokens,
        **cost_inputs(cost),
    }
    bounds = {"num_tokens": num_tokens_bounds}
    if num_params is None:
        question, bounds = _ANY_SIZE, {"num_params": num_params_bounds, **bounds}
    else:
        question, inputs = _FIXED_SIZE, {"num_params": num_params, **inputs}
    return ask(
        question,
        law_of(law, ("num_params", "num_tokens", "num_unique_tokens"), "DataConstrained"),
        inputs,
        bounds=bounds,
        limits=limits,
        functions={"forward_flops": forward_flops},
        precision=precision,
    )
