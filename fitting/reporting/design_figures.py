"""The picture of runs to train next: where they are, and what they are expected to give."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxlaws.figures.axes import flops_axis, legend_above, quantity_axis, share_axis
from jaxlaws.figures.style import house_style, new_figure, ordered_colours, set_title
from jaxlaws.foundations.quantities import format_flops
from jaxlaws.foundations.text.cells import heading

if TYPE_CHECKING:
    from fitting.design.next_runs_answer import NextRuns


def runs_to_train(answer: "NextRuns", *, title: str = "") -> Figure:
    """Draw the runs to train among the runs of the fit, and the expected gain by cost.

    Args:
        answer: of `next_runs`.
        title: title of the figure.
    """
    colours = ordered_colours(2)
    with house_style():
        figure, panels = new_figure(2, height=3.4)
        names = list(answer.inputs)[:2]
        for values, colour, label, size in (
            (answer.known_inputs, colours[0], "runs of the fit", 14),
            (answer.inputs, colours[1], "runs to train", 34),
        ):
            x = values[names[0]]
            y = values[names[1]] if len(names) > 1 else np.zeros_like(x)
            panels[0].scatter(x, y, s=size, color=colour, linewidths=0, label=label, zorder=2.5)
        _scaled(panels[0], answer, names)
        legend_above(panels[0])
        spent = np.concatenate([[0.0], np.cumsum(answer.costs)])
        deviations = np.concatenate([[answer.sd], answer.sd_after])
        total = float(spent[-1])
        shares = spent / (total or 1.0)
        panels[1].plot(shares, deviations, color=colours[1], marker="o", markersize=4)
        share_axis(panels[1].xaxis, f"share of the cost of {format_flops(total)}")
        panels[1].set_ylabel("expected standard deviation")
        panels[1].set_ylim(bottom=0)
        set_title(figure, title)
    return figure


def _scaled(axes: Axes, answer: "NextRuns", names: list[str]) -> None:
    for axis, name in zip((axes.xaxis, axes.yaxis), names, strict=False):
        values = np.concatenate([answer.known_inputs[name], answer.inputs[name]])
        if np.all(values > 0):
            (flops_axis if name == "flops" else quantity_axis)(axis, heading(name))
        else:
            axis.set_label_text(heading(name))
