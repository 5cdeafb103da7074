"""Limits beside the budget, such as data at hand, memory of the deployed model, or time."""

from collections.abc import Callable, Collection, Mapping

import jax
import jax.numpy as jnp

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.inputs import INPUTS
from jaxlaws.planning.engine.checks import callable_tree
from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.solver.batched import Point
from jaxlaws.pytree import register_for_export


@register_for_export
@jax.tree_util.register_pytree_node_class
class Limit:
    """An upper limit on a quantity that follows from a plan's sizes and tokens.

    A limit is a JAX tree: it may be passed through `jit`, where `most` may be traced and the
    function is static.

    Attributes:
        quantity: a positive, smooth function of the plan's sizes and tokens. The planner passes
            all of them by keyword; the function takes the rest as `**_`. As with `forward_flops`,
            a new function object is compiled anew.
        most: the largest value that the quantity may have, broadcast with the budget.

    >>> from jaxlaws import presets
    >>> from jaxlaws.planning import compute_optimal
    >>> def bytes_of_weights(*, num_params, **_):
    ...     return 2 * num_params
    >>> memory = Limit(bytes_of_weights, 8e10)
    >>> law = presets.load("besiroglu2024")
    >>> plan = compute_optimal(law, flops=1e24, limits={"memory": memory})
    >>> f"{plan.num_params:.3g} parameters"
    '4e+10 parameters'
    >>> f"a tenth more memory: {0.1 * plan.marginal_values.memory:.4f} nats"
    'a tenth more memory: 0.0016 nats'
    """

    def __init__(self, quantity: Callable[..., Array], most: Array) -> None:
        self.quantity = quantity
        self.most = most

    def __repr__(self) -> str:
        return f"Limit({self.quantity!r}, {self.most!r})"

    def tree_flatten(self) -> tuple[tuple[Tree, Array], None]:
        """The parts that JAX sees: a function without leaves, and `most`."""
        return (callable_tree(self.quantity, "quantity"), self.most), None

    @classmethod
    def tree_unflatten(cls, _: None, parts: tuple[Tree, Array]) -> "Limit":
        """A limit from its parts."""
        return cls(*parts)


def check_limits(
    limits: Mapping[str, Limit] | None, variables: Collection[str] = ()
) -> dict[str, Limit]:
    """The limits as a dictionary, checked; empty for None.

    Args:
        limits: the limits by name.
        variables: the names of the plan's variables, where they are known.

    Raises:
        TypeError: a value is not a `Limit`, or its quantity cannot be called.
        ValueError: the name of a limit is also the name of an input. The plan reports marginal
            values of both by name.
    """
    for name, limit in (limits or {}).items():
        if not isinstance(limit, Limit):
            raise TypeError(f"limits[{name!r}] must be a Limit, got {limit!r}")
        if not callable(limit.quantity):
            raise TypeError(
                f"limits[{name!r}].quantity must be a function of sizes and tokens, "
                f"got {limit.quantity!r}"
            )
        if name in INPUTS or name in variables:
            raise ValueError(
                f"limits: {name!r} is the name of an input. Choose another name for the limit."
            )
    return dict(limits or {})


def constraints_of(
    given: Record, names: tuple[str, ...], fixed: Mapping[str, Array] | None = None
) -> tuple[Callable[[Point], Array], ...]:
    """The limits as constraints of a point, each met where its function is zero or above.

    Args:
        given: what the question is given; `given.limits` has the limits by name.
        names: the variables of the problem. A point has the logarithm of each.
        fixed: sizes and tokens that are not variables, by name.
    """

    def quantities(point: Point) -> dict[str, Array]:
        variables = {name: jnp.exp(value) for name, value in zip(names, point, strict=True)}
        return {**variables, **(fixed or {})}

    return tuple(limit_constraint(limit, quantities) for limit in given.limits.values())


def limit_constraint(
    limit: Limit, quantities: Callable[[Point], Mapping[str, Array]]
) -> Callable[[Point], Array]:
    """A limit as a constraint of a point, met where its function is zero or above.

    Args:
        limit: the limit.
        quantities: returns the keywords of the limit's function, from a point.
    """
    return lambda point: jnp.log(limit.most) - jnp.log(limit.quantity(**quantities(point)))
