"""How far outside the runs that a law was fitted to."""

from collections.abc import Mapping
from typing import Any

import numpy as np


def extrapolation_decades(plan: Any, fitted_range: Mapping[str, tuple[float, float]]) -> np.ndarray:
    """The distance to a fitted range, in decades, of the input that is farthest; 0 inside.

    Args:
        plan: inputs by name, as a mapping or as fields of a plan.
        fitted_range: lowest and highest fitted value of each input; others are not judged.

    >>> float(extrapolation_decades({"num_params": 1e12}, {"num_params": (1e8, 1e10)}))
    2.0
    """
    values = plan if isinstance(plan, Mapping) else vars(plan)
    farthest = np.zeros(())
    for name, (low, high) in fitted_range.items():
        if name in values:
            value = np.asarray(values[name], dtype=np.float64)
            above = np.log10(np.maximum(value / high, 1.0))
            below = np.log10(np.maximum(low / value, 1.0))
            farthest = np.maximum(farthest, np.maximum(above, below))
    return farthest
