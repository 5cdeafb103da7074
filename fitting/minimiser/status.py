"""How a fit ended."""

import enum


class Status(enum.IntEnum):
    """How a fit ended. Where several values apply, the status is the last one in this order."""

    CONVERGED = 0
    """The gradient is zero within rounding, and the runs determine every coefficient."""
    ON_BOUND = 1
    """Converged, with a coefficient at the edge of its domain (such as E = 0) or on a bound, in the
    fit or in more than 5% of its bootstrap draws."""
    FLAT_DIRECTION = 2
    """Some change of the coefficients moves the predictions by less than their noise, and the
    objective cannot fall any further; or the interval of a coefficient over the draws spans
    decades. The predictions can be used; do not interpret these coefficients one by one."""
    NOT_CONVERGED = 3
    """The gradient is not zero: use more starts, or freeze coefficients. Or a simple prediction,
    such as the best constant, is better than the law."""
    NON_FINITE = 4
    """No start gave finite predictions."""
