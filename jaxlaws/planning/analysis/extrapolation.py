"""How far a plan lies outside the runs that a law was fitted to."""

from collections.abc import Mapping

import numpy as np

from jaxlaws.foundations.annotations import Array, Tree


def extrapolation_decades(
    plan: Tree, fitted_range: Mapping[str, tuple[float, float]]
) -> np.ndarray:
    """The distance from the fitted range in decades, of the input that is farthest outside.

    Args:
        plan: a plan, or a mapping of inputs by name.
        fitted_range: lowest and highest fitted value of each input, as a fit and the description
            of a preset have it. Inputs that it does not contain are not judged.

    Returns:
        Decades, of the plan's shape: 0 inside the range; NaN where the range contains no input
        of the plan, so that the distance is unknown.

    >>> float(extrapolation_decades({"num_params": 1e12}, {"num_params": (1e8, 1e10)}))
    2.0
    """
    values: Mapping[str, Array] = plan if isinstance(plan, Mapping) else vars(plan)
    values = {**values, **values.get("further_inputs", {})}
    farthest = np.asarray(np.nan)
    for name, (low, high) in fitted_range.items():
        if name in values:
            value = np.asarray(values[name], dtype=np.float64)
            # Zero is infinitely far from a range that does not hold it, and so is the other sign.
            with np.errstate(divide="ignore", invalid="ignore"):
                above = np.where(value > high, _decades(value, high), 0.0)
                below = np.where(value < low, _decades(low, value), 0.0)
            outside = np.where(np.isnan(value), np.nan, np.maximum(above, below))
            farthest = np.fmax(farthest, outside)
    return farthest


def farthest_input(plan: Tree, fitted_range: Mapping[str, tuple[float, float]]) -> str | None:
    """The input that is farthest outside the fitted range, of all entries of a plan.

    >>> farthest_input({"num_params": 1e12, "num_tokens": 1e11}, {"num_params": (1e8, 1e10)})
    'num_params'
    """
    far = {
        name: np.fmax.reduce(extrapolation_decades(plan, {name: ends}), axis=None, initial=0.0)
        for name, ends in fitted_range.items()
    }
    far = {name: distance for name, distance in far.items() if distance > 0}  # not NaN
    return max(far, key=far.__getitem__, default=None)


def _decades(higher: Array, lower: Array) -> np.ndarray:
    """Decades between two values of one sign, infinite between values of different signs."""
    ratio = np.where(np.less(higher, 0), np.divide(lower, higher), np.divide(higher, lower))
    return np.log10(np.where(ratio > 0, ratio, np.inf))
