"""Lines and maps of which the part beyond the runs that a law was fitted to can be recognised."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from jaxlaws.figures.lines import shade_extrapolation
from jaxlaws.figures.style import INK, RULE, with_lines_below
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.provenance import Preset
from jaxlaws.planning import extrapolation_decades

_GAINS = Normalize(-0.18, 0.18)  # the paper's scale of colours, nats


class Line(NamedTuple):
    """A line of a picture.

    Attributes:
        label: its name in the legend.
        colour: its colour.
        values: shape `(points,)`.
        is_beyond: true for points beyond the fitted range, shape `(points,)`.
        style: its line style.
    """

    label: str
    colour: str
    values: np.ndarray
    is_beyond: np.ndarray
    style: str = "-"


def beyond(known: Preset, plan: Tree) -> np.ndarray:
    """Return whether a plan, or inputs by name, are outside the range of the fitted runs."""
    return extrapolation_decades(plan, known.fitted_range or {}) > 0


def draw_lines(axes: Axes, x: np.ndarray, lines: Sequence[Line]) -> None:
    """Draw lines, pale where they are beyond the fitted range.

    Where all lines are beyond it, the background is grey.

    Args:
        axes: axes; the x axis gets the limits of `x`.
        x: increasing values, shape `(points,)`.
        lines: what to draw.
    """
    for line in lines:
        look: dict[str, Tree] = {"color": line.colour, "linestyle": line.style}
        inside = np.where(line.is_beyond, np.nan, line.values)
        axes.plot(x, line.values, alpha=0.4, linewidth=1.0, **look)
        axes.plot(x, inside, label=line.label, **look)
    all_beyond = np.all([line.is_beyond for line in lines], axis=0)
    shade_extrapolation(axes, x, all_beyond.astype(float))


def draw_gain(
    axes: Axes, x: np.ndarray, y: np.ndarray, gain: np.ndarray, is_beyond: np.ndarray
) -> ScalarMappable:
    """Draw a map of the gain from a teacher: blue is a gain, the black line is the crossover.

    Args:
        axes: the axes.
        x: values along x, shape `(rows, columns)`.
        y: values along y, shape `(rows, columns)`.
        gain: nats, shape `(rows, columns)`.
        is_beyond: true for points beyond the fitted range, shape `(rows, columns)`.
    """
    shades = axes.pcolormesh(x, y, gain, cmap="RdBu", norm=_GAINS, rasterized=True)
    levels = [-0.15, -0.1, -0.05, -0.025, 0.025, 0.05, 0.075, 0.1, 0.15]
    thin = axes.contour(x, y, gain, levels=levels, colors=INK, linewidths=0.4, linestyles="-")
    axes.clabel(thin, fontsize=6, fmt="%g")
    axes.contour(x, y, gain, levels=[0], colors="black", linewidths=1.4)
    shade_map(axes, x, y, is_beyond)
    return shades


def shade_map(axes: Axes, x: Array, y: Array, is_beyond: np.ndarray) -> None:
    """Hatch the part of a map that is beyond the fitted range."""
    if is_beyond.any():
        veil = axes.contourf(
            x, y, is_beyond.astype(float), levels=[0.5, 1.5], colors="none", hatches=["////"]
        )
        veil.set(edgecolor=RULE, linewidth=0.0)


def with_note(figure: Figure, *lines: str) -> Figure:
    """Add what all pictures have in common, and further lines, below a figure."""
    note = "pale, grey or hatched: beyond the runs that the law was fitted to"
    return with_lines_below(figure, [*lines, note])
