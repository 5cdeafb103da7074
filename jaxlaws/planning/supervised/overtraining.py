"""The cost of a model that is smaller than the compute-optimal one, at equal loss."""

import operator
from collections.abc import Mapping

import jax.numpy as jnp

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning.analysis.inverse import flops_to_reach
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, Bounds
from jaxlaws.planning.engine.composed_inputs import (
    checked_constraints,
    checked_inputs,
    compose,
)
from jaxlaws.planning.engine.costs import Costs
from jaxlaws.planning.engine.limits import Limit
from jaxlaws.planning.engine.plans import SupervisedPlan, where_known
from jaxlaws.planning.engine.programs import compiled_when_traced
from jaxlaws.planning.plan_dict import Answer
from jaxlaws.planning.supervised.allocation import compute_optimal
from jaxlaws.planning.supervised.fixed_size import train_fixed
from jaxlaws.precision import Precision
from jaxlaws.pytree import pytree


@pytree
class SmallerModel(Answer):
    """A model of a fraction of the compute-optimal size, trained to the same loss.

    Attributes:
        overhead: its additional cost of training, as a fraction of that of the optimal model.
        tokens_to_repay: number of served tokens after which it has cost less in total; infinite
            where serving it is not cheaper.
        optimal: the compute-optimal plan.
        smaller: the plan of the smaller model; INFEASIBLE where no number of tokens reaches the
            loss.
    """

    overhead: Array
    tokens_to_repay: Array
    optimal: SupervisedPlan
    smaller: SupervisedPlan


@compiled_when_traced()
def overtraining_cost(
    law: Tree,
    *,
    flops: Array,
    size_fraction: Array,
    forward_flops: ForwardFlops = dense_forward_flops,
    num_params_bounds: Bounds = DEFAULT_BOUNDS,
    num_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    limits: Mapping[str, Limit] | None = None,
    cost: Costs | None = None,
    precision: Precision | None = None,
) -> SmallerModel:
    """The compute with which a smaller model reaches the loss of the compute-optimal model.

    Args:
        law: a law of `num_params` and `num_tokens`, or a distillation law, whose `supervised` is
            used.
        flops: the budget of the compute-optimal model, any shape.
        size_fraction: the size of the smaller model divided by the compute-optimal size, broadcast
            with the budget. Above 1 the model is larger.
        forward_flops: forward FLOPs per token of a model of given size.
        num_params_bounds: lower and upper bound of the compute-optimal size.
        num_tokens_bounds: lower and upper bound of the tokens of both models.
        limits: upper limits on other quantities of `num_params` and `num_tokens`, by names of
            your choice; both models keep them.
        cost: prices of training, serving and data, see `Costs`.
        precision: of the computation inside a trace, see `Precision`.

    Returns:
        The overhead and both plans, of the broadcast shape: NumPy float64 for concrete inputs, the
        caller's dtype inside a trace. NaN where the smaller model cannot reach the loss.

    Raises:
        ValueError: an input, a bound or the `most` of a limit is not positive and finite, or
            bounds exclude each other.
        TypeError: the law is not a law of `num_params` and `num_tokens`, and has no such law as
            `supervised`.

    >>> from jaxlaws import presets
    >>> answer = overtraining_cost(presets.load("besiroglu2024"), flops=1e23, size_fraction=0.5)
    >>> f"{answer.overhead:.0%} more compute, repaid by {answer.tokens_to_repay:.1e} tokens served"
    '26% more compute, repaid by 8.8e+11 tokens served'
    """
    constraints = checked_constraints(
        num_params_bounds=num_params_bounds,
        num_tokens_bounds=num_tokens_bounds,
        limits=limits,
        cost=cost,
    )
    inputs = checked_inputs({"flops": flops, "size_fraction": size_fraction})

    def answer(law: Tree, inputs: Tree, forward_flops: Tree, constraints: Tree) -> SmallerModel:
        fraction = inputs["size_fraction"]
        optimal = compute_optimal(
            law,
            flops=inputs["flops"] + 0 * fraction,
            forward_flops=forward_flops,
            **constraints,
        )
        del constraints["num_params_bounds"]  # which is that of the optimal size
        smaller = flops_to_reach(
            train_fixed,
            law,
            num_params=optimal.num_params * fraction,
            target_loss=optimal.loss,
            forward_flops=forward_flops,
            **constraints,
        )
        price = 1.0 if constraints["cost"] is None else constraints["cost"].serving
        more = smaller.flops - optimal.flops

        def tokens_to_repay(more: Array, size: Array, fewer: Array) -> Array:
            saved = price * (forward_flops(size) - forward_flops(fewer))
            return jnp.where(saved <= 0, jnp.inf, more / jnp.where(saved == 0, 1.0, saved))

        return SmallerModel(
            overhead=where_known(operator.truediv, more, optimal.flops),
            tokens_to_repay=where_known(
                tokens_to_repay, more, optimal.num_params, smaller.num_params
            ),
            optimal=optimal,
            smaller=smaller,
        )

    return compose(answer, law, inputs, forward_flops, constraints)
