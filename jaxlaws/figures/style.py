"""What the pictures have in common: colours, settings, axes of quantities, bands, shades."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from jaxlaws.foundations.quantities import format_quantity

# Okabe and Ito's palette, told apart by colour-blind readers too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

_SETTINGS: Any = {
    "axes.grid": True,
    "axes.prop_cycle": cycler(color=COLOURS),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 9.0,
    "grid.alpha": 0.3,
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "savefig.bbox": "tight",
    "svg.fonttype": "path",
    "svg.hashsalt": "jaxlaws",  # the same picture gives the same file
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in the house's style, the user's own settings untouched."""
    with mpl.rc_context(_SETTINGS):
        yield


def new_figure(
    columns: int = 1, rows: int = 1, *, width: float = 4.2, height: float = 3.2
) -> tuple[Figure, Any]:
    """A figure that no window keeps alive, and its axes, side by side and in rows."""
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    return figure, figure.subplots(rows, columns)


def quantity_axis(axis: Any, label: str) -> None:
    """Log scale with ticks as people write them: 100M, 1B; on a short one 200M, 500M too."""

    def between(value: float, _: Any) -> str:
        low, high = axis.get_view_interval()
        short = high < 50 * low
        return format_quantity(value) if short and f"{value:e}"[0] in "25" else ""

    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    axis.set_major_formatter(FuncFormatter(lambda value, _: format_quantity(value)))
    axis.set_minor_formatter(FuncFormatter(between))
    axis.set_label_text(label)


def line_with_band(
    axes: Axes, x: np.ndarray, y: np.ndarray, *, draws: np.ndarray | None = None, **style: Any
) -> None:
    """A line, and a band of the central 90% of draws.

    Args:
        axes: where.
        x: shape `(points,)`.
        y: likewise.
        draws: shape `(draws, points)`, or None; what is not finite is left out.
        **style: of the line.
    """
    (line,) = axes.plot(x, y, **style)
    if draws is None:
        return
    there = np.isfinite(draws).any(axis=0)
    low, high = np.full((2, len(x)), np.nan)
    if there.any():
        low[there], high[there] = np.nanquantile(draws[:, there], [0.05, 0.95], axis=0)
    colour = line.get_color()
    axes.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)


def shade_extrapolation(axes: Axes, x: np.ndarray, decades: np.ndarray | None) -> None:
    """Shade where points lie outside the fitted range, and where that is not known.

    Args:
        axes: with a log scale along x.
        x: rising, shape `(points,)`.
        decades: to the fitted range, likewise: 0 inside, NaN unknown; None shades nothing.
    """
    if decades is None:
        return
    edges = np.concatenate([x[:1], np.sqrt(x[:-1] * x[1:]), x[-1:]]).tolist()
    looks: list[tuple[np.ndarray, dict[str, Any]]] = [
        (decades > 0, {"color": "0.92"}),
        (np.isnan(decades), {"facecolor": "none", "edgecolor": "0.88", "hatch": "///"}),
    ]
    for outside, look in looks:
        steps = np.flatnonzero(np.diff(np.concatenate([[False], outside, [False]]).astype(int)))
        for begin, end in steps.reshape(-1, 2):
            axes.axvspan(edges[begin], edges[end], zorder=0, linewidth=0, **look)
    axes.set_xlim(x[0], x[-1])
