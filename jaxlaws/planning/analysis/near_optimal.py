"""How far a size or a number of tokens may be from the best before it costs a given loss."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxlaws.inputs import as_float
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS, checked
from jaxlaws.planning.solver.batched import Array
from jaxlaws.planning.solver.root_finding import falling_root, implicit_root
from jaxlaws.precision import is_traced
from jaxlaws.pytree import pytree


@pytree
class NearOptimalRange:
    """The values of one variable with which a plan is next to the best.

    Attributes:
        low: the least.
        high: the largest.
        best: the plan that is best of all.
    """

    low: Any
    high: Any
    best: Any


def near_optimal_range(
    question: Callable[..., Any], law: Any, *, of: str, within: Any, **asked: Any
) -> NearOptimalRange:
    """The range of a size or of tokens whose best plans are within so many nats of the best.

    For each value all else is planned anew. The ends are exact: there the plan loses `within`.
    Where the loss dips more than once, an end is one of the places where that is so.

    Args:
        question: `compute_optimal`, `distill`, or another that takes bounds of that variable.
        law: the law that the question takes.
        of: the variable by its input name, such as `"num_params"` or `"num_teacher_params"`.
        within: loss that a plan may lose, in the law's unit, broadcast with what else is asked.
        asked: the question's other keywords; bounds of the variable bound the range.

    Returns:
        The ends and the best plan: NumPy float64 outside a trace, in the caller's precision inside
        one, with the derivatives of the implicit function. An end on a bound means that the range
        goes on. NaN where there is no plan, or the variable is undetermined.

    Raises:
        ValueError: `within` or what else is asked is not positive and finite.
        TypeError: the question has no bounds of that name, or as the question does.

    >>> from jaxlaws import presets
    >>> from jaxlaws.planning import compute_optimal
    >>> law = presets.load("besiroglu2024")
    >>> size = near_optimal_range(compute_optimal, law, of="num_params", within=0.01, flops=1e21)
    >>> f"{size.low:.2g} to {size.high:.2g} parameters around {size.best.num_params:.2g}"
    '1.6e+09 to 4.9e+09 parameters around 2.8e+09'
    """
    name = f"{of}_bounds"
    ends = asked.pop(name, DEFAULT_BOUNDS)
    given = (law, within, asked)
    traced = is_traced(given, ends)
    xp: Any = jnp if traced else np
    within = as_float("within", within) if traced else checked("within", within)
    given = (law, within, asked)
    best = question(law, **asked, **{name: ends})

    def loses(law: Any, within: Any, asked: dict[str, Any]) -> Callable[[Array], Array]:
        """What a plan with a given value loses, above what it may."""
        least = question(law, **asked, **{name: ends}).loss

        def function(log_value: Array) -> Array:
            value = xp.exp(log_value)
            return question(law, **asked, **{name: (value, value)}).loss - least - within

        return function

    still = jax.tree.map(lambda leaf: lax.stop_gradient(leaf) if is_traced(leaf) else leaf, given)
    shape = np.broadcast_shapes(np.shape(best.loss), np.shape(within))
    place = xp.log(xp.broadcast_to(vars(best)[of], shape))
    possible = xp.isfinite(place)
    place = lax.stop_gradient(place) if traced else place
    function, moving = loses(*still), loses(*given)

    def end(bound: Any) -> Array:
        far = xp.broadcast_to(xp.log(xp.asarray(bound, place.dtype)), shape)
        root, exact = falling_root(function, far, xp.where(possible, place, far), traced=traced)
        if traced:
            root = implicit_root(moving, root, exact)
        return xp.where(possible, xp.exp(root), xp.nan)[()]

    return NearOptimalRange(low=end(ends[0]), high=end(ends[1]), best=best)
