"""A comparison in words."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.planning.analysis.extrapolation import extrapolation_decades

_ADVICE = {
    "train": "train compute-optimally",
    "overtrain": "overtrain",
    "distil": "distil",
    "use_teacher": "use the teacher as it is",
}


def _how(name: str, plan: Any) -> str:
    """What to do, of one plan."""
    if name == "use_teacher":
        return f"the teacher of {format_quantity(plan.num_params)} parameters, loss {plan.loss:.4f}"
    if name != "distil":
        return (
            f"{format_quantity(plan.num_params)} parameters on "
            f"{format_quantity(plan.num_tokens)} tokens, loss {plan.loss:.4f}"
        )
    teacher = f"a teacher of loss {plan.teacher_loss:.4f}"
    if np.isfinite(plan.num_teacher_params):
        teacher += f" and {format_quantity(plan.num_teacher_params)} parameters"
    if (paid := plan.shares.logits + plan.shares.teacher) > 0:
        teacher += f", which takes {paid:.0%} of the compute"
    return (
        f"{format_quantity(plan.num_student_params)} parameters on "
        f"{format_quantity(plan.num_student_tokens)} tokens from {teacher}, loss {plan.loss:.4f}"
    )


def _distance(options: Mapping[str, Any], fitted_range: Mapping[str, Any] | None) -> str:
    if fitted_range is None:
        return "How far that is from the runs behind the law was not judged."
    decades = [float(extrapolation_decades(plan, fitted_range)) for plan in options.values()]
    if (farthest := np.nanmax([0.0, *decades])) > 0:
        far = f"{farthest:.1f}" if farthest >= 0.05 else f"{farthest:.1g}"
        return (
            f"This lies {far} decades outside the runs that the law was fitted to: "
            "an extrapolation, not to be relied on."
        )
    if np.isnan(decades).any():
        return "Not all of the law's fitted range is known, so this may be an extrapolation."
    return "This lies within the range of the runs that the law was fitted to."


def words(
    winner: str | None,
    margin: Any,
    options: Mapping[str, Any],
    eligible: Mapping[str, Any],
    fitted_range: Mapping[str, Any] | None,
) -> str:
    """A sentence or three on a single comparison.

    Args:
        winner: key of the winner in `options`, None where nothing can be done.
        margin: loss by which the next best is worse, NaN where there is none.
        options: a plan each.
        eligible: whether each may win.
        fitted_range: lowest and highest fitted value of each input, None where not given.
    """
    if winner is None:
        return "Nothing can be done within this budget and these bounds: raise the budget."
    sentences = [f"{_ADVICE[winner].capitalize()}: {_how(winner, options[winner])}."]
    others = {key: options[key] for key in options if eligible[key] and key != winner}
    if others:
        second = min(others, key=lambda key: others[key].loss)
        sentences.append(
            f"That is {margin:.4f} below the next best, to {_ADVICE[second]} "
            f"({_how(second, others[second])})."
        )
    train = options["train"]
    if winner != "train" and not eligible["train"] and np.isfinite(train.num_params):
        sentences.append(
            f"The compute-optimal size for this budget, {format_quantity(train.num_params)}, "
            "is larger than the student."
        )
    judged = {key: options[key] for key in options if eligible[key]}
    return " ".join([*sentences, _distance(judged, fitted_range)])
