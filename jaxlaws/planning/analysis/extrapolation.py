"""How far a plan lies outside the runs that a law was fitted to."""

import functools
from collections.abc import Mapping

import numpy as np

from jaxlaws.foundations.annotations import Array, Tree

# A teacher whose training the plan pays for is a run of the supervised law.
_OF_TEACHERS = {"num_teacher_params": "num_params", "num_teacher_tokens": "num_tokens"}


def extrapolation_decades(
    plan: Tree, fitted_range: Mapping[str, tuple[float, float]]
) -> np.ndarray:
    """The distance from the fitted range in decades, of the input that is farthest outside.

    Args:
        plan: a plan, or a mapping of inputs by name.
        fitted_range: lowest and highest fitted value of each input, as a fit and the description
            of a preset have it. Inputs that it does not contain are not judged. Size and tokens of
            a teacher that the plan trains are judged by the ranges of `num_params` and
            `num_tokens`.

    Returns:
        Decades, of the plan's shape: 0 inside the range; NaN where the range contains no input
        of the plan, so that the distance is unknown.

    >>> float(extrapolation_decades({"num_params": 1e12}, {"num_params": (1e8, 1e10)}))
    2.0
    """
    distances = _distances(plan, fitted_range).values()
    return functools.reduce(np.fmax, distances, np.asarray(np.nan))


def farthest_input(plan: Tree, fitted_range: Mapping[str, tuple[float, float]]) -> str | None:
    """The input that is farthest outside the fitted range, of all entries of a plan.

    >>> farthest_input({"num_params": 1e12, "num_tokens": 1e11}, {"num_params": (1e8, 1e10)})
    'num_params'
    """
    far = {
        name: np.fmax.reduce(each, axis=None, initial=0.0)
        for name, each in _distances(plan, fitted_range).items()
    }
    far = {name: distance for name, distance in far.items() if distance > 0}  # not NaN
    return max(far, key=far.__getitem__, default=None)


def judged_inputs(plan: Tree) -> dict[str, np.ndarray]:
    """What a plan, or a mapping of inputs, has that may be outside the fitted range, by name.

    A number that is not judged is NaN, such as the tokens of a teacher that is not trained.
    """
    values: Mapping[str, Array] = plan if isinstance(plan, Mapping) else vars(plan)
    values = {**values, **values.get("further_inputs", {})}
    found = {
        name: np.asarray(value, dtype=np.float64)
        for name, value in values.items()
        if np.asarray(value).dtype.kind in "iuf"
    }
    if found.keys() >= _OF_TEACHERS.keys():
        share = values["shares"]["teacher"] if "shares" in values else 1.0
        is_trained = (np.asarray(share) > 0) & ~np.isnan(found["num_teacher_tokens"])
        found |= {name: np.where(is_trained, found[name], np.nan) for name in _OF_TEACHERS}
    return found


def range_of(
    name: str, fitted_range: Mapping[str, tuple[float, float]]
) -> tuple[float, float] | None:
    """The fitted range by which an input is judged; None if it is not judged."""
    return fitted_range.get(name) or fitted_range.get(_OF_TEACHERS.get(name, ""))


def _distances(
    plan: Tree, fitted_range: Mapping[str, tuple[float, float]]
) -> dict[str, np.ndarray]:
    """The distance of each input that the range contains, in decades."""
    found = {}
    for name, value in judged_inputs(plan).items():
        if ends := range_of(name, fitted_range):
            # Zero is infinitely far from a range that does not hold it, and so is the other sign.
            with np.errstate(divide="ignore", invalid="ignore"):
                above = np.where(value > ends[1], _decades(value, ends[1]), 0.0)
                below = np.where(value < ends[0], _decades(ends[0], value), 0.0)
            outside = np.where(np.isnan(value), np.nan, np.maximum(above, below))
            if name.startswith("num_student") and hasattr(plan, "student_losses"):  # a family
                each = np.broadcast_to(outside, np.shape(plan.student_losses))
                outside = np.fmax.reduce(each, axis=-1)
            found[name] = outside
    return found


def _decades(higher: Array, lower: Array) -> np.ndarray:
    """Decades between two values of one sign, infinite between values of different signs."""
    ratio = np.where(np.less(higher, 0), np.divide(lower, higher), np.divide(higher, lower))
    return np.log10(np.where(ratio > 0, ratio, np.inf))
