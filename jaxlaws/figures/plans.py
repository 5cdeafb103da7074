"""Figures of plans over a sweep of budgets."""

from typing import TypedDict

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from jaxlaws.figures.style import (
    COLOURS,
    FAILED,
    house_style,
    line_with_band,
    mark_failed,
    new_figure,
    quantity_axis,
    shade_extrapolation,
)
from jaxlaws.foundations.annotations import Tree
from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.planning.decisions.comparison import Comparison
from jaxlaws.planning.engine.status import search_failed

_COMPUTE = "compute, FLOPs"
_BANDS = "bands: central 90% of the fit's draws (of its coefficients; not the form of the law)"


class _LegendStyle(TypedDict):
    frameon: bool
    framealpha: float
    edgecolor: str
    fontsize: int


_LEGEND: _LegendStyle = {"frameon": True, "framealpha": 0.85, "edgecolor": "none", "fontsize": 8}
_PAID = {
    "student": "training",
    "logits": "teacher's logits",
    "teacher": "teacher's training",
    "serving": "serving",
    "data": "data",
}
_STRATEGIES = {
    "train": ("train compute-optimally", COLOURS[0]),
    "overtrain": ("overtrain", COLOURS[1]),
    "distil": ("distil", COLOURS[2]),
    "use_teacher": ("use the teacher itself", COLOURS[3]),
}


def _lines(axes: Axes, flops: np.ndarray, plan: Tree, draws: Tree, names: dict[str, str]) -> None:
    """Draw those of the named fields that the plan has, against compute."""
    for name, label in names.items():
        values = getattr(plan, name, None)
        if values is not None and np.isfinite(values).any():
            cloud = None if draws is None else _of_solved(draws, getattr(draws, name))
            failed = search_failed(plan.status)
            line_with_band(axes, flops, values, draws=cloud, failed=failed, label=label)


def _of_solved(plan: Tree, values: np.ndarray) -> np.ndarray:
    """The values, NaN where the search for the plan failed."""
    return np.where(search_failed(plan.status), np.nan, values)


def _shares(axes: Axes, flops: np.ndarray, plan: Tree) -> None:
    used = [name for name in _PAID if np.any(plan.shares[name] > 0)]
    parts = [_of_solved(plan, plan.shares[name]) for name in used]
    colours = [COLOURS[list(_PAID).index(name)] for name in used]
    axes.stackplot(flops, parts, labels=[_PAID[n] for n in used], colors=colours, alpha=0.7)
    mark_failed(axes, flops, np.full(flops.shape, np.nan), search_failed(plan.status))
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_ylabel("share of the compute")
    axes.legend(loc="lower right", **_LEGEND)


def _tokens_per_parameter(axes: Axes, flops: np.ndarray, plan: Tree, draws: Tree) -> None:
    cloud = None if draws is None else _of_solved(draws, draws.num_tokens / draws.num_params)
    ratios, failed = plan.num_tokens / plan.num_params, search_failed(plan.status)
    line_with_band(axes, flops, ratios, draws=cloud, failed=failed)
    quantity_axis(axes.yaxis, "tokens per parameter")


def _where_planned(decades: np.ndarray | None, planned: np.ndarray) -> np.ndarray | None:
    """Return the distances to the fitted range, and 0 where there is no plan."""
    return None if decades is None else np.where(planned, decades, 0.0)


def _explain_below(
    figure: Figure, decades: np.ndarray | None, with_bands: bool, failed: np.ndarray, *first: str
) -> None:
    """Write a line below the figure that explains lines, crosses, bands and shading."""
    parts = [*first]
    parts += [FAILED] if np.any(failed) else []
    parts += [_BANDS] if with_bands else []
    if decades is not None and np.any(decades > 0):
        parts.append("grey: outside the range of the fitted runs")
    if decades is not None and np.any(np.isnan(decades)):
        parts.append("hatched: fitted range unknown")
    if parts:
        figure.supxlabel("; ".join(parts), fontsize=8, color="0.35")


