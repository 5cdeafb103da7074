"""The best model where distinct tokens are few (Muennighoff et al. 2023)."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, Bounds
from jaxlaws.planning.engine.evaluation import Question, ask
from jaxlaws.planning.engine.limits import Limit
from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.solver.active_set import preferred
from jaxlaws.planning.solver.batched import Array
from jaxlaws.planning.solver.minimiser import Solution
from jaxlaws.planning.solver.numeric_tolerances import tolerances
from jaxlaws.planning.solver.problem import Problem
from jaxlaws.planning.supervised.allocation import allocation_plan, allocation_problem
from jaxlaws.pytree import pytree


@pytree
class LimitedDataPlan:
    """How to train one model on tokens that may have to be repeated.

    Attributes:
        num_params: its size.
        num_tokens: the tokens to train it on, repetitions counted.
        num_unique_tokens: the distinct ones among them.
        num_epochs: how often each of these is seen; 1 where nothing is repeated.
        loss: its loss, in the law's unit.
        flops: the compute that the plan spends, at most the budget.
        shares: fractions of `flops`, as in `SupervisedPlan`.
        status: a `Status`.
        active_bounds: -1, 0 or +1 by input name.
        marginal_values: nats per unit of a logarithm, by name.
    """

    num_params: Any
    num_tokens: Any
    num_unique_tokens: Any
    num_epochs: Any
    loss: Any
    flops: Any
    shares: Record
    status: Any
    active_bounds: Record
    marginal_values: Record


@dataclasses.dataclass(frozen=True)
class _OnLimitedData:
    """A law of size and tokens: that of repeated data, with so many distinct ones."""

    law: Any
    num_unique_tokens: Array

    def loss(self, *, num_params: Array, num_tokens: Array) -> Array:
        return self.law.loss(
            num_params=num_params, num_tokens=num_tokens, num_unique_tokens=self.num_unique_tokens
        )


def _limited(given: Record) -> Record:
    return Record(given | {"law": _OnLimitedData(given.law, given.num_unique_tokens)})


def _problem(given: Record) -> Problem:
    problem = allocation_problem(_limited(given))
    # Once all is repeated to exhaustion, more compute gains nothing: then the cheapest plan is the
    # best, in the short cut's eyes too.
    limits = tolerances(problem.lower[0])
    return dataclasses.replace(problem, objective=lambda p: preferred(problem, limits, p))


def _plan(given: Record, solution: Solution) -> LimitedDataPlan:
    plan = allocation_plan(_limited(given), solution)
    return LimitedDataPlan(
        **vars(plan),
        num_unique_tokens=jnp.minimum(plan.num_tokens, given.num_unique_tokens),
        num_epochs=jnp.maximum(plan.num_tokens / given.num_unique_tokens, 1.0),
    )


_QUESTION = Question(problem=_problem, plan=_plan, may_be_zero=("num_inference_tokens",))


def train_on_limited_data(
    law: Any,
    *,
    flops: Any,
    num_unique_tokens: Any,
    num_inference_tokens: Any = 0.0,
    forward_flops: ForwardFlops = dense_forward_flops,
    num_params_bounds: Bounds = DEFAULT_BOUNDS,
    num_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    limits: Mapping[str, Limit] | None = None,
) -> LimitedDataPlan:
    """The size and the tokens of least loss within a budget, with so many distinct tokens at hand.

    `F(N) (3 D + D_serve) <= flops`, as for `compute_optimal`, but of the D tokens at most
    `num_unique_tokens` are distinct. Repeated ones are worth what the law says. While the
    budget calls for fewer, the plan is that of unlimited data; beyond, a smaller model is trained
    for several epochs, until neither more epochs nor more parameters help.

    Args:
        law: a law of `num_params`, `num_tokens` and `num_unique_tokens`, such as `DataConstrained`.
        flops: the whole budget, any shape.
        num_unique_tokens: distinct tokens at hand, broadcast with it.
        num_inference_tokens: tokens that the model will serve; serving comes out of the budget.
        forward_flops: forward FLOPs per token of a size.
        num_params_bounds: least and largest size, broadcast with the budget.
        num_tokens_bounds: least and largest number of tokens, repetitions counted, likewise.
        limits: upper limits on other quantities of `num_params` and `num_tokens`, by names of
            your choice.

    Returns:
        A plan whose leaves have the broadcast shape: NumPy float64 outside a trace, in the
        caller's precision inside one. Where the law is flat to within rounding, the cheapest of
        equal plans.

    Raises:
        ValueError: the budget, the tokens at hand or a bound is not positive and finite, or
            bounds exclude each other. Inside a trace the plan then has the status INFEASIBLE and
            NaN for sizes.
        TypeError: the law is of another kind.

    >>> from jaxlaws import presets
    >>> law = presets.load("muennighoff2023")
    >>> for distinct in (1e12, 1e11):
    ...     plan = train_on_limited_data(law, flops=1e23, num_unique_tokens=distinct)
    ...     print(f"{plan.num_params:.2g} parameters, {plan.num_epochs:.1f} epochs")
    2.9e+10 parameters, 1.0 epochs
    2.3e+10 parameters, 7.2 epochs
    """
    names = {"num_params", "num_tokens", "num_unique_tokens"}
    if set(getattr(law, "input_names", ())) != names:
        raise TypeError(
            "expected a law of num_params, num_tokens and num_unique_tokens, such as "
            f"DataConstrained, got {type(law).__name__}"
        )
    return ask(
        _QUESTION,
        law,
        {
            "flops": flops,
            "num_unique_tokens": num_unique_tokens,
            "num_inference_tokens": num_inference_tokens,
        },
        bounds={"num_params": num_params_bounds, "num_tokens": num_tokens_bounds},
        limits=limits,
        functions={"forward_flops": forward_flops},
    )
