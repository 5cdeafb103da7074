"""How freely a size or a number of tokens may be chosen, against compute."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from jaxlaws.figures.style import house_style, new_figure, quantity_axis


def near_optimal_ranges(
    flops: np.ndarray,
    ranges: Sequence[tuple[float, Any]],
    *,
    of: str,
    label: str,
    title: str = "",
) -> Figure:
    """The best value of a variable along a sweep, and bands of what costs little.

    Args:
        flops: rising budgets, shape `(budgets,)`.
        ranges: pairs of the loss that may be lost and the `NearOptimalRange` for it, one value for
            each budget; the narrowest first.
        of: the variable by its input name.
        label: of its axis.
        title: a line above.
    """
    with house_style():
        figure, axes = new_figure(width=5.0, height=3.4)
        for index, (within, leeway) in enumerate(ranges):
            axes.fill_between(
                flops,
                leeway.low,
                leeway.high,
                color="C0",
                alpha=0.4 / (index + 1),
                linewidth=0,
                label=f"within {within:g} of the best loss",
            )
        axes.plot(flops, getattr(ranges[0][1].best, of), color="C0", label="best")
        quantity_axis(axes.xaxis, "compute, FLOPs")
        quantity_axis(axes.yaxis, label)
        axes.set_xlim(flops[0], flops[-1])
        axes.legend()
        figure.suptitle(title)
    return figure