def allocation(
    flops: np.ndarray,
    plan: Tree,
    *,
    draws: Tree | None = None,
    decades: np.ndarray | None = None,
    title: str = "",
) -> Figure:
    """Draw the sizes, tokens and losses of plans against compute.

    A fourth panel has the shares of the compute for plans with a teacher or with serving, and the
    tokens per parameter for other plans.

    Args:
        flops: increasing budgets in FLOPs, shape `(budgets,)`.
        plan: a `SupervisedPlan` or `DistillationPlan` with leaves of shape `(budgets,)`.
        draws: such a plan over the draws of a fit, with leaves of shape `(draws, budgets)`.
        decades: distance of each plan outside the fitted range in decades, shape `(budgets,)`; NaN
            where the range is unknown.
        title: the title above the figure.
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
        _explain_below(figure, decades, draws is not None, search_failed(plan.status))
        figure.suptitle(title)
    return figure


def best_supervised(comparison: Comparison) -> np.ndarray:
    """Return the lowest loss of the eligible options without a teacher; NaN if there is none."""
    losses = [
        np.where(comparison.eligible[name], comparison.options[name].loss, np.nan)
        for name in ("train", "overtrain")
    ]
    return np.fmin(*losses)


def decision(
    flops: np.ndarray,
    comparison: Comparison,
    *,
    draws: Comparison | None = None,
    decades: np.ndarray | None = None,
    budget: float | None = None,
    title: str = "",
) -> Figure:
    """Draw the loss of each option of a comparison, and the gain from a teacher.

    The left panel has the loss of each option; a dotted line is an option that is ruled out, and a
    cross is a plan whose search failed. The right panel has the loss with a teacher minus the
    lowest loss without a teacher: below zero the teacher helps.

    Args:
        flops: increasing budgets in FLOPs, shape `(budgets,)`.
        comparison: the result of `planning.compare`, with leaves of shape `(budgets,)`.
        draws: such a result over the draws of a fit, with leaves of shape `(draws, budgets)`.
            Differences are taken within each draw.
        decades: distance of each comparison outside the fitted range in decades, shape
            `(budgets,)`; NaN where the range is unknown.
        budget: a budget in FLOPs to mark.
        title: the title above the figure.
    """
    possible = np.any([np.isfinite(plan.loss) for plan in comparison.options.values()], axis=0)
    decades = _where_planned(decades, possible)
    best = best_supervised(comparison)
    with house_style():
        figure, (losses, gains) = new_figure(2, height=3.6)
        for name, plan in comparison.options.items():
            label, colour = _STRATEGIES[name]
            may, failed = comparison.eligible[name], search_failed(plan.status)
            shown = np.where(np.asarray(may | failed), plan.loss, np.nan)
            clouds = gained = None
            if draws is not None:
                clouds = np.where(draws.eligible[name], draws.options[name].loss, np.nan)
                gained = clouds - best_supervised(draws)
            line_with_band(
                losses,
                flops,
                shown,
                draws=None if clouds is None else np.where(may, clouds, np.nan),
                failed=failed,
                label=label,
                color=colour,
            )
            known = np.where(failed, np.nan, plan.loss)
            losses.plot(flops, known, color=colour, linewidth=0.9, linestyle=":")
            if name in ("distil", "use_teacher"):
                line_with_band(
                    gains,
                    flops,
                    shown - best,
                    draws=gained,
                    failed=failed,
                    label=label,
                    color=colour,
                )
        gains.axhline(0, color="0.4", linewidth=1, label="lowest loss without a teacher")
        losses.set_ylabel("loss")
        gains.set_ylabel("loss minus lowest loss without a teacher")
        for axes in (losses, gains):
            quantity_axis(axes.xaxis, _COMPUTE)
            shade_extrapolation(axes, flops, decades)
            if budget is not None:
                look = {"color": "0.25", "linewidth": 1, "linestyle": "--"}
                axes.axvline(budget, label=f"budget: {format_quantity(budget)} FLOPs", **look)
            axes.legend(**_LEGEND)
        failed = np.any([search_failed(p.status) for p in comparison.options.values()], axis=0)
        _explain_below(figure, decades, draws is not None, failed, "dotted: ruled out")
        figure.suptitle(title)
    return figure
