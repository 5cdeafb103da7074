"""The range of a size or of tokens in which a plan loses little against the best plan."""

from collections.abc import Callable, Mapping

import jax.numpy as jnp
import numpy as np

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.inputs import as_float
from jaxlaws.planning.analysis.plan_roots import root_of
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, Bounds, checked
from jaxlaws.planning.engine.planner import setting_of
from jaxlaws.planning.engine.programs import compiled_when_traced
from jaxlaws.planning.plan_dict import Answer
from jaxlaws.precision import array_module
from jaxlaws.pytree import pytree


@pytree
class NearOptimalRange(Answer):
    """The values of one variable for which a plan is close to the best plan.

    Attributes:
        low: lower end of the range.
        high: upper end of the range.
        best: the best plan.
    """

    low: Array
    high: Array
    best: Tree


@compiled_when_traced()
def near_optimal_range(
    question: Callable[..., Tree], law: Tree, *, of: str, within: Array, **inputs: Tree
) -> NearOptimalRange:
    """The range of a size or of tokens whose plans lose at most `within` against the best plan.

    For each value all other variables are planned anew. The ends are exact: there the plan loses
    `within`. Where the loss passes `within` several times, an end is one of these places.

    Args:
        question: `compute_optimal`, `distill`, or another function that takes bounds of the
            variable.
        law: the law that the question takes.
        of: the input name of the variable, such as `"num_params"` or `"num_teacher_params"`, or of
            a further input that the plan chooses within its `input_bounds`.
        within: loss that a plan may lose, in the law's unit, broadcast with the inputs.
        inputs: the other keywords of the question. Bounds of the variable bound the range.

    Returns:
        The ends and the best plan: NumPy float64 outside a trace, in the caller's dtype inside
        one, with the derivatives of the implicit function theorem. An end on a bound means that
        the range continues beyond it. NaN where there is no plan, or the variable is undetermined.

    Raises:
        ValueError: `within` or another input is not positive and finite.
        TypeError: the question takes no bounds of that variable; or as the question.

    >>> from jaxlaws import presets
    >>> from jaxlaws.planning import compute_optimal
    >>> law = presets.load("besiroglu2024")
    >>> size = near_optimal_range(compute_optimal, law, of="num_params", within=0.01, flops=1e21)
    >>> f"{size.low:.2g} to {size.high:.2g} parameters around {size.best.num_params:.2g}"
    '1.6e+09 to 4.9e+09 parameters around 2.8e+09'
    """
    further = inputs.get("input_bounds") or setting_of(question, "input_bounds", Mapping) or {}
    if of in further:
        ends, inputs["input_bounds"] = further[of], further
    else:
        name = f"{of}_bounds"
        ends = inputs.pop(name, setting_of(question, name, tuple) or DEFAULT_BOUNDS)

    def plan(law: Tree, inputs: Tree, bounds: Bounds) -> Tree:
        """The plan whose variable lies within these bounds."""
        if of in further:
            inner = {"input_bounds": {**inputs["input_bounds"], of: bounds}}
        else:
            inner = {f"{of}_bounds": bounds}
        return question(law, **{**inputs, **inner})

    xp = array_module(law, within, inputs, ends)
    within = checked("within", within) if xp is np else as_float("within", within)
    best = plan(law, inputs, ends)
    shape = jnp.broadcast_shapes(np.shape(best.loss), np.shape(within))
    chosen = best.further_inputs if of in further else vars(best)
    log_best = xp.log(xp.broadcast_to(chosen[of], shape))
    possible = xp.isfinite(log_best)

    def excess(given: Tree) -> Callable[[Array], Array]:
        """The loss of the best plan with a given value, above the allowed loss, in `within`."""
        law, within, inputs = given
        least = plan(law, inputs, ends).loss

        def function(log_value: Array) -> Array:
            value = xp.exp(log_value)
            return (plan(law, inputs, (value, value)).loss - least) / within - 1

        return function

    def end(bound: Array) -> Array:
        far = xp.broadcast_to(xp.log(xp.asarray(bound, log_best.dtype)), shape)
        near = xp.where(possible, log_best, far)
        root, _ = root_of(excess, (law, within, inputs), far, near)
        return xp.where(possible, xp.exp(root), xp.nan)[()]

    return NearOptimalRange(low=end(ends[0]), high=end(ends[1]), best=best)
