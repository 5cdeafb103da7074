"""Limits beside the budget: tokens at hand, memory for the deployed model, days on a machine."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp

from jaxlaws.inputs import INPUTS
from jaxlaws.planning.engine.checks import callable_tree
from jaxlaws.planning.engine.record import Record
from jaxlaws.planning.solver.batched import Array, Point


class Limit(NamedTuple):
    """A quantity of a plan that may be at most so much.

    Attributes:
        quantity: a positive, smooth function of the plan's sizes and tokens, taken by keyword
            under their names; it takes those it does not need as `**_`. As with `forward_flops`,
            a function made anew is compiled anew.
        most: what it may be at most, broadcast with the budget.

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

    quantity: Callable[..., Any]
    most: Any


def quantities(limits: Mapping[str, Limit] | None) -> Record:
    """What is limited, as trees that a program may close over.

    Raises:
        TypeError: a limit is no `Limit`, or its quantity cannot be called.
        ValueError: its name is that of an input, whose marginal value it would hide.
    """
    for name, limit in (limits or {}).items():
        if not isinstance(limit, Limit):
            raise TypeError(f"limits: expected a Limit as {name!r}, got {limit!r}")
        if name in INPUTS:
            raise ValueError(f"limits: {name!r} is an input's name, choose another")
    return Record({name: callable_tree(each.quantity) for name, each in (limits or {}).items()})


def most_allowed(limits: Mapping[str, Limit] | None) -> dict[str, Any]:
    """How much of each is allowed, as inputs of a question."""
    return {f"limit {name}": each.most for name, each in (limits or {}).items()}


def constraints_of(
    given: Record, names: tuple[str, ...], fixed: Mapping[str, Any] | None = None
) -> tuple[Callable[[Point], Array], ...]:
    """The limits as constraints of a point.

    Args:
        given: has the quantities and how much is allowed.
        names: of the variables, whose logarithms a point has.
        fixed: other sizes, which the question was given.
    """

    def of(name: str, quantity: Callable[..., Any]) -> Callable[[Point], Array]:
        def left(point: Point) -> Array:
            sizes = {key: jnp.exp(value) for key, value in zip(names, point, strict=True)}
            return jnp.log(given[f"limit {name}"]) - jnp.log(quantity(**sizes, **(fixed or {})))

        return left

    return tuple(of(name, quantity) for name, quantity in given.get("limits", {}).items())
