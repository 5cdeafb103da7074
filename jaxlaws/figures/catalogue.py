"""Figures of a catalogue of teachers, for one budget or along a sweep."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from jaxlaws.figures.axes import flops_axis, legend_above, loss_axis
from jaxlaws.figures.lines import line_with_band, shade_extrapolation
from jaxlaws.figures.plans import explain_below
from jaxlaws.figures.style import (
    FAILED,
    ROLES,
    house_style,
    new_figure,
    ordered_colours,
    set_title,
    with_lines_below,
)
from jaxlaws.foundations.text.cells import INSIDE
from jaxlaws.foundations.text.escaping import figure_text
from jaxlaws.planning.decisions.teacher_catalogue import TeacherChoice
from jaxlaws.planning.engine.status import search_failed

_ALONE = "trained alone"


def teacher_catalogue(
    choice: TeacherChoice,
    names: Sequence[str],
    *,
    flops: np.ndarray | None = None,
    decades: np.ndarray | None = None,
    unit: str = "nats",
    title: str = "",
) -> Figure:
    """Draw the loss of the student of each teacher, and of the student trained without a teacher.

    Args:
        choice: the result of `planning.rank_teachers`: for one budget with teachers along the only
            axis, or for a sweep with budgets along the first.
        names: of the teachers.
        flops: the increasing budgets of a sweep; None for one budget.
        decades: distance of each plan outside the fitted range in decades, as `choice.plans`.
        unit: of the loss.
        title: the title above the figure.
    """
    with house_style():
        if flops is None:
            figure = _ranking(choice, names, decades, unit)
        else:
            figure = _along_budgets(choice, names, flops, decades, unit)
        set_title(figure, title)
    return figure


def _ranking(
    choice: TeacherChoice, names: Sequence[str], decades: np.ndarray | None, unit: str
) -> Figure:
    """A dot for each teacher, the best student first; a ring where the plan is an extrapolation."""
    figure, axes = new_figure(height=1.1 + 0.26 * len(names))
    losses, failed = np.asarray(choice.plans.loss), search_failed(choice.plans.status)
    outside = np.zeros(len(names), bool)
    if decades is not None:
        outside = np.asarray(decades) > np.log10(INSIDE)
    words = []
    for row, index in enumerate(choice.ranking):
        sign, fill = "x" if failed[index] else "o", "none" if outside[index] else None
        look = {"color": ROLES["student"], "markersize": 7, "markerfacecolor": fill}
        axes.plot(losses[index], row, sign, **look)
        price = "" if np.isfinite(losses[index]) else " (costs too much)"
        words.append(figure_text(str(names[index])) + price)
    alone = float(choice.supervised.loss)
    if np.isfinite(alone):
        axes.axvline(alone, color=ROLES["model"], linewidth=1.2, linestyle="--", label=_ALONE)
    axes.set_yticks(range(len(words)), words)
    axes.set_ylim(len(words) - 0.5, -0.5)
    loss_axis(axes.xaxis, "the student's loss", unit)
    legend_above(axes)
    notes = ["rings: outside the range of the fitted runs"] * bool(outside.any())
    return with_lines_below(figure, notes + [FAILED] * bool(failed.any()))


def _along_budgets(
    choice: TeacherChoice,
    names: Sequence[str],
    flops: np.ndarray,
    decades: np.ndarray | None,
    unit: str,
) -> Figure:
    """A line for each teacher, in the order of the teachers' losses."""
    figure, axes = new_figure(width=5.2, height=3.8)
    plans, alone = choice.plans, choice.supervised
    failed = search_failed(plans.status)
    order = np.argsort(np.nanmean(np.reshape(plans.teacher_loss, (-1, len(names))), axis=0))
    for index, colour in zip(order, ordered_colours(len(order)), strict=True):
        label, losses = figure_text(str(names[index])), plans.loss[:, index]
        line_with_band(axes, flops, losses, failed=failed[:, index], color=colour, label=label)
    unsolved = search_failed(alone.status)
    shown = np.where(unsolved, np.nan, alone.loss)
    axes.plot(flops, shown, color=ROLES["model"], linestyle="--", label=_ALONE)
    loss_axis(axes.yaxis, "the student's loss", unit)
    flops_axis(axes.xaxis)
    axes.set_xlim(flops[0], flops[-1])
    outside = None if decades is None else np.max(decades, axis=-1)
    shade_extrapolation(axes, flops, outside)
    legend_above(axes, "teachers, the best first")
    explain_below(figure, outside, False, failed)
    return figure
