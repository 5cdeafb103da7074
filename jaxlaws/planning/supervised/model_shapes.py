"""Plans snapped to the shapes of models that can be built (Busbridge et al. 2025, Table 13)."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxlaws.compute import (
    TransformerForwardFlops,
    TransformerShape,
    exact_forward_flops,
    shape_of_aspect,
)
from jaxlaws.inputs import as_float
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, checked, supervised_law
from jaxlaws.planning.engine.evaluation import compose
from jaxlaws.planning.supervised.allocation import compute_optimal
from jaxlaws.precision import is_traced
from jaxlaws.pytree import pytree

# Width 128 times the number of layers, from two million parameters to two trillion.
SHAPES = tuple(shape_of_aspect(num_layers) for num_layers in range(2, 217))


@pytree
class BuiltPlan:
    """How to train a model of a shape that can be built.

    Attributes:
        shape: its place among the shapes; -1 where none can be trained.
        num_layers: its number of layers.
        width: width of the model.
        mlp_width: width of its MLP.
        num_heads: attention heads.
        num_params: its size, without the embedding.
        num_tokens: the tokens that spend the budget.
        loss: its loss, in the law's unit.
        excess_loss: that above the best of any size, whose forward pass costs the paper's F(N).
    """

    shape: Any
    num_layers: Any
    width: Any
    mlp_width: Any
    num_heads: Any
    num_params: Any
    num_tokens: Any
    loss: Any
    excess_loss: Any


def optimal_shape(
    law: Any,
    *,
    flops: Any,
    num_inference_tokens: Any = 0.0,
    shapes: Sequence[TransformerShape] = SHAPES,
    context: float = 4096.0,
) -> BuiltPlan:
    """The shape that can be built, and its tokens, of least loss within a budget.

    Each shape's tokens are what `F (3 D + D_serve) = flops` leaves, with F its forward FLOPs per
    token counted matrix by matrix; the best of all is taken, so no rounding has to be right.

    Args:
        law: a law of `num_params` (without the embedding) and `num_tokens`; a distillation law
            answers with its `supervised`.
        flops: the whole budget, any shape.
        num_inference_tokens: tokens that the model will serve, broadcast with it.
        shapes: the shapes to choose from; by default the paper's rule, width 128 a layer.
        context: tokens of context.

    Returns:
        A plan whose leaves have the broadcast shape: NumPy float64 outside a trace, in the
        caller's precision inside one. NaN where no shape can be trained on a thousand tokens.
        The shape is a discrete choice: the derivatives are those of its tokens and loss, and zero
        for all that it fixes.

    Raises:
        ValueError: an input is not positive and finite, or there are no shapes.
        TypeError: the law is of another kind.

    >>> from jaxlaws import presets
    >>> plan = optimal_shape(presets.load("busbridge2025_supervised"), flops=1e21)
    >>> f"{plan.num_layers:.0f} layers, {plan.num_params:.3g} parameters"
    '25 layers, 3.08e+09 parameters'
    """
    law = supervised_law(law)
    if not shapes:
        raise ValueError("shapes holds none: give at least one TransformerShape")
    sizes = np.array([shape.num_params for shape in shapes], dtype=np.float64)
    costs = np.array([exact_forward_flops(shape, context=context) for shape in shapes])
    of_any_size = TransformerForwardFlops(context=context, vocab=shapes[0].vocab)
    given = {"flops": flops, "num_inference_tokens": num_inference_tokens}
    if is_traced(given):
        given = {name: as_float(name, value) for name, value in given.items()}
    else:
        given = {
            name: checked(name, value, may_be_zero=name == "num_inference_tokens")
            for name, value in given.items()
        }

    def answer(law: Any, flops: Any, served: Any) -> BuiltPlan:
        flops, served = jnp.broadcast_arrays(jnp.asarray(flops, float), jnp.asarray(served, float))
        dtype = flops.dtype
        free = compute_optimal(
            law, flops=flops, num_inference_tokens=served, forward_flops=of_any_size
        )
        every = tuple([None] * flops.ndim + [slice(None)])
        forward = jnp.asarray(costs, dtype)[every]
        tokens = (flops[..., None] / forward - served[..., None]) / 3
        possible = tokens >= DEFAULT_BOUNDS[0]
        usable = jnp.where(possible, tokens, DEFAULT_BOUNDS[0])
        loss = law.loss(num_params=jnp.asarray(sizes, dtype)[every] + 0 * usable, num_tokens=usable)
        loss = jnp.where(possible, loss, jnp.inf)
        best = jnp.argmin(loss, axis=-1)
        some = possible.any(axis=-1)

        def of_best(values: Any) -> Any:
            return jnp.where(some, jnp.asarray(values, dtype)[best], jnp.nan)

        def at_best(values: Any) -> Any:
            chosen = jnp.take_along_axis(values, best[..., None], axis=-1)[..., 0]
            return jnp.where(some, chosen, jnp.nan)

        return BuiltPlan(
            shape=jnp.where(some, best, -1),
            num_layers=of_best([shape.num_layers for shape in shapes]),
            width=of_best([shape.width for shape in shapes]),
            mlp_width=of_best([shape.mlp_width for shape in shapes]),
            num_heads=of_best([shape.num_heads for shape in shapes]),
            num_params=of_best(sizes),
            num_tokens=at_best(usable),
            loss=at_best(loss),
            excess_loss=at_best(loss) - free.loss,
        )

    return compose(answer, law, given["flops"], given["num_inference_tokens"])
