"""Figure of near-optimal ranges of a size or a number of tokens, against compute."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from jaxlaws.figures.style import FAILED, house_style, line_with_band, new_figure, quantity_axis
from jaxlaws.planning.analysis.near_optimal import NearOptimalRange
from jaxlaws.planning.engine.status import search_failed


def near_optimal_ranges(
    flops: np.ndarray,
    ranges: Sequence[tuple[float, NearOptimalRange]],
    *,
    of: str,
    label: str,
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
        title: the title above the figure.
    """
    best = ranges[0][1].best
    failed = search_failed(best.status)
    with house_style():
        figure, axes = new_figure(width=5.0, height=3.4)
        for index, (within, found) in enumerate(ranges):
            axes.fill_between(
                flops,
                np.where(failed, np.nan, found.low),
                np.where(failed, np.nan, found.high),
                color="C0",
                alpha=0.4 / (index + 1),
                linewidth=0,
                label=f"within {within:g} nats of the lowest loss",
            )
        values = getattr(best, of)
        line_with_band(axes, flops, values, failed=failed, color="C0", label="best")
        quantity_axis(axes.xaxis, "compute, FLOPs")
        quantity_axis(axes.yaxis, label)
        axes.set_xlim(flops[0], flops[-1])
        axes.legend()
        if failed.any():
            figure.supxlabel(FAILED, fontsize=8, color="0.35")
        figure.suptitle(title)
    return figure
