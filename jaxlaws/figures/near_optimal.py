"""Figure of near-optimal ranges of a size or a number of tokens, against compute."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from jaxlaws.figures.style import house_style, new_figure, quantity_axis
from jaxlaws.planning.analysis.near_optimal import NearOptimalRange


def near_optimal_ranges(
    flops: np.ndarray,
    ranges: Sequence[tuple[float, NearOptimalRange]],
    *,
    of: str,
    label: str,
    title: str = "",
) -> Figure:
    """Draw the best value of a variable along a sweep of budgets, with its near-optimal ranges.

    Args:
        flops: increasing budgets in FLOPs, shape `(budgets,)`.
        ranges: pairs of the accepted increase in loss, in nats per token, and the
            `NearOptimalRange` for it, with leaves of shape `(budgets,)`. The narrowest comes first.
        of: the variable, by its input name.
        label: label of the variable's axis.
        title: the title above the figure.
    """
    with house_style():
        figure, axes = new_figure(width=5.0, height=3.4)
        for index, (within, found) in enumerate(ranges):
            axes.fill_between(
                flops,
                found.low,
                found.high,
                color="C0",
                alpha=0.4 / (index + 1),
                linewidth=0,
                label=f"within {within:g} nats of the lowest loss",
            )
        axes.plot(flops, getattr(ranges[0][1].best, of), color="C0", label="best")
        quantity_axis(axes.xaxis, "compute, FLOPs")
        quantity_axis(axes.yaxis, label)
        axes.set_xlim(flops[0], flops[-1])
        axes.legend()
        figure.suptitle(title)
    return figure
