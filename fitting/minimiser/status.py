"""How a fit ended."""

import enum


class Status(enum.IntEnum):
    """How a fit ended; of several that apply, the last in this order."""

    CONVERGED = 0
    """The gradient vanishes, and every coefficient is told by the runs."""
    ON_BOUND = 1
    """Converged, with a coefficient at the edge of its domain, such as E = 0."""
    FLAT_DIRECTION = 2
    """Some combination of coefficients moves the predictions by less than their noise: judge the
    fit by its predictions, not by these coefficients."""
    NOT_CONVERGED = 3
    """The gradient does not vanish: try more starts, or fewer coefficients."""
    NON_FINITE = 4
    """No start gave finite predictions."""
