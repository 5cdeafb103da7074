"""How wrong the form of a law was at a distance from the fitted runs, from a stored roll-out."""

from collections.abc import Mapping

import numpy as np

from jaxlaws.compute import training_flops
from jaxlaws.foundations.annotations import Array, Json
from jaxlaws.foundations.quantities import format_quantity

_SIZES = ("num_params", "num_student_params")
_LARGEST = {
    "flops": "largest training compute",
    "num_params": "largest size",
    "num_tokens": "largest number of tokens",
}
_TOKENS = ("num_tokens", "num_student_tokens")


def decades_beyond(rolled: Mapping[str, Json], inputs: Mapping[str, Array]) -> np.ndarray:
    """The distance of runs beyond the largest run of a fit, in decades.

    Args:
        rolled: `RollOut.to_json`.
        inputs: sizes and tokens of the runs, or of models that are planned.

    Returns:
        Decades of what the roll-out went by: 0 for runs that are not larger; NaN where unknown.

    >>> rolled = {"by": "num_params", "largest": 1e9, "steps": []}
    >>> decades_beyond(rolled, {"num_params": np.array([1e8, 1e11])}).tolist()
    [0.0, 2.0]
    """
    size, tokens = (
        np.asarray(next((inputs[name] for name in names if name in inputs), np.nan), dtype=float)
        for names in (_SIZES, _TOKENS)
    )
    own = {"num_params": size, "num_tokens": tokens}.get(rolled["by"])
    if own is None:
        own = np.asarray(training_flops(num_params=size, num_tokens=tokens), dtype=float)
    with np.errstate(divide="ignore"):
        beyond = np.log10(own / rolled["largest"])
    return np.where(beyond < 1e-9, 0.0, beyond)


def errors_at(rolled: Mapping[str, Json], decades: Array) -> dict[str, np.ndarray]:
    """The mean and the worst absolute error of the roll-out at distances, in per cent.

    Beyond the farthest step of the roll-out these are the errors of that step. At a distance of 0,
    or an unknown distance, they are NaN.
    """
    beyond = np.asarray(decades, dtype=float)
    ends = [step["decades"][1] for step in rolled["steps"]]
    at = np.minimum(np.searchsorted(ends, np.nan_to_num(beyond) - 1e-9), len(ends) - 1)
    return {
        name: np.where(beyond > 0, np.array([step[name] for step in rolled["steps"]])[at], np.nan)
        for name in ("mean", "worst")
    }


def roll_out_in_words(rolled: Mapping[str, Json], decades: Array, what: str) -> str:
    """The error at the farthest of some distances, in a sentence; empty if none is beyond the runs.

    Args:
        rolled: `RollOut.to_json`.
        decades: distances in decades, of any shape.
        what: the thing at the farthest distance, such as "this plan".

    >>> step = {"decades": [0.0, 0.5], "num_predictions": 9, "mean": 0.4, "worst": 1.25}
    >>> words = roll_out_in_words({"by": "flops", "steps": [step]}, 0.3, "this plan")
    >>> words.partition(". ")[2]
    'This plan has 2 times the largest training compute of the fitted runs.'
    """
    farthest = np.max(np.nan_to_num(np.asarray(decades, dtype=float)), initial=0.0)
    if farthest <= 0:
        return ""
    reached = [step for step in rolled["steps"] if farthest <= step["decades"][1] + 1e-9]
    step = (reached or rolled["steps"][-1:])[0]
    low, high = step["decades"]
    more = "" if reached else ", farther than the roll-out reached: expect larger errors"
    largest, count = _LARGEST[rolled["by"]], step["num_predictions"]
    return (
        f"Errors of the form of the law, in a roll-out to runs of {10**low:.3g} to {10**high:.3g} "
        f"times the {largest} that was fitted: mean {step['mean']:.2f}%, "
        f"worst {step['worst']:.2f}% ({count} prediction{'s' if count > 1 else ''}). "
        f"{what.capitalize()} has {format_quantity(10**farthest)} times the {largest} of the "
        f"fitted runs{more}."
    )
