"""Pictures of plans over a sweep of budgets."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from jaxlaws.figures.style import (
    COLOURS,
    house_style,
    line_with_band,
    new_figure,
    quantity_axis,
    shade_extrapolation,
)
from jaxlaws.foundations.quantities import format_quantity

_COMPUTE = "compute, FLOPs"
_LEGEND: Any = {"frameon": True, "framealpha": 0.85, "edgecolor": "none", "fontsize": 8}
_PAID = {
    "student": "training",
    "logits": "teacher's logits",
    "teacher": "teacher's training",
    "serving": "serving",
}
_STRATEGIES = {
    "train": ("train compute-optimally", COLOURS[0]),
    "overtrain": ("overtrain", COLOURS[1]),
    "distil": ("distil", COLOURS[2]),
    "use_teacher": ("use the teacher as it is", COLOURS[3]),
}


def _lines(axes: Axes, flops: np.ndarray, plan: Any, draws: Any, names: dict[str, str]) -> None:
    """The fields of a plan against compute, where it has them."""
    for name, label in names.items():
        values = getattr(plan, name, None)
        if values is not None and np.isfinite(values).any():
            cloud = None if draws is None else getattr(draws, name)
            line_with_band(axes, flops, values, draws=cloud, label=label)


def _shares(axes: Axes, flops: np.ndarray, plan: Any) -> None:
    used = [name for name in _PAID if np.any(plan.shares[name] > 0)]
    parts = [np.nan_to_num(plan.shares[name]) for name in used]
    colours = [COLOURS[list(_PAID).index(name)] for name in used]
    axes.stackplot(flops, parts, labels=[_PAID[n] for n in used], colors=colours, alpha=0.7)
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_ylabel("share of the compute")
    axes.legend(loc="lower right", **_LEGEND)


def _tokens_per_parameter(axes: Axes, flops: np.ndarray, plan: Any, draws: Any) -> None:
    cloud = None if draws is None else draws.num_tokens / draws.num_params
    line_with_band(axes, flops, plan.num_tokens / plan.num_params, draws=cloud)
    quantity_axis(axes.yaxis, "tokens per parameter")


def _where_planned(decades: np.ndarray | None, planned: np.ndarray) -> np.ndarray | None:
    """Distances to the fitted range; where nothing is planned there is nothing to judge."""
    return None if decades is None else np.where(planned, decades, 0.0)


def _told_below(figure: Figure, decades: np.ndarray | None, with_bands: bool, *first: str) -> None:
    """What lines, bands and shades mean, in a line below."""
    told = [*first, *(["bands: central 90% of the fit's draws"] if with_bands else [])]
    if decades is not None and np.any(decades > 0):
        told.append("grey: outside the range of the fitted runs")
    if decades is not None and np.any(np.isnan(decades)):
        told.append("hatched: fitted range not known")
    if told:
        figure.supxlabel("; ".join(told), fontsize=8, color="0.35")


def allocation(
    flops: np.ndarray,
    plan: Any,
    *,
    draws: Any = None,
    decades: np.ndarray | None = None,
    title: str = "",
) -> Figure:
    """Sizes, tokens, losses, and tokens per parameter or where the compute goes, against compute.

    Args:
        flops: rising budgets, shape `(budgets,)`.
        plan: a plan for each.
        draws: plans over a fit's draws, leaves of shape `(draws, budgets)`.
        decades: how far each plan is outside the fitted range, `(budgets,)`; NaN where unknown.
        title: a line above.
    """
    distilled = hasattr(plan, "teacher_loss")
    decades = _where_planned(decades, np.isfinite(plan.loss))
    with house_style():
        figure, ((sizes, tokens), (losses, shares)) = new_figure(2, 2, height=2.9)
        _lines(
            sizes,
            flops,
            plan,
            draws,
            {
                "num_params": "model",
                "num_student_params": "student",
                "num_teacher_params": "teacher",
            },
        )
        _lines(
            tokens,
            flops,
            plan,
            draws,
            {
                "num_tokens": "model",
                "num_student_tokens": "student",
                "num_teacher_tokens": "teacher",
            },
        )
        loss = {"loss": "student" if distilled else "model", "teacher_loss": "teacher"}
        _lines(losses, flops, plan, draws, loss)
        if distilled or np.any(plan.shares.serving > 0):
            _shares(shares, flops, plan)
        else:
            _tokens_per_parameter(shares, flops, plan, draws)
        quantity_axis(sizes.yaxis, "parameters")
        quantity_axis(tokens.yaxis, "training tokens")
        losses.set_ylabel("loss")
        for axes in (sizes, tokens, losses, shares):
            quantity_axis(axes.xaxis, _COMPUTE)
            shade_extrapolation(axes, flops, decades)
        if distilled:
            for axes in (sizes, tokens, losses):
                axes.legend(**_LEGEND)
        _told_below(figure, decades, draws is not None)
        figure.suptitle(title)
    return figure


def best_supervised(comparison: Any) -> np.ndarray:
    """The least loss of training without a teacher that may win; NaN where none may."""
    losses = [
        np.where(comparison.eligible[name], comparison.options[name].loss, np.nan)
        for name in ("train", "overtrain")
    ]
    return np.fmin(*losses)


def decision(
    flops: np.ndarray,
    comparison: Any,
    *,
    draws: Any = None,
    decades: np.ndarray | None = None,
    budget: float | None = None,
    title: str = "",
) -> Figure:
    """Train, overtrain or distil: the loss each way, and what a teacher gains.

    On the left dotted lines are strategies that are ruled out. On the right is the loss with a
    teacher above the best that training alone reaches: below zero the teacher helps.

    Args:
        flops: rising budgets, shape `(budgets,)`.
        comparison: of the strategies, for each.
        draws: comparisons over a fit's draws, leaves of shape `(draws, budgets)`; differences are
            taken draw by draw.
        decades: how far each is outside the fitted range, `(budgets,)`; NaN where unknown.
        budget: one to mark.
        title: a line above.
    """
    possible = np.any([np.isfinite(plan.loss) for plan in comparison.options.values()], axis=0)
    decades = _where_planned(decades, possible)
    with house_style():
        figure, (losses, gains) = new_figure(2, height=3.6)
        for name, plan in comparison.options.items():
            label, colour = _STRATEGIES[name]
            may = comparison.eligible[name]
            clouds = None
            if draws is not None:
                clouds = np.where(draws.eligible[name], draws.options[name].loss, np.nan)
            line_with_band(
                losses,
                flops,
                np.where(may, plan.loss, np.nan),
                draws=None if clouds is None else np.where(may, clouds, np.nan),
                label=label,
                color=colour,
            )
            losses.plot(flops, plan.loss, color=colour, linewidth=0.9, linestyle=":")
            if name in ("distil", "use_teacher"):
                line_with_band(
                    gains,
                    flops,
                    np.where(may, plan.loss, np.nan) - best_supervised(comparison),
                    draws=None if clouds is None else clouds - best_supervised(draws),
                    label=label,
                    color=colour,
                )
        gains.axhline(0, color="0.4", linewidth=1, label="best without a teacher")
        losses.set_ylabel("loss")
        gains.set_ylabel("loss above the best without a teacher")
        for axes in (losses, gains):
            quantity_axis(axes.xaxis, _COMPUTE)
            shade_extrapolation(axes, flops, decades)
            if budget is not None:
                look = {"color": "0.25", "linewidth": 1, "linestyle": "--"}
                axes.axvline(budget, label=f"asked: {format_quantity(budget)} FLOPs", **look)
            axes.legend(**_LEGEND)
        _told_below(figure, decades, draws is not None, "dotted: ruled out")
        figure.suptitle(title)
    return figure
