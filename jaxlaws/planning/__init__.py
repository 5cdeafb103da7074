"""Questions about a budget, a file each."""

from jaxlaws.planning.extrapolation import extrapolation_decades

__all__ = ["extrapolation_decades"]
