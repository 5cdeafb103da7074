"""How the search for a plan ended."""

import enum
from typing import Any

import jax.numpy as jnp


class Status(enum.IntEnum):
    """How the search for a plan ended; of several, the last in this order is told.

    The first three are solutions. In a plan the status is an integer array; `Status(value)`
    names one of its entries.
    """

    CONVERGED = 0
    ON_BOUND = 1  # converged, with a size or a token count on one of its bounds
    BUDGET_UNSPENT = 2  # converged; spending all would not help, or a bound keeps it from that
    INFEASIBLE = 3  # no plan keeps within budget and bounds, or the budget is no positive number
    NOT_CONVERGED = 4
    NON_FINITE = 5  # the law gives no finite loss

    @property
    def solved(self) -> bool:
        """Whether the plan is a solution."""
        return self <= Status.BUDGET_UNSPENT


def worst(conditions: dict[Status, Any]) -> Any:
    """The last status whose condition holds; `CONVERGED` where none does.

    Args:
        conditions: boolean arrays of one shape.
    """
    status = jnp.zeros_like(next(iter(conditions.values())), dtype=jnp.int32)
    for name in sorted(conditions):
        status = jnp.where(conditions[name], jnp.int32(name), status)
    return status
