"""Figure of near-optimal ranges of a size or a number of tokens, against compute."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from jaxlaws.figures.axes import flops_axis, legend_above, quantity_axis
from jaxlaws.figures.lines import line_with_band, shade_extrapolation
from jaxlaws.figures.plans import explain_below, where_planned
from jaxlaws.figures.style import ROLES, house_style, new_figure, set_title
from jaxlaws.planning.analysis.near_optimal import NearOptimalRange
from jaxlaws.planning.engine.status import search_failed


def near_optimal_ranges(
    flops: np.ndarray,
    ranges: Sequence[tuple[float, NearOptimalRange]],
    *,
    of: str,
    label: str,
    decades: np.ndarray | None = None,
    unit: str = "nats",
    title: str = "",
) -> Figure:
    """Draw the best value of a variable along a sweep of budgets, with its near-optimal ranges.

    Where the search for the best plan failed, there is a cross and no range.

    Args:
        flops: increasing budgets in FLOPs, shape `(budgets,)`.
        ranges: pairs of the accepted increase in loss, in nats per token, and the
            `NearOptimalRange` for it, with leaves of shape `(budgets,)`. The narrowest comes first.
        of: the variable, by its input name.
        label: label of the variable's axis.
        decades: distance of each best plan outside the fitted range in decades, `(budgets,)`.
        unit: of the loss.
        title: the title above the figure.
    """
    best = ranges[0][1].best
    failed = search_failed(best.status)
    role = next((each for each in ("teacher", "student") if each in of), "model")
    decades = where_planned(decades, np.isfinite(best.loss))
    with house_style():
        figure, axes = new_figure(width=5.0, height=3.6)
        values = getattr(best, of)
        line_with_band(axes, flops, values, failed=failed, color=ROLES[role], label="best")
        for index, (within, found) in enumerate(ranges):
            axes.fill_between(
                flops,
                np.where(failed, np.nan, found.low),
                np.where(failed, np.nan, found.high),
                color=ROLES[role],
                alpha=0.4 / (index + 1),
                linewidth=0,
                label=f"within {within:g} {unit} of the lowest loss".replace("  ", " "),
            )
        flops_axis(axes.xaxis)
        quantity_axis(axes.yaxis, label)
        axes.set_xlim(flops[0], flops[-1])
        shade_extrapolation(axes, flops, decades)
        legend_above(axes)
        explain_below(figure, decades, False, failed)
        set_title(figure, title)
    return figure
