"""How a fit ended."""

import enum


class Status(enum.IntEnum):
    """How a fit ended. Where several values apply, the status is the last one in this order."""

    CONVERGED = 0
    """The gradient is zero, and the runs determine every coefficient."""
    ON_BOUND = 1
    """Converged, with a coefficient at the edge of its domain (such as E = 0) or on a bound."""
    FLAT_DIRECTION = 2
    """Some change of the coefficients moves the predictions by less than their noise. The
    predictions can be used; do not interpret these coefficients one by one."""
    NOT_CONVERGED = 3
    """The gradient is not zero: use more starts, or freeze coefficients."""
    NON_FINITE = 4
    """No start gave finite predictions."""
