"""Figure of the loss against the cost of serving."""

import numpy as np
from matplotlib.figure import Figure

from jaxlaws.figures.style import (
    COLOURS,
    FAILED,
    house_style,
    line_with_band,
    new_figure,
    quantity_axis,
)
from jaxlaws.planning.decisions.pareto_frontier import Frontier
from jaxlaws.planning.engine.status import search_failed


def loss_against_serving(frontier: Frontier, *, title: str = "") -> Figure:
    """Draw the loss of each size, with and without a teacher, against its serving cost.

    The Pareto-optimal sizes are marked: no smaller model has as low a loss. Crosses are plans whose
    search failed.

    Args:
        frontier: the result of `planning.serving_frontier` for one budget, leaves of shape
            `(sizes,)`.
        title: the title above the figure.
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
            label="Pareto-optimal",
        )
        for plan, colour, label in (
            (frontier.supervised, COLOURS[0], "without a teacher"),
            (frontier.distilled, COLOURS[2], "distilled"),
        ):
            failed = search_failed(plan.status)
            line_with_band(axes, cost, plan.loss, failed=failed, color=colour, label=label)
            if failed.any():
                figure.supxlabel(FAILED, fontsize=8, color="0.35")
        last = np.flatnonzero(keep)[-1:]
        axes.plot(cost[last], frontier.loss[last], "o", color="0.2", label="lowest loss")
        quantity_axis(axes.xaxis, "serving cost, FLOPs per token")
        axes.set_ylabel("loss")
        axes.set_xlim(cost[0], cost[-1])
        axes.legend()
        figure.suptitle(title)
    return figure
