"""Figures of decisions: train, overtrain or distil."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxlaws.figures.axes import flops_axis, legend_above, loss_axis
from jaxlaws.figures.lines import line_with_band, shade_extrapolation
from jaxlaws.figures.plans import explain_below, where_planned
from jaxlaws.figures.style import (
    INK,
    ROLES,
    RULE,
    house_style,
    new_figure,
    set_title,
)
from jaxlaws.foundations.annotations import Array
from jaxlaws.foundations.quantities import format_flops
from jaxlaws.planning.decisions.comparison import Comparison
from jaxlaws.planning.engine.status import search_failed

STRATEGIES = {
    "train": ("train compute-optimally", ROLES["model"]),
    "overtrain": ("overtrain", ROLES["overtrain"]),
    "distil": ("distil", ROLES["student"]),
    "use_teacher": ("use the teacher itself", ROLES["teacher"]),
}
_GAIN, _ALONE = "gain from a teacher", "no gain"


def best_supervised(comparison: Comparison) -> np.ndarray:
    """Return the lowest loss of the eligible options without a teacher; NaN if there is none."""
    losses = [
        np.where(comparison.eligible[name], comparison.options[name].loss, np.nan)
        for name in ("train", "overtrain")
    ]
    return np.fmin(*losses)


def _draw_losses(
    axes: Axes, flops: np.ndarray, comparison: Comparison, draws: Comparison | None
) -> None:
    """The loss of each option; dotted where it is ruled out."""
    for name, (label, colour) in STRATEGIES.items():
        if name not in comparison.options:
            continue
        plan = comparison.options[name]
        may, failed = comparison.eligible[name], search_failed(plan.status)
        shown = np.where(np.asarray(may | failed), plan.loss, np.nan)
        cloud = None
        if draws is not None:
            drawn = np.where(draws.eligible[name], draws.options[name].loss, np.nan)
            cloud = np.where(may, drawn, np.nan)
        look = {"failed": failed, "label": label, "color": colour}
        line_with_band(axes, flops, shown, draws=cloud, **look)
        known = np.where(failed, np.nan, plan.loss)
        axes.plot(flops, known, color=colour, linewidth=0.9, linestyle=":")


def _draw_gains(
    axes: Axes, flops: np.ndarray, comparison: Comparison, draws: Comparison | None, unit: str
) -> None:
    """By how much a teacher lowers the loss; differences are taken within each draw."""
    best = best_supervised(comparison)
    for name in ("distil", "use_teacher"):
        if name not in comparison.options:
            continue
        plan, may = comparison.options[name], comparison.eligible[name]
        failed = search_failed(plan.status)
        gain = best - np.where(np.asarray(may | failed), plan.loss, np.nan)
        if not (np.isfinite(gain) | failed).any():
            continue
        cloud = None
        if draws is not None:
            drawn = np.where(draws.eligible[name], draws.options[name].loss, np.nan)
            cloud = best_supervised(draws) - drawn
        label, colour = STRATEGIES[name]
        look = {"failed": failed, "label": label, "color": colour}
        line_with_band(axes, flops, gain, draws=cloud, **look)
    axes.axhline(0, color=RULE, linewidth=1, label=_ALONE)
    loss_axis(axes.yaxis, _GAIN, unit)


def _finish(axes: Axes, flops: np.ndarray, decades: Array, budget: float | None) -> None:
    flops_axis(axes.xaxis)
    axes.set_xlim(flops[0], flops[-1])
    shade_extrapolation(axes, flops, decades)
    if budget is not None:
        look = {"color": INK, "linewidth": 1, "linestyle": "--"}
        axes.axvline(budget, label=f"budget: {format_flops(budget)} FLOPs", **look)
    legend_above(axes)


def _may_plan(comparison: Comparison) -> np.ndarray:
    return np.any([np.isfinite(plan.loss) for plan in comparison.options.values()], axis=0)


def _any_failed(comparison: Comparison) -> np.ndarray:
    return np.any([search_failed(plan.status) for plan in comparison.options.values()], axis=0)


def _limits(
    comparisons: Sequence[Comparison], flops: np.ndarray, budget: float | None
) -> tuple[float, float]:
    """The gains that panels of scenarios show: large losses far from the budget are cut off."""
    gains = [best_supervised(each) - each.options["distil"].loss for each in comparisons]
    centre = budget or float(np.sqrt(flops[0] * flops[-1]))
    near = int(np.argmin(np.abs(np.log(flops / centre))))
    known = np.concatenate([gain[np.isfinite(gain)] for gain in gains])
    if not known.size:
        return -1.0, 1.0
    there = [abs(float(gain[near])) for gain in gains if np.isfinite(gain[near])]
    span = max([*there, float(known.max()), 1e-3])
    low, high = max(float(known.min()), -2.5 * span), max(float(known.max()), 0.0)
    return low - 0.1 * span, high + 0.25 * span


def decision(
    flops: np.ndarray,
    comparison: Comparison,
    *,
    draws: Comparison | None = None,
    decades: np.ndarray | None = None,
    budget: float | None = None,
    unit: str = "nats",
    title: str = "",
) -> Figure:
    """Draw the loss of each option of a comparison, and the gain from a teacher.

    The left panel has the loss of each option; a dotted line is an option that is ruled out, and a
    cross is a plan whose search failed. The right panel has the lowest loss without a teacher minus
    the loss with one: above zero the teacher helps.

    Args:
        flops: increasing budgets in FLOPs, shape `(budgets,)`.
        comparison: the result of `planning.compare`, with leaves of shape `(budgets,)`.
        draws: such a result over the draws of a fit, with leaves of shape `(draws, budgets)`.
            Differences are taken within each draw.
        decades: distance of each comparison outside the fitted range in decades, shape
            `(budgets,)`; NaN where the range is unknown.
        budget: a budget in FLOPs to mark.
        unit: of the loss.
        title: the title above the figure.
    """
    decades = where_planned(decades, _may_plan(comparison))
    with house_style():
        figure, (losses, gains) = new_figure(2, height=3.6)
        _draw_losses(losses, flops, comparison, draws)
        _draw_gains(gains, flops, comparison, draws, unit)
        loss_axis(losses.yaxis, unit=unit)
        for axes in (losses, gains):
            _finish(axes, flops, decades, budget)
        failed = _any_failed(comparison)
        explain_below(figure, decades, draws is not None, failed, "dotted: ruled out")
        set_title(figure, title)
    return figure


def gain_by_scenario(
    flops: np.ndarray,
    comparisons: Mapping[str, Comparison],
    *,
    draws: Mapping[str, Comparison | None] | None = None,
    decades: Mapping[str, np.ndarray] | None = None,
    budget: float | None = None,
    unit: str = "nats",
    title: str = "",
) -> Figure:
    """Draw the gain from a teacher against compute, a panel for each scenario.

    Args:
        flops: increasing budgets in FLOPs, shape `(budgets,)`.
        comparisons: the result of `planning.compare` for each scenario, by its name.
        draws: such results over the draws of a fit; see `decision`.
        decades: distances outside the fitted range for each scenario.
        budget: a budget in FLOPs to mark.
        unit: of the loss.
        title: the title above the figure.
    """
    rows = (len(comparisons) + 1) // 2
    with house_style():
        figure, panels = new_figure(min(2, len(comparisons)), rows, height=3.0)
        every = np.atleast_1d(panels).ravel()
        clouds, failed, outside = draws or {}, np.array(False), None
        for axes, (name, comparison) in zip(every, comparisons.items(), strict=False):
            _draw_gains(axes, flops, comparison, clouds.get(name), unit)
            outside = where_planned((decades or {}).get(name), _may_plan(comparison))
            _finish(axes, flops, outside, budget)
            legend = axes.get_legend()
            if legend is not None:
                legend.set_title(f"scenario {name}")
            failed = failed | _any_failed(comparison).any()
        low, high = _limits(list(comparisons.values()), flops, budget)
        for axes in every[: len(comparisons)]:
            axes.set_ylim(low, high)
        with_bands = any(each is not None for each in clouds.values())
        explain_below(figure, outside, with_bands, failed)
        set_title(figure, title)
    return figure
