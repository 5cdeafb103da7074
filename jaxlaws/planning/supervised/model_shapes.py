"""The best shape of a model that can be built (Busbridge et al. 2025, Table 13)."""

from collections.abc import Mapping, Sequence

import jax

from jaxlaws.compute import (
    TransformerForwardFlops,
    TransformerShape,
    exact_forward_flops,
    shape_of_aspect,
)
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, Bounds, supervised_law
from jaxlaws.planning.engine.composed_inputs import (
    checked_constraints,
    checked_inputs,
    compose,
    with_new_axis,
)
from jaxlaws.planning.engine.costs import Costs
from jaxlaws.planning.engine.limits import Limit
from jaxlaws.planning.engine.programs import compiled_when_traced
from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.engine.status import Status, is_solved
from jaxlaws.planning.plan_dict import Answer
from jaxlaws.planning.solver.batched import argmin
from jaxlaws.planning.supervised.allocation import compute_optimal
from jaxlaws.planning.supervised.fixed_size import train_fixed
from jaxlaws.precision import Precision, array_module
from jaxlaws.pytree import pytree

# Width 128 times the number of layers, from two million parameters to two trillion.
SHAPES = tuple(shape_of_aspect(num_layers) for num_layers in range(2, 217))


@pytree
class BuiltPlan(Answer):
    """How to train a model of a shape that can be built.

    Attributes:
        shape: index of the shape in the sequence of shapes; -1 where no shape can be trained.
        num_layers: number of layers.
        width: width of the model.
        mlp_width: width of the MLP.
        num_heads: number of attention heads.
        num_params: size of the model, without the embedding.
        num_tokens: tokens that the model is trained on.
        loss: loss of the model, in the law's unit.
        excess_loss: the loss minus the loss of the best model of any size, with the forward FLOPs
            per token of the paper.
        flops: compute that the plan spends, at most the budget.
        shares: fractions of `flops`, as in `SupervisedPlan`.
        status: a `Status`.
        active_bounds: -1, 0 or +1 for the tokens and for each limit, by name.
        marginal_values: nats per unit of a logarithm, by name, for the chosen shape.
    """

    shape: Array
    num_layers: Array
    width: Array
    mlp_width: Array
    num_heads: Array
    num_params: Array
    num_tokens: Array
    loss: Array
    excess_loss: Array
    flops: Array
    shares: Record
    status: Array
    active_bounds: Record
    marginal_values: Record


@pytree
class _FlopsOfShapes:
    """Forward FLOPs per token of shapes: they do not depend on the size alone."""

    flops_per_token: Array

    def __call__(self, num_params: Array) -> Array:
        return self.flops_per_token + 0 * num_params


