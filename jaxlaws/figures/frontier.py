"""Figure of the loss against the cost of serving."""

import numpy as np
from matplotlib.figure import Figure

from jaxlaws.figures.axes import flops_axis, legend_above, loss_axis
from jaxlaws.figures.lines import line_with_band, shade_extrapolation
from jaxlaws.figures.plans import explain_below, where_planned
from jaxlaws.figures.style import INK, ROLES, house_style, new_figure, set_title
from jaxlaws.planning.decisions.pareto_frontier import Frontier
from jaxlaws.planning.engine.status import search_failed


def loss_against_serving(
    frontier: Frontier,
    *,
    decades: np.ndarray | None = None,
    unit: str = "nats",
    title: str = "",
) -> Figure:
    """Draw the loss of each size, with and without a teacher, against its serving cost.

    The Pareto-optimal sizes are marked: no smaller model has as low a loss. Crosses are plans whose
    search failed.

    Args:
        frontier: the result of `planning.serving_frontier` for one budget, leaves of shape
            `(sizes,)`.
        decades: distance of the better plan of each size outside the fitted range, `(sizes,)`.
        unit: of the loss.
        title: the title above the figure.
    """
    cost, keep = frontier.inference_flops, frontier.efficient
    decades = where_planned(decades, np.isfinite(frontier.loss))
    with house_style():
        figure, axes = new_figure(width=5.0, height=3.6)
        axes.plot(
            cost[keep],
            frontier.loss[keep],
            color="0.8",
            linewidth=6,
            solid_capstyle="round",
            label="Pareto-optimal",
        )
        any_failed = np.zeros(cost.shape, bool)
        for plan, colour, label in (
            (frontier.supervised, ROLES["model"], "without a teacher"),
            (frontier.distilled, ROLES["student"], "distilled"),
        ):
            failed = search_failed(plan.status)
            line_with_band(axes, cost, plan.loss, failed=failed, color=colour, label=label)
            any_failed |= failed
        last = np.flatnonzero(keep)[-1:]
        axes.plot(cost[last], frontier.loss[last], "o", color=INK, label="lowest loss")
        flops_axis(axes.xaxis, "serving cost (FLOPs per token)")
        loss_axis(axes.yaxis, unit=unit)
        axes.set_xlim(cost[0], cost[-1])
        shade_extrapolation(axes, cost, decades)
        legend_above(axes)
        explain_below(figure, decades, False, any_failed)
        set_title(figure, title)
    return figure
