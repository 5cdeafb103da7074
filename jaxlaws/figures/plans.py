"""Figures of plans: over a sweep of budgets, and of a single plan."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxlaws.figures.axes import flops_axis, legend_above, loss_axis, quantity_axis, share_axis
from jaxlaws.figures.lines import line_with_band, mark_failed, shade_extrapolation
from jaxlaws.figures.style import (
    FAILED,
    PAID,
    ROLES,
    house_style,
    new_figure,
    ordered_colours,
    set_title,
    with_lines_below,
)
from jaxlaws.foundations.annotations import Tree
from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.foundations.text.cells import INSIDE
from jaxlaws.planning.engine.status import search_failed

_BANDS = "bands: central 90% of the fit's draws (of its coefficients; not the form of the law)"
# Which field of a plan belongs to which role, in the panel of each quantity.
_SIZES = {"model": "num_params", "student": "num_student_params", "teacher": "num_teacher_params"}
_TOKENS = {"model": "num_tokens", "student": "num_student_tokens", "teacher": "num_teacher_tokens"}
_LOSSES = {"student": "loss", "teacher": "teacher_loss"}


def explain_below(
    figure: Figure, decades: np.ndarray | None, with_bands: bool, failed: np.ndarray, *first: str
) -> None:
    """Write lines below the figure that explain lines, crosses, bands and shading."""
    parts = [*first]
    parts += [FAILED] if np.any(failed) else []
    parts += [_BANDS] if with_bands else []
    if decades is not None and np.any(decades > np.log10(INSIDE)):
        parts.append("grey: outside the range of the fitted runs")
    if decades is not None and np.any(np.isnan(decades)):
        parts.append("hatched: fitted range unknown")
    if parts:
        with_lines_below(figure, ["; ".join(parts)])


def where_planned(decades: np.ndarray | None, planned: np.ndarray) -> np.ndarray | None:
    """Return the distances to the fitted range, and 0 where there is no plan."""
    return None if decades is None else np.where(planned, decades, 0.0)


def _lines(
    axes: Axes, flops: np.ndarray, plan: Tree, draws: Tree, fields: Mapping[str, str]
) -> None:
    """Draw those of the fields that the plan has, by role, against compute."""
    failed = search_failed(plan.status)
    for role, name in fields.items():
        values = _drawn_numbers(plan, name)
        if not np.isfinite(values).any():
            continue
        if np.ndim(values) > 1:
            _line_of_each_student(axes, flops, plan, values)
            continue
        cloud = None if draws is None else _of_solved(draws, getattr(draws, name))
        look = {"failed": failed, "label": role, "color": ROLES[role]}
        line_with_band(axes, flops, values, draws=cloud, **look)


def _drawn_numbers(plan: Tree, name: str) -> np.ndarray:
    """A field of a plan, NaN if it has none; without the tokens of a teacher trained for free."""
    values = np.asarray(getattr(plan, name, np.nan))
    if name != "num_teacher_tokens" or values.shape != np.shape(plan.shares["teacher"]):
        return values
    return np.where(np.asarray(plan.shares["teacher"]) == 0, np.nan, values)


def _line_of_each_student(axes: Axes, flops: np.ndarray, plan: Tree, values: np.ndarray) -> None:
    """A line for each student of a family, in the order of their sizes."""
    sizes, failed = np.asarray(plan.num_student_params)[0], search_failed(plan.status)
    order = np.argsort(sizes, kind="stable")
    for index, colour in zip(order, ordered_colours(len(order)), strict=True):
        label = f"student {format_quantity(float(sizes[index]))}"
        line_with_band(axes, flops, values[:, index], failed=failed, label=label, color=colour)


def _of_solved(plan: Tree, values: np.ndarray) -> np.ndarray:
    """The values, NaN where the search for the plan failed; they may have an axis of students."""
    failed = np.asarray(search_failed(plan.status))
    failed = failed.reshape(failed.shape + (1,) * (np.ndim(values) - failed.ndim))
    return np.where(failed, np.nan, values)


def _paid(plan: Tree) -> dict[str, tuple[str, str]]:
    """What the plan pays for: the words and the colour of each share."""
    used = {n: (PAID[n], ROLES[n]) for n in PAID if np.any(np.asarray(plan.shares[n]) > 0)}
    if not hasattr(plan, "teacher_loss") and "student" in used:
        used["student"] = ("training", ROLES["model"])
    return used


def _shares(axes: Axes, flops: np.ndarray, plan: Tree) -> None:
    paid = _paid(plan)
    parts = [_of_solved(plan, plan.shares[name]) for name in paid]
    words, colours = zip(*paid.values(), strict=True)
    axes.stackplot(flops, parts, labels=words, colors=colours, alpha=0.8)
    mark_failed(axes, flops, np.full(flops.shape, np.nan), search_failed(plan.status))
    share_axis(axes.yaxis, "share of the compute")
    legend_above(axes, is_stack=True)


def _tokens_per_parameter(axes: Axes, flops: np.ndarray, plan: Tree, draws: Tree) -> None:
    cloud = None if draws is None else _of_solved(draws, draws.num_tokens / draws.num_params)
    ratios, failed = plan.num_tokens / plan.num_params, search_failed(plan.status)
    line_with_band(axes, flops, ratios, draws=cloud, failed=failed, color=ROLES["model"])
    quantity_axis(axes.yaxis, "tokens per parameter")


def allocation(
    flops: np.ndarray,
    plan: Tree,
    *,
    draws: Tree | None = None,
    decades: np.ndarray | None = None,
    unit: str = "nats",
    title: str = "",
) -> Figure:
    """Draw the sizes, tokens and losses of plans against compute.

    A fourth panel has the shares of the compute for plans with a teacher or with serving, and the
    tokens per parameter for other plans. A `FamilyPlan` has a line for each student.

    Args:
        flops: increasing budgets in FLOPs, shape `(budgets,)`.
        plan: a `SupervisedPlan`, `DistillationPlan` or `FamilyPlan` with budgets as first axis.
        draws: such a plan over the draws of a fit, with leaves of shape `(draws, budgets)`.
        decades: distance of each plan outside the fitted range in decades, shape `(budgets,)`; NaN
            where the range is unknown.
        unit: of the loss.
        title: the title above the figure.
    """
    taught = hasattr(plan, "teacher_loss")
    of_students = hasattr(plan, "student_losses")
    decades = where_planned(decades, np.isfinite(plan.loss))
    losses_of = {"student": "student_losses"} if of_students else {}
    with house_style():
        figure, ((sizes, tokens), (losses, shares)) = new_figure(2, 2, height=3.0)
        _lines(sizes, flops, plan, draws, _SIZES)
        _lines(tokens, flops, plan, draws, _TOKENS)
        own = _LOSSES | losses_of if taught else {"model": "loss"}
        _lines(losses, flops, plan, draws, own)
        if taught or np.any(plan.shares.serving > 0):
            _shares(shares, flops, plan)
        else:
            _tokens_per_parameter(shares, flops, plan, draws)
        quantity_axis(sizes.yaxis, "parameters")
        quantity_axis(tokens.yaxis, "training tokens")
        loss_axis(losses.yaxis, unit=unit)
        for axes in (sizes, tokens, losses, shares):
            flops_axis(axes.xaxis)
            axes.set_xlim(flops[0], flops[-1])
            shade_extrapolation(axes, flops, decades)
        for axes in (sizes, tokens, losses):
            if taught:
                legend_above(axes)
        explain_below(figure, decades, draws is not None, search_failed(plan.status))
        set_title(figure, title)
    return figure


def single_plan(
    plan: Tree,
    *,
    draws: Tree | None = None,
    ranges: Mapping[str, Tree] | None = None,
    title: str = "",
) -> Figure:
    """Draw the sizes and the tokens of one plan, and the shares of its compute.

    Args:
        plan: a `SupervisedPlan`, `DistillationPlan` or `FamilyPlan` with leaves of shape `()`.
        draws: such a plan over the draws of a fit, with leaves of shape `(draws,)`: thin lines.
        ranges: the `NearOptimalRange` of sizes and tokens by input name: thick lines.
        title: the title above the figure.
    """
    ranges = ranges or {}
    with house_style():
        figure, panels = new_figure(2, height=2.4)
        rows = [
            (f"{role}'s {what}", name, ROLES[role])
            for what, fields in (("parameters", _SIZES), ("tokens", _TOKENS))
            for role, name in fields.items()
            if np.isfinite(_drawn_numbers(plan, name)).any()
        ]
        numbers, shares = panels
        for row, (_, name, colour) in enumerate(rows):
            if name in ranges:
                ends = [float(ranges[name].low), float(ranges[name].high)]
                numbers.plot(ends, [row, row], color=colour, linewidth=7, alpha=0.35)
            if draws is not None:
                drawn = _of_solved(draws, getattr(draws, name))
                ends = np.nanquantile(drawn, [0.05, 0.95], axis=0)
                numbers.plot(ends, np.full(np.shape(ends), row), color=colour, linewidth=1.4)
            values = np.atleast_1d(getattr(plan, name))
            numbers.plot(values, np.full(values.shape, row), "o", color=colour, markersize=6)
            label = ", ".join(format_quantity(float(each)) for each in np.sort(values))
            at = (float(np.exp(np.log(values).mean())), row)
            numbers.annotate(label, at, xytext=(0, 6), textcoords="offset points", ha="center")
        numbers.set_yticks(range(len(rows)), [words for words, _, _ in rows])
        numbers.set_ylim(len(rows) - 0.4, -0.9)
        quantity_axis(numbers.xaxis, "parameters, tokens")
        numbers.margins(x=0.15)
        _one_stack(shares, plan)
        notes = ["thick lines: near-optimal range"] * bool(ranges)
        notes += ["thin lines: central 90% of the fit's draws"] * (draws is not None)
        if notes:
            with_lines_below(figure, ["; ".join(notes)])
        set_title(figure, title)
    return figure


def _one_stack(axes: Axes, plan: Tree) -> None:
    """The shares of the compute of one plan, as bars with their values."""
    paid = _paid(plan)
    for row, (name, (_, colour)) in enumerate(paid.items()):
        share = float(plan.shares[name])
        axes.barh(row, share, color=colour, alpha=0.8, height=0.6)
        inside = share > 0.8
        axes.annotate(
            f"{100 * share:.3g}%",
            (share, row),
            xytext=(-4 if inside else 4, 0),
            textcoords="offset points",
            ha="right" if inside else "left",
            va="center",
            color="white" if inside else None,
        )
    axes.set_yticks(range(len(paid)), [words for words, _ in paid.values()])
    axes.set_ylim(len(paid) - 0.4, -0.6)
    share_axis(axes.xaxis, "share of the compute")