@compiled_when_traced()
def optimal_shape(
    law: Tree,
    *,
    flops: Array,
    num_inference_tokens: Array = 0.0,
    shapes: Sequence[TransformerShape] = SHAPES,
    context: float = 4096.0,
    num_params_bounds: Bounds = DEFAULT_BOUNDS,
    num_tokens_bounds: Bounds = DEFAULT_BOUNDS,
    limits: Mapping[str, Limit] | None = None,
    cost: Costs | None = None,
    precision: Precision | None = None,
) -> BuiltPlan:
    """The shape of a model that can be built, and its tokens, with the least loss in a budget.

    The budget is `F (3 D + D_serve) <= flops`, with F the forward FLOPs per token of a shape,
    counted matrix by matrix. Each shape is planned with `train_fixed`, and the best plan is
    returned.

    Args:
        law: a law of `num_params` (without the embedding) and `num_tokens`, or a distillation
            law, whose `supervised` is used.
        flops: the whole budget, any shape.
        num_inference_tokens: tokens that the model will serve, broadcast with the budget.
        shapes: the shapes to choose from; by default those of the paper, with width 128 times the
            number of layers.
        context: number of tokens of the context.
        num_params_bounds: lower and upper bound of the size, broadcast with the budget.
        num_tokens_bounds: lower and upper bound of the tokens, broadcast with the budget.
        limits: upper limits on other quantities of `num_params` and `num_tokens`, by names of
            your choice.
        cost: prices of training, serving and data, see `Costs`.
        precision: of the computation inside a trace, see `Precision`.

    Returns:
        A plan whose leaves have the broadcast shape: NumPy float64 for concrete inputs, the
        caller's dtype inside a trace. Where no shape can be trained, the status is INFEASIBLE and
        the numbers are NaN. The choice of the shape is discrete: the derivatives are those of the
        plan for the chosen shape.

    Raises:
        ValueError: an input, a bound or the `most` of a limit is not positive and finite, bounds
            exclude each other, or `shapes` is empty.
        TypeError: the law is not a law of `num_params` and `num_tokens`, and has no such law as
            `supervised`.

    >>> from jaxlaws import presets
    >>> plan = optimal_shape(presets.load("busbridge2025_supervised"), flops=1e21)
    >>> f"{plan.num_layers:.0f} layers, {plan.num_params:.3g} parameters"
    '25 layers, 3.08e+09 parameters'
    """
    if not shapes:
        raise ValueError("shapes is empty: give at least one TransformerShape")
    constraints = checked_constraints(
        num_params_bounds=num_params_bounds,
        num_tokens_bounds=num_tokens_bounds,
        limits=limits,
        cost=cost,
    )
    inputs = checked_inputs(
        {"flops": flops, "num_inference_tokens": num_inference_tokens},
        may_be_zero=("num_inference_tokens",),
    )

    def answer(law: Tree, inputs: Tree, constraints: Tree) -> BuiltPlan:
        xp = array_module(law, inputs, constraints)
        any_size = compute_optimal(
            law,
            **inputs,
            **constraints,
            forward_flops=TransformerForwardFlops(context=context, vocab=shapes[0].vocab),
        )
        dtype = any_size.loss.dtype
        sizes = xp.asarray([shape.num_params for shape in shapes], dtype)
        costs = [exact_forward_flops(shape, context=context) for shape in shapes]
        low, high = with_new_axis(constraints.pop("num_params_bounds"))
        each = train_fixed(
            with_new_axis(law),
            num_params=sizes,
            forward_flops=_FlopsOfShapes(flops_per_token=xp.asarray(costs, dtype)),
            **with_new_axis(constraints),
            **with_new_axis(inputs),
        )
        shape = (*any_size.loss.shape, len(shapes))
        each = jax.tree.map(lambda leaf: xp.broadcast_to(leaf, shape), each)
        possible = is_solved(each.status) & (sizes >= low) & (sizes <= high)
        best = argmin(xp.where(possible, each.loss, xp.inf), axis=-1)
        some = possible.any(axis=-1)

        is_best = xp.broadcast_to(xp.arange(len(shapes)), shape) == best[..., None]

        def of_best(values: Array) -> Array:
            # Not by an index, whose transpose would leave float64 in a float32 program.
            nothing = xp.nan if xp.issubdtype(values.dtype, xp.floating) else 0
            chosen = xp.where(is_best, values, 0).sum(axis=-1, dtype=values.dtype)
            return xp.where(some, chosen, xp.asarray(nothing, values.dtype))

        def of_shape(name: str) -> Array:
            values = xp.asarray([getattr(shape, name) for shape in shapes], dtype)
            return xp.where(some, values[best], xp.nan)

        chosen = jax.tree.map(of_best, each)
        return BuiltPlan(
            shape=xp.where(some, best, -1),
            excess_loss=chosen.loss - any_size.loss,
            **{name: of_shape(name) for name in ("num_layers", "width", "mlp_width", "num_heads")},
            **{k: v for k, v in vars(chosen).items() if k not in ("status", "further_inputs")},
            status=xp.where(some, chosen.status, int(Status.INFEASIBLE)),
        )

    return compose(answer, supervised_law(law), inputs, constraints)
