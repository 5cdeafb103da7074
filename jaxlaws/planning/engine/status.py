"""How the search for a plan ended."""

import enum
from collections.abc import Mapping

import jax.numpy as jnp

from jaxlaws.foundations.annotations import Array
from jaxlaws.planning.plan_dict import named_in_plans


@named_in_plans("status")
class Status(enum.IntEnum):
    """How the search for a plan ended. Where several apply, the last in this order is reported.

    The first three mean that the plan is a solution, see `is_solved`. In a plan the status is an
    array of integers; `Status(value)` names one entry.
    """

    CONVERGED = 0  # a minimum, and no bound is active
    ON_BOUND = 1  # a minimum where a size, a token count or a limit is on its bound
    BUDGET_UNSPENT = 2  # a minimum; spending the rest does not help, or a bound prevents it
    INFEASIBLE = 3  # no plan keeps the budget and the bounds, or an input is not valid
    NOT_CONVERGED = 4  # the search did not end at a point that is surely a minimum
    NON_FINITE = 5  # the law predicts a loss that is not finite


def is_solved(status: Array) -> Array:
    """Whether plans are solutions: CONVERGED, ON_BOUND or BUDGET_UNSPENT.

    Args:
        status: a `Status`, or an array of statuses of any shape, traced or not.

    Returns:
        Booleans of the same shape.

    >>> import numpy as np
    >>> is_solved(np.array([Status.ON_BOUND, Status.INFEASIBLE])).tolist()
    [True, False]
    """
    return status <= Status.BUDGET_UNSPENT


def search_failed(status: Array) -> Array:
    """Whether searches failed: NOT_CONVERGED or NON_FINITE.

    A better plan than the reported one may then exist. An INFEASIBLE plan is certain instead: there
    is none.

    Args:
        status: a `Status`, or an array of statuses of any shape, traced or not.

    Returns:
        Booleans of the same shape.

    >>> import numpy as np
    >>> search_failed(np.array([Status.NOT_CONVERGED, Status.INFEASIBLE])).tolist()
    [True, False]
    """
    return status >= Status.NOT_CONVERGED


def worst(conditions: Mapping[Status, Array]) -> Array:
    """The last status whose condition holds; `CONVERGED` where no condition holds.

    Args:
        conditions: boolean arrays of one shape.
    """
    status = jnp.zeros_like(next(iter(conditions.values())), dtype=jnp.int32)
    for name in sorted(conditions):
        status = jnp.where(conditions[name], jnp.int32(name), status)
    return status
