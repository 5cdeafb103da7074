"""Planning functions that are made of other planning functions: their call and their inputs."""

from collections.abc import Callable, Mapping

import jax
import numpy as np

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.batches import ScalarLeaves
from jaxlaws.inputs import as_float
from jaxlaws.planning.engine.checks import Bounds, split_bounds
from jaxlaws.planning.engine.costs import Costs, check_costs
from jaxlaws.planning.engine.entries import nan_is_infeasible, valid_input
from jaxlaws.planning.engine.limits import Limit, check_limits
from jaxlaws.planning.engine.mixture import Mixture
from jaxlaws.precision import float64, in_jax, to_numpy


def compose(answer: Callable[..., Tree], *given: Tree) -> Tree:
    """Entry point of a planning function that is made of other planning functions.

    Concrete inputs are computed in float64 and give NumPy arrays; traced inputs keep the caller's
    dtype. Where one part has no plan for some batch entries, its sizes are NaN there, and the parts
    that receive these sizes report INFEASIBLE for the same entries.

    Args:
        answer: computes the answer from `given` with planning functions and JAX.
        given: trees of all that may be traced.
    """
    if in_jax(given):
        return answer(*given)
    with float64(), nan_is_infeasible():
        return jax.tree.map(lambda leaf: leaf[()], to_numpy(answer(*given)))


def checked_inputs(
    inputs: Mapping[str, Array], may_be_zero: tuple[str, ...] = ()
) -> dict[str, Array]:
    """The inputs of a function that calls `compose`, in floating point and checked.

    Inside `compose` NaN means that another part has no plan. Therefore NaN in an input of the user
    must be found here, before the call. Traced inputs are not checked.

    Args:
        inputs: numbers or arrays by name.
        may_be_zero: the names of inputs that may be zero.

    Raises:
        TypeError: an input is not a number and not an array of numbers.
        ValueError: an input is not positive and finite.
    """
    if not in_jax(inputs):
        for name, value in inputs.items():
            valid_input(name, value, np, may_be_zero=name in may_be_zero)
    return {name: as_float(name, value) for name, value in inputs.items()}


def checked_constraints(
    *,
    limits: Mapping[str, Limit] | None = None,
    cost: Costs | None = None,
    **bounds: Bounds | None,
) -> dict[str, Tree]:
    """Limits, prices and bounds, checked as `checked_inputs` checks inputs, by the same keywords.

    Args:
        limits: the limits by name.
        cost: the prices.
        bounds: pairs such as `num_params_bounds`; None where there are no bounds.

    Raises:
        TypeError: a limit is not a `Limit`, the prices are not a `Costs`, or bounds are not a pair.
        ValueError: a bound, the `most` of a limit or a price is not positive and finite.
    """
    check_costs(cost)
    pairs = {
        name: None if pair is None else split_bounds(name.removesuffix("_bounds"), pair)
        for name, pair in bounds.items()
    }
    most = {f"limits[{name!r}].most": each.most for name, each in check_limits(limits).items()}
    if not in_jax(pairs, most):
        for name, pair in pairs.items():
            for bound in pair or ():
                valid_input(name, bound, np)
        checked_inputs(most)
    return {"limits": limits, "cost": cost, **pairs}


def with_new_axis(given: Tree) -> Tree:
    """Arrays with one more axis, the last, of length one; numbers, functions and mixtures as is.

    A question with an axis of its own, such as the teachers of a catalogue, applies it to all else
    that it is given. Otherwise a batch of laws would be paired with the teachers one by one.

    Args:
        given: a law whose leaves are numbers (see `in_scalar_leaves`), inputs, bounds as tuples
            (see `split_bounds`), limits or functions.
    """

    def of_leaf(value: Array) -> Array:
        return value if np.ndim(value) == 0 else as_float("an input", value)[..., None]

    def of_node(node: Tree) -> Tree:
        if isinstance(node, Mixture):
            return node
        # The list of such a law holds its coefficients; other lists are arrays, such as a bound.
        return jax.tree.map(of_leaf, node) if isinstance(node, ScalarLeaves) else of_leaf(node)

    whole = (Mixture, ScalarLeaves, list)
    return jax.tree.map(of_node, given, is_leaf=lambda node: isinstance(node, whole))
