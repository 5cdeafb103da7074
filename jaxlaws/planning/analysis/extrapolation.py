"""How far outside the runs that a law was fitted to."""

from collections.abc import Mapping
from typing import Any

import numpy as np


def extrapolation_decades(plan: Any, fitted_range: Mapping[str, tuple[float, float]]) -> np.ndarray:
    """Decades to a fitted range, of the input that is farthest: 0 inside, NaN where unknown.

    Args:
        plan: inputs by name, as a mapping or as fields of a plan.
        fitted_range: lowest and highest fitted value of each input; inputs that it lacks are not
            judged, and where it has none of them the distance is unknown, not zero.

    >>> float(extrapolation_decades({"num_params": 1e12}, {"num_params": (1e8, 1e10)}))
    2.0
    """
    values = plan if isinstance(plan, Mapping) else vars(plan)
    farthest = np.asarray(np.nan)
    for name, (low, high) in fitted_range.items():
        if name in values:
            value = np.asarray(values[name], dtype=np.float64)
            # Zero is infinitely far below a range that does not hold it.
            with np.errstate(divide="ignore", invalid="ignore"):
                above = np.where(value > high, np.log10(value / high), 0.0)
                below = np.where(value < low, np.log10(low / value), 0.0)
            outside = np.where(np.isnan(value), np.nan, np.maximum(above, below))
            farthest = np.fmax(farthest, outside)
    return farthest
