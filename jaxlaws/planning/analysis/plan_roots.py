"""Where a function of a plan is zero, with derivatives."""

from collections.abc import Callable

import jax
from jax import lax

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning.engine.programs import varying
from jaxlaws.planning.solver.root_finding import falling_root, implicit_root
from jaxlaws.precision import in_jax


def root_of(
    function: Callable[[Tree], Callable[[Array], Array]], given: Tree, low: Array, high: Array
) -> tuple[Array, Array]:
    """The root of a function that asks the planner, such as a loss above a target.

    Concrete inputs are searched in Python, so that each step uses compiled plans. Traced inputs are
    searched inside the program, and the root has the derivatives of the implicit function theorem
    with respect to `given`.

    Args:
        function: makes, from `given`, a function of one variable that falls through zero, entry
            by entry. A value that is infinite or NaN counts as above zero.
        given: a tree of everything that the root depends on.
        low: where the function is above zero, of the batch's shape.
        high: where the function is zero or below, of the batch's shape.

    Returns:
        The root, and whether the function is zero there. Where the function jumps, the root is
        the jump; where it is not above zero at `low`, the root is `low`; where it is above zero
        at `high`, the root is `high`.
    """
    if not in_jax(given, low, high):
        return falling_root(function(given), low, high, traced=False)
    given, low, high = varying((given, low, high))
    constant = jax.tree.map(_without_derivatives, given)
    low, high = lax.stop_gradient(low), lax.stop_gradient(high)
    root, exact = falling_root(function(constant), low, high, traced=True)
    return implicit_root(function(given), root, exact), exact


def _without_derivatives(leaf: Tree) -> Tree:
    return lax.stop_gradient(leaf) if in_jax(leaf) else leaf
