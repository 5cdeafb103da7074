"""Loss against the cost of serving a token."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from jaxlaws.figures.style import COLOURS, house_style, new_figure, quantity_axis


def loss_against_serving(frontier: Any, *, title: str = "") -> Figure:
    """What each size reaches, trained alone and distilled, and which of them are worth having.

    Args:
        frontier: a `planning.serving_frontier` of one budget.
        title: a line above.
    """
    cost, keep = frontier.inference_flops, frontier.efficient
    with house_style():
        figure, axes = new_figure(width=5.4, height=3.6)
        axes.plot(
            cost[keep],
            frontier.loss[keep],
            color="0.75",
            linewidth=6,
            solid_capstyle="round",
            label="worth having",
        )
        axes.plot(cost, frontier.supervised.loss, color=COLOURS[0], label="trained alone")
        axes.plot(cost, frontier.distilled.loss, color=COLOURS[2], label="distilled")
        last = np.flatnonzero(keep)[-1]
        axes.plot(cost[last], frontier.loss[last], "o", color="0.2", label="least loss")
        quantity_axis(axes.xaxis, "serving a token, FLOPs")
        axes.set_ylabel("loss")
        axes.set_xlim(cost[0], cost[-1])
        axes.legend()
        figure.suptitle(title)
    return figure
