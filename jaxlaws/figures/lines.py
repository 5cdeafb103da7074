"""Lines with bands, marks of plans that are not solved, and the shading of extrapolation."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.typing import ColorType

from jaxlaws.figures.style import RULE
from jaxlaws.foundations.text.cells import INSIDE


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
        (decades > np.log10(INSIDE), {"color": RULE, "alpha": 0.18}),
        (np.isnan(decades), {"facecolor": "none", "edgecolor": RULE, "alpha": 0.3, "hatch": "///"}),
    ):
        steps = np.flatnonzero(np.diff(np.concatenate([[False], outside, [False]]).astype(int)))
        for begin, end in steps.reshape(-1, 2):
            axes.axvspan(edges[begin], edges[end]).set(zorder=0, linewidth=0, **look)
    axes.set_xlim(x[0], x[-1])
