"""A comparison of strategies as text."""

from collections.abc import Mapping

import numpy as np

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.foundations.text.cells import WORDS, times_outside
from jaxlaws.planning.analysis.extrapolation import extrapolation_decades, farthest_input
from jaxlaws.planning.engine.status import search_failed

_ADVICE = {
    "train": "train compute-optimally",
    "overtrain": "overtrain",
    "distil": "distil",
    "use_teacher": "use the teacher as it is",
}


def _describe(name: str, plan: Tree, unit: str) -> str:
    """One plan as a phrase."""
    loss = f"loss {plan.loss:.4f}{unit}"
    if name == "use_teacher":
        return f"the teacher of {format_quantity(plan.num_params)} parameters, {loss}"
    if name != "distil":
        return (
            f"{format_quantity(plan.num_params)} parameters on "
            f"{format_quantity(plan.num_tokens)} tokens, {loss}"
        )
    teacher = f"a teacher of loss {plan.teacher_loss:.4f}{unit}"
    if np.isfinite(plan.num_teacher_params):
        teacher += f" and {format_quantity(plan.num_teacher_params)} parameters"
    if (paid := plan.shares.logits + plan.shares.teacher) > 0:
        teacher += f", which takes {paid:.0%} of the compute"
    return (
        f"{format_quantity(plan.num_student_params)} parameters on "
        f"{format_quantity(plan.num_student_tokens)} tokens from {teacher}, {loss}"
    )


def _distance(
    options: Mapping[str, Tree], fitted_range: Mapping[str, tuple[float, float]] | None
) -> str:
    if fitted_range is None:
        return "The distance from the fitted runs is not judged, because no fitted range was given."
    decades = [float(extrapolation_decades(plan, fitted_range)) for plan in options.values()]
    if far := times_outside(np.nanmax([0.0, *decades])):
        plan = list(options.values())[int(np.nanargmax(decades))]
        name = farthest_input(plan, fitted_range)
        what = WORDS.get(name or "", name)
        return (
            f"This plan lies {far} times outside the runs that the law was fitted to ({what}): "
            "it is an extrapolation, so do not rely on it."
        )
    if np.isnan(decades).any():
        return "A part of the law's fitted range is unknown, so this plan may be an extrapolation."
    return "This plan lies within the range of the runs that the law was fitted to."


def describe_comparison(
    winner: str | None,
    margin: Array,
    options: Mapping[str, Tree],
    eligible: Mapping[str, Tree],
    fitted_range: Mapping[str, tuple[float, float]] | None,
    unit: str,
) -> str:
    """One to five sentences on a single comparison.

    Args:
        winner: key of the winner in `options`, None where no option is feasible.
        margin: loss by which the next best option is worse, NaN where there is no other option.
        options: a plan for each strategy.
        eligible: whether each strategy may win.
        fitted_range: lowest and highest fitted value of each input, None where it is not given.
        unit: the unit of losses; empty if it is not known.
    """
    unit = unit and f" {unit}"
    if winner is None:
        if unsolved := [_ADVICE[key] for key in options if search_failed(options[key].status)]:
            return f"No winner: the search failed for these strategies: {', '.join(unsolved)}."
        return "No strategy is feasible within this budget and these bounds: raise the budget."
    sentences = [f"{_ADVICE[winner].capitalize()}: {_describe(winner, options[winner], unit)}."]
    others = {key: options[key] for key in options if eligible[key] and key != winner}
    if others:
        second = min(others, key=lambda key: others[key].loss)
        sentences.append(
            f"This loss is {margin:.4f}{unit} below the next best option, to {_ADVICE[second]} "
            f"({_describe(second, others[second], unit)})."
        )
    train = options["train"]
    if winner != "train" and not eligible["train"] and np.isfinite(train.num_params):
        sentences.append(
            f"The compute-optimal size for this budget, {format_quantity(train.num_params)}, "
            "is larger than the student may be."
        )
    judged = {key: options[key] for key in options if eligible[key]}
    return " ".join([*sentences, _distance(judged, fitted_range)])
