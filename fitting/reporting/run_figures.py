"""Figures of runs: their losses with the fitted law, and which of them decide a plan."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure

from fitting.data.predictions import predict
from fitting.data.run_sizes import extent
from fitting.data.runs import Runs
from fitting.design.run_influence import Influence
from jaxlaws.figures.axes import (
    colour_bar,
    flops_axis,
    legend_above,
    loss_axis,
    named_in_legend,
    quantity_axis,
)
from jaxlaws.figures.style import (
    INK,
    SMALL,
    house_style,
    new_figure,
    ordered_colours,
    set_title,
    with_lines_below,
)
from jaxlaws.foundations.law import Law
from jaxlaws.foundations.quantities import format_quantity

_PAIRS = (("num_params", "num_tokens"), ("num_student_params", "num_student_tokens"))
_MOST_CURVES = 60
_NUM_NAMED = 3  # runs that bear their number
_SMALLEST, _LARGEST = 10.0, 90.0  # areas of the points by influence, in square points


def has_sizes_and_tokens(law: Law) -> bool:
    """Whether a law takes the size and the tokens of a model, or of a student."""
    return any(set(pair) <= set(law.input_names) for pair in _PAIRS)


def loss_against_tokens_and_compute(
    law: Law, runs: Runs, *, unit: str = "nats", title: str = ""
) -> Figure:
    """Draw the loss of runs against their tokens and their compute, with the fitted law as curves.

    Each size has a colour, and a curve over the range of its tokens; so does each teacher of a
    size, and each value of a further input. Of very many curves some evenly spaced ones are drawn.
    Where most sizes have one run, each named size has a curve over the tokens of all runs.

    Args:
        law: a fitted law with one outcome that takes size and tokens, of a model or a student.
        runs: the runs of the fit.
        unit: of the loss.
        title: title of the figure.

    Raises:
        ValueError: the law takes other inputs.
    """
    if not has_sizes_and_tokens(law):
        raise ValueError(f"{type(law).__name__} does not take a size and tokens")
    size_name, token_name = next(pair for pair in _PAIRS if set(pair) <= set(law.input_names))
    sizes, tokens = runs.inputs[size_name], runs.inputs[token_name]
    flops = extent(runs, "flops")
    distinct = np.unique(sizes)
    colours = ordered_colours(len(distinct))
    named = named_in_legend(len(distinct))
    with house_style():
        figure, panels = new_figure(2, height=3.7)
        for axes, along in zip(panels, (tokens, flops), strict=True):
            for index, (size, colour) in enumerate(zip(distinct, colours, strict=True)):
                here = sizes == size
                label = format_quantity(float(size)) if index in named else None
                look = {"s": 16, "color": colour, "linewidths": 0, "label": label, "zorder": 2.5}
                axes.scatter(along[here], runs.loss[here], **look)
        drawn = _draw_curves(panels, law, runs, (size_name, token_name), flops, colours)
        quantity_axis(panels[0].xaxis, "training tokens")
        flops_axis(panels[1].xaxis, "training compute (FLOPs)")
        whose = "the student's parameters" if "student" in size_name else "parameters"
        for axes in panels:
            loss_axis(axes.yaxis, unit=unit)
            legend_above(axes, whose)
        notes = ["points: runs; curves: the fitted law"]
        notes += ["for each student size and teacher"] if "teacher_loss" in law.input_names else []
        notes += ["the compute of a student leaves out its teacher"] * ("student" in size_name)
        notes += ["some of the curves"] * (drawn > _MOST_CURVES)
        with_lines_below(figure, ["; ".join(notes)])
        set_title(figure, title)
    return figure


def _draw_curves(
    panels: tuple[Axes, Axes],
    law: Law,
    runs: Runs,
    names: tuple[str, str],
    flops: np.ndarray,
    colours: list[str],
) -> int:
    """A curve for each combination of the inputs other than the tokens; returns their number."""
    size_name, token_name = names
    fixed = [name for name in law.input_names if name != token_name]
    table = np.stack([runs.inputs[name] for name in fixed], axis=1)
    combinations, which = np.unique(table, axis=0, return_inverse=True)
    tokens, distinct = runs.inputs[token_name], np.unique(runs.inputs[size_name])
    ranges = [(index, tokens[which.ravel() == index]) for index in range(len(combinations))]
    several = [(index, each) for index, each in ranges if np.ptp(each) > 0]
    chosen = sorted(named_in_legend(len(several), _MOST_CURVES)) if several else []
    if 2 * len(several) < len(ranges):  # a curve through one run would be a point
        ranges, chosen = [(index, tokens) for index, _ in ranges], named_in_legend(len(ranges))
    else:
        ranges = several
    for place in chosen:
        index, own = ranges[place]
        here = which.ravel() == index
        line = np.geomspace(own.min(), own.max(), 60)
        values = dict(zip(fixed, combinations[index], strict=True))
        losses = predict(law, values | {token_name: line})
        colour = colours[int(np.searchsorted(distinct, values[size_name]))]
        # The compute of the table may differ from 6 N D.
        per_token = float(np.median(flops[here] / tokens[here]))
        for axes, along in zip(panels, (line, line * per_token), strict=True):
            axes.plot(along, losses, color=colour, linewidth=1.1, alpha=0.9)
    return len(ranges)


def runs_by_influence(found: Influence, *, title: str = "", unit: str = "") -> Figure:
    """Draw each run in the plane of size and tokens, coloured by the change if it is left out.

    Supervised and distilled runs have a panel each. Larger points have more influence; the largest
    bear the number of their row.

    Args:
        found: the influence of runs.
        title: of the figure.
        unit: of the quantity.

    Raises:
        ValueError: no run has a size and tokens.
    """
    panels = []
    for size_name, token_name in _PAIRS:
        whose = "the student's " if "student" in size_name else ""
        if {size_name, token_name} <= found.inputs.keys():
            sizes, tokens = found.inputs[size_name], found.inputs[token_name]
            here = np.flatnonzero(np.isfinite(sizes) & np.isfinite(tokens))
            panels += [(here, sizes, tokens, whose)] if len(here) else []
    if not panels:
        raise ValueError("there is no picture: the runs have no sizes and tokens")
    change = found.if_left_out
    most = float(np.max(np.abs(change))) or 1.0
    named = found.order[:_NUM_NAMED]
    norm = TwoSlopeNorm(0.0, -most, most)
    with house_style():
        figure, axes = new_figure(len(panels), width=5.6, height=3.9)
        for (here, sizes, tokens, whose), panel in zip(panels, np.atleast_1d(axes), strict=True):
            here = here[np.argsort(np.abs(change[here]))]  # the largest on top
            panel.scatter(
                sizes[here],
                tokens[here],
                c=change[here],
                s=_SMALLEST + (_LARGEST - _SMALLEST) * np.abs(change[here]) / most,
                cmap="PuOr",
                norm=norm,
                edgecolors=INK,
                linewidths=0.4,
            )
            _name_rows(panel, found, [place for place in named if place in here], sizes, tokens)
            quantity_axis(panel.xaxis, f"{whose}parameters")
            quantity_axis(panel.yaxis, f"{whose}training tokens")
        label = "change if the run is left out" + (f" ({unit})" if unit else "")
        colours = ScalarMappable(norm, "PuOr")
        colours.set_array(change)
        colour_bar(figure, colours, list(np.atleast_1d(axes)), label)
        with_lines_below(figure, ["points: runs; the larger, the more influence"])
        set_title(figure, title)
    return figure


def _name_rows(
    axes: Axes, found: Influence, places: Sequence[int], sizes: np.ndarray, tokens: np.ndarray
) -> None:
    """Write the rows of some runs beside them; runs at about the same point share a text."""
    near: dict[tuple[float, float], list[int]] = {}
    for place in places:
        point = (round(np.log10(sizes[place]), 1), round(np.log10(tokens[place]), 1))
        near.setdefault(point, []).append(place)
    for group in near.values():
        words = "row " if len(group) == 1 else "rows "
        axes.annotate(
            words + ", ".join(str(found.rows[place]) for place in group),
            (sizes[group[0]], tokens[group[0]]),
            textcoords="offset points",
            xytext=(6, 4),
            fontsize=SMALL,
        )
