"""The best learning rate and batch size of a run of given size and tokens (Li et al. 2025)."""

from collections.abc import Mapping

import jax.numpy as jnp

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning.engine.checks import Bounds, law_of
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
from jaxlaws.planning.solver.problem import Problem
from jaxlaws.precision import Precision
from jaxlaws.pytree import pytree

_NAMES = ("learning_rate", "batch_size")


@pytree
class HyperparameterPlan(Answer):
    """The learning rate and the batch size of a run.

    Attributes:
        num_params: size of the model, as given.
        num_tokens: tokens that the model is trained on, as given.
        learning_rate: peak learning rate.
        batch_size: tokens of an optimiser step.
        loss: loss of the model, in the law's unit.
        status: a `Status`.
        active_bounds: -1, 0 or +1 by input name.
        marginal_values: nats per unit of a logarithm, by name.
    """

    num_params: Array
    num_tokens: Array
    learning_rate: Array
    batch_size: Array
    loss: Array
    status: Array
    active_bounds: Record
    marginal_values: Record


def _problem(given: Record) -> Problem:
    size = {"num_params": given.num_params, "num_tokens": given.num_tokens}

    def objective(point: Point) -> Array:
        rate, batch = map(jnp.exp, point)
        return given.law.loss(learning_rate=rate, batch_size=batch, **size)

    lower = [jnp.log(given.lower[name]) for name in _NAMES]
    return Problem(
        objective=objective,
        has_unit=True,
        # Without an irreducible loss, the loss is zero at an optimum in the middle of the bounds.
        least_unit=1e-3 * objective(lower),
        lower=lower,
        upper=[jnp.log(given.upper[name]) for name in _NAMES],
        constraints=constraints_of(given, _NAMES, size),
    )


def _plan(given: Record, solution: Solution) -> HyperparameterPlan:
    size = {"num_params": given.num_params, "num_tokens": given.num_tokens}
    chosen = {name: variable_value(given, solution, name, i) for i, name in enumerate(_NAMES)}
    loss = given.law.loss(**size, **chosen)
    values = {**size, **chosen, "loss": loss}
    return HyperparameterPlan(
        **{name: where_possible(solution, value) for name, value in values.items()},
        status=status_of(solution, loss, num_expected=0),
        **bounds_and_values(solution, _NAMES, limits=given.limits, num_expected=0),
    )


_QUESTION = Question(problem=_problem, plan=_plan, takes_limits=True)


def optimal_hyperparameters(
    law: Tree,
    *,
    num_params: Array,
    num_tokens: Array,
    learning_rate_bounds: Bounds = (1e-8, 1e2),
    batch_size_bounds: Bounds = (1.0, 1e12),
    limits: Mapping[str, Limit] | None = None,
    precision: Precision | None = None,
) -> HyperparameterPlan:
    """The learning rate and the batch size with the least loss for a given size and tokens.

    With both bounds of one of the two equal, the other is planned for this value. The range of
    learning rates or batch sizes that lose little is
    `near_optimal_range(optimal_hyperparameters, law, of="learning_rate", within=0.01, ...)`.

    Args:
        law: a law of `num_params`, `num_tokens`, `learning_rate` and `batch_size`, such as
            `LearningRateAndBatch`.
        num_params: size of the model, any shape.
        num_tokens: tokens that the model is trained on, broadcast with the size.
        learning_rate_bounds: lower and upper bound of the learning rate, broadcast with the size.
        batch_size_bounds: lower and upper bound of the batch size in tokens, broadcast with the
            size.
        limits: upper limits on other quantities of the four inputs, by names of your choice, such
            as the number of steps.
        precision: of the computation inside a trace, see `Precision`.

    Returns:
        A plan whose leaves have the broadcast shape: NumPy float64 for concrete inputs, the
        caller's dtype inside a trace.

    Raises:
        ValueError: an input or a bound is not positive and finite, or bounds exclude each other.
            Inside a trace the plan then has the status INFEASIBLE and NaN for its numbers.
        TypeError: the law is not a law of these four inputs.

    >>> from jaxlaws import presets
    >>> law = presets.load("li2025_step_law")
    >>> plan = optimal_hyperparameters(law, num_params=1e9, num_tokens=1e11)
    >>> f"learning rate {plan.learning_rate:.2e}, {plan.batch_size:.2e} tokens in a batch"
    'learning rate 1.63e-03, 1.11e+06 tokens in a batch'
    """
    return ask(
        _QUESTION,
        law_of(law, ("num_params", "num_tokens", *_NAMES), "LearningRateAndBatch"),
        {"num_params": num_params, "num_tokens": num_tokens},
        bounds={"learning_rate": learning_rate_bounds, "batch_size": batch_size_bounds},
        limits=limits,
        precision=precision,
    )
