"""Shared style of all figures: colours, settings, axes of quantities, bands and shading."""

import base64
import io
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from matplotlib.typing import ColorType

from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.foundations.text.escaping import figure_text

# The palette of Okabe and Ito, which colour-blind readers can distinguish.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

# What `mark_failed` draws.
FAILED = "crosses: not solved, a better plan may exist (on the x axis: not known)"


@contextmanager
def house_style() -> Iterator[None]:
    """Use the style of the project inside a `with` block. The user's own settings do not change."""
    with mpl.rc_context(
        {
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
            "svg.hashsalt": "jaxlaws",  # the same figure always gives the same file
        }
    ):
        yield


def new_figure(
    columns: int = 1, rows: int = 1, *, width: float = 4.2, height: float = 3.2
) -> tuple[Figure, Any]:
    """Return a figure without a window, and its axes: one, or an array of rows and columns.

    Args:
        columns: number of axes in a row.
        rows: number of rows.
        width: width of each axes, in inches.
        height: height of each axes, in inches.
    """
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    return figure, figure.subplots(rows, columns)


def data_uri(figure: Figure, dpi: float = 144) -> str:
    """The picture as an address that contains it, for HTML and Markdown."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=dpi)
    return f"data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()}"


def named_in_legend(count: int, most: int = 8) -> set[int]:
    """The indices of the lines that a legend names: all of a few, evenly spaced ones of many.

    >>> sorted(named_in_legend(20, 4))
    [0, 6, 13, 19]
    """
    return {round(index) for index in np.linspace(0, count - 1, min(count, most)).tolist()}


def quantity_axis(axis: XAxis | YAxis, label: str) -> None:
    """Give an axis a log scale, a label, and ticks such as 100M and 1B.

    A short axis has ticks such as 200M and 500M too.
    """

    def between(value: float, _: object) -> str:
        low, high = axis.get_view_interval()
        short = high < 50 * low
        return format_quantity(value) if short and f"{value:e}"[0] in "25" else ""

    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    axis.set_major_formatter(FuncFormatter(lambda value, _: format_quantity(value)))
    axis.set_minor_formatter(FuncFormatter(between))
    axis.set_label_text(label)


def with_lines_below(figure: Figure, lines: Sequence[str]) -> Figure:
    """Add lines of text below a figure, after the line that is there; long lines are wrapped."""
    if lines:
        width = int(15 * figure.get_figwidth())
        wrapped = [part for line in lines for part in textwrap.wrap(line, width)]
        text = "\n".join([*filter(None, [figure.get_supxlabel()]), *map(figure_text, wrapped)])
        figure.supxlabel(text, fontsize=8, color="0.35")
    return figure


def line_with_band(
    axes: Axes,
    x: np.ndarray,
    y: np.ndarray,
    *,
    draws: np.ndarray | None = None,
    failed: np.ndarray | None = None,
    label: str | None = None,
    color: str | None = None,
) -> None:
    """Draw a line, and a band with the central 90% of the draws.

    A point without neighbours is a dot.

    Args:
        axes: the axes to draw on.
        x: shape `(points,)`.
        y: shape `(points,)`.
        draws: shape `(draws, points)`, or None for no band. Values that are not finite are left
            out.
        failed: true where the search for a plan failed, shape `(points,)`. The line leaves these
            points out, and `mark_failed` marks them.
        label: label of the line in the legend.
        color: colour of the line and the band.
    """
    shown = y if failed is None else np.where(failed, np.nan, y)
    (line,) = axes.plot(x, shown, label=label, color=color)
    there = np.concatenate([[False], np.isfinite(shown), [False]])
    alone = there[1:-1] & ~there[:-2] & ~there[2:]
    if alone.any():
        axes.plot(x[alone], shown[alone], ".", color=line.get_color())
    if failed is not None:
        mark_failed(axes, x, y, failed, color=line.get_color())
    if draws is None:
        return
    there = np.isfinite(draws).any(axis=0)
    low, high = np.full((2, len(x)), np.nan)
    if there.any():
        low[there], high[there] = np.nanquantile(draws[:, there], [0.05, 0.95], axis=0)
    axes.fill_between(x, low, high, color=line.get_color(), alpha=0.2, linewidth=0)


def mark_failed(
    axes: Axes, x: np.ndarray, y: np.ndarray, failed: np.ndarray, *, color: ColorType = "0.25"
) -> None:
    """Draw a cross for each plan whose search failed: it is neither a solution nor ruled out.

    Args:
        axes: the axes to draw on.
        x: shape `(points,)`.
        y: shape `(points,)`. Where it is not finite, the cross is on the x axis.
        failed: `planning.search_failed` of the plans, shape `(points,)`.
        color: colour of the crosses.
    """
    known = failed & np.isfinite(y)
    unknown = failed & ~known
    look = {"color": color, "marker": "x", "markersize": 4, "linestyle": "none", "zorder": 3}
    if known.any():
        axes.plot(x[known], y[known], **look)
    if unknown.any():
        on_axis = {"transform": axes.get_xaxis_transform(), "clip_on": False}
        axes.plot(x[unknown], np.zeros(unknown.sum()), **look, **on_axis)


def shade_extrapolation(axes: Axes, x: np.ndarray, decades: np.ndarray | None) -> None:
    """Shade the points outside the fitted range, and hatch those where the range is unknown.

    Args:
        axes: axes with a log scale along x.
        x: increasing values, shape `(points,)`.
        decades: distance to the fitted range in decades, shape `(points,)`: 0 inside, NaN where the
            range is unknown. None shades nothing.
    """
    if decades is None:
        return
    edges = np.concatenate([x[:1], np.sqrt(x[:-1] * x[1:]), x[-1:]]).tolist()
    for outside, look in (
        (decades > 0, {"color": "0.92"}),
        (np.isnan(decades), {"facecolor": "none", "edgecolor": "0.88", "hatch": "///"}),
    ):
        steps = np.flatnonzero(np.diff(np.concatenate([[False], outside, [False]]).astype(int)))
        for begin, end in steps.reshape(-1, 2):
            axes.axvspan(edges[begin], edges[end]).set(zorder=0, linewidth=0, **look)
    axes.set_xlim(x[0], x[-1])
