"""What a smaller model than the compute-optimal one costs at equal loss."""

from typing import Any

import jax.numpy as jnp

from jaxlaws.compute import ForwardFlops, dense_forward_flops
from jaxlaws.inputs import as_float
from jaxlaws.planning.analysis.inverse import flops_to_reach
from jaxlaws.planning.engine.checks import checked
from jaxlaws.planning.engine.evaluation import compose
from jaxlaws.planning.engine.plans import SupervisedPlan
from jaxlaws.planning.supervised.allocation import compute_optimal
from jaxlaws.planning.supervised.fixed_size import train_fixed
from jaxlaws.precision import is_traced
from jaxlaws.pytree import pytree


@pytree
class SmallerModel:
    """A model of a fraction of the compute-optimal size, trained to the same loss.

    Attributes:
        overhead: its training compute above the compute-optimal one's, over that one's.
        tokens_to_repay: the tokens to be served after which it has cost less in all; infinite
            where it serves no cheaper.
        optimal: the compute-optimal plan.
        smaller: its plan; INFEASIBLE where no number of tokens brings it to that loss.
    """

    overhead: Any
    tokens_to_repay: Any
    optimal: SupervisedPlan
    smaller: SupervisedPlan


def overtraining_cost(
    law: Any,
    *,
    flops: Any,
    size_fraction: Any,
    forward_flops: ForwardFlops = dense_forward_flops,
) -> SmallerModel:
    """The compute that a smaller model takes to the loss of the compute-optimal one.

    Args:
        law: a law of `num_params` and `num_tokens`; a distillation law answers with its
            `supervised`.
        flops: the budget of the compute-optimal model, any shape.
        size_fraction: the smaller size over the compute-optimal one, broadcast with it; above 1
            the model is larger.
        forward_flops: forward FLOPs per token of a size.

    Returns:
        The overhead and both plans, of the broadcast shape: NumPy float64 outside a trace, in the
        caller's precision inside one. NaN where the smaller model cannot reach the loss.

    Raises:
        ValueError: an input is not positive and finite.
        TypeError: the law is of another kind.

    >>> from jaxlaws import presets
    >>> answer = overtraining_cost(presets.load("besiroglu2024"), flops=1e23, size_fraction=0.5)
    >>> f"{answer.overhead:.0%} more compute, repaid by {answer.tokens_to_repay:.1e} tokens served"
    '26% more compute, repaid by 8.8e+11 tokens served'
    """
    given = {"flops": flops, "size_fraction": size_fraction}
    check = as_float if is_traced(given) else checked
    given = {name: check(name, value) for name, value in given.items()}

    def answer(law: Any, flops: Any, fraction: Any) -> SmallerModel:
        optimal = compute_optimal(law, flops=flops + 0 * fraction, forward_flops=forward_flops)
        smaller = flops_to_reach(
            train_fixed,
            law,
            num_params=optimal.num_params * fraction,
            target_loss=optimal.loss,
            forward_flops=forward_flops,
        )
        saved = forward_flops(optimal.num_params) - forward_flops(smaller.num_params)
        more = smaller.flops - optimal.flops
        return SmallerModel(
            overhead=more / optimal.flops,
            tokens_to_repay=jnp.where(
                saved <= 0, jnp.inf, more / jnp.where(saved == 0, 1.0, saved)
            ),
            optimal=optimal,
            smaller=smaller,
        )

    return compose(answer, law, given["flops"], given["size_fraction"])
