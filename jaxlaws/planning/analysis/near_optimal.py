"""How far a size or a number of tokens may be from the best before it costs a given loss."""

from collections.abc import Callable

import numpy as np

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.inputs import as_float
from jaxlaws.planning.analysis.plan_roots import root_of
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, checked
from jaxlaws.precision import array_module
from jaxlaws.pytree import pytree


@pytree
class NearOptimalRange:
    """The values of one variable with which a plan is next to the best.

    Attributes:
        low: the least.
        high: the largest.
        best: the plan that is best of all.
    """

    low: Array
    high: Array
    best: Tree


def near_optimal_range(
    question: Callable[..., Tree], law: Tree, *, of: str, within: Array, **inputs: Tree
) -> NearOptimalRange:
    """The range of a size or of tokens whose best plans are within so many nats of the best.

    For each value all else is planned anew. The ends are exact: there the plan loses `within`.
    Where the loss dips more than once, an end is one of the places where that is so.

    Args:
        question: `compute_optimal`, `distill`, or another that takes bounds of that variable.
        law: the law that the question takes.
        of: the variable by its input name, such as `"num_params"` or `"num_teacher_params"`.
        within: loss that a plan may lose, in the law's unit, broadcast with the other inputs.
        inputs: the question's other keywords; bounds of the variable bound the range.

    Returns:
        The ends and the best plan: NumPy float64 outside a trace, in the caller's precision inside
        one, with the derivatives of the implicit function. An end on a bound means that the range
        goes on. NaN where there is no plan, or the variable is undetermined.

    Raises:
        ValueError: `within` or the other inputs is not positive and finite.
        TypeError: the question has no bounds of that name, or as the question does.

    >>> from jaxlaws import presets
    >>> from jaxlaws.planning import compute_optimal
    >>> law = presets.load("besiroglu2024")
    >>> size = near_optimal_range(compute_optimal, law, of="num_params", within=0.01, flops=1e21)
    >>> f"{size.low:.2g} to {size.high:.2g} parameters around {size.best.num_params:.2g}"
    '1.6e+09 to 4.9e+09 parameters around 2.8e+09'
    """
    name = f"{of}_bounds"
    ends = inputs.pop(name, DEFAULT_BOUNDS)
    xp = array_module(law, within, inputs, ends)
    within = checked("within", within) if xp is np else as_float("within", within)
    best = question(law, **inputs, **{name: ends})
    shape = np.broadcast_shapes(np.shape(best.loss), np.shape(within))
    log_best = xp.log(xp.broadcast_to(vars(best)[of], shape))
    possible = xp.isfinite(log_best)

    def excess(given: Tree) -> Callable[[Array], Array]:
        """The loss of the best plan with a given value, above the loss that is allowed."""
        law, within, inputs = given
        least = question(law, **inputs, **{name: ends}).loss

        def function(log_value: Array) -> Array:
            value = xp.exp(log_value)
            return question(law, **inputs, **{name: (value, value)}).loss - least - within

        return function

    def end(bound: Array) -> Array:
        far = xp.broadcast_to(xp.log(xp.asarray(bound, log_best.dtype)), shape)
        near = xp.where(possible, log_best, far)
        root, _ = root_of(excess, (law, within, inputs), far, near)
        return xp.where(possible, xp.exp(root), xp.nan)[()]

    return NearOptimalRange(low=end(ends[0]), high=end(ends[1]), best=best)
