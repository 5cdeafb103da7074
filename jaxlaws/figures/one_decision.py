"""Figure of one decision: the loss of each strategy, and what each spends the compute on."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxlaws.figures.axes import legend_above, loss_axis, share_axis
from jaxlaws.figures.decisions import STRATEGIES
from jaxlaws.figures.style import (
    FAILED,
    PAID,
    ROLES,
    house_style,
    new_figure,
    set_title,
    with_lines_below,
)
from jaxlaws.planning.decisions.comparison import Comparison
from jaxlaws.planning.engine.status import search_failed

_RULED_OUT = "rings: ruled out"
_DRAWS = "thin lines: central 90% of the fit's draws"


def single_decision(
    comparison: Comparison,
    *,
    draws: Comparison | None = None,
    unit: str = "nats",
    title: str = "",
) -> Figure:
    """Draw the loss of each strategy of one comparison, and the shares of its compute.

    A ring is a strategy that is ruled out, and a cross is a plan whose search failed. A strategy
    that the budget does not pay for has no mark.

    Args:
        comparison: the result of `planning.compare`, with leaves of shape `()`.
        draws: such a result over the draws of a fit, with leaves of shape `(draws,)`.
        unit: of the loss.
        title: the title above the figure.
    """
    names = [name for name in STRATEGIES if name in comparison.options]
    ringed = failed = False
    with house_style():
        figure, (losses, shares) = new_figure(2, height=1.2 + 0.35 * len(names))
        for row, name in enumerate(names):
            plan, colour = comparison.options[name], STRATEGIES[name][1]
            is_open, lost = not comparison.eligible[name], bool(search_failed(plan.status))
            ringed, failed = ringed or (is_open and not lost), failed or lost
            if draws is not None:
                drawn = draws.options[name].loss
                if np.isfinite(drawn).any():
                    ends = np.nanquantile(drawn, [0.05, 0.95])
                    losses.plot(ends, [row, row], color=colour, linewidth=1.4)
            look = {"color": colour, "markersize": 7}
            look |= {"markerfacecolor": "none"} if is_open else {}
            losses.plot(float(plan.loss), row, "x" if lost else "o", **look)
        words = [STRATEGIES[name][0] for name in names]
        losses.set_yticks(range(len(names)), words)
        loss_axis(losses.xaxis, unit=unit)
        losses.margins(x=0.15)
        _stacks(shares, comparison, names)
        for axes in (losses, shares):
            axes.set_ylim(len(names) - 0.4, -0.6)
        notes = [_RULED_OUT] * ringed + [FAILED] * failed + [_DRAWS] * (draws is not None)
        if notes:
            with_lines_below(figure, ["; ".join(notes)])
        set_title(figure, title)
    return figure


def _stacks(axes: Axes, comparison: Comparison, names: list[str]) -> None:
    """A bar for each strategy, of the shares of its compute."""
    plans = [comparison.options[name] for name in names]
    start = np.zeros(len(names))
    for part, words in PAID.items():
        each = np.array([float(plan.shares[part]) for plan in plans])
        each = np.where(np.isfinite(each), each, 0.0)
        if each.any():
            colour = ROLES["model" if part == "student" else part]
            labels = ["training" if part == "student" else words, *["_"] * (len(names) - 1)]
            axes.barh(range(len(names)), each, left=start, color=colour, height=0.6, label=labels)
            start += each
    axes.set_yticks(range(len(names)), [""] * len(names))
    share_axis(axes.xaxis, "share of the compute")
    legend_above(axes)
