"""What the pictures have in common: colours, axes of decades, lines with bands."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from jaxlaws.quantities import format_quantity

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


def new_figure(columns: int = 1, *, width: float = 4.2, height: float = 3.2) -> tuple[Figure, Any]:
    """A figure that no window keeps alive, and its axes side by side."""
    figure = Figure(figsize=(width * columns, height), layout="constrained")
    return figure, figure.subplots(1, columns)


def quantity_axis(axis: Any) -> None:
    """Log scale with ticks as people write them: 100M, 1B."""
    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    axis.set_major_formatter(FuncFormatter(lambda value, _: format_quantity(value)))
    axis.set_minor_formatter(FuncFormatter(lambda *_: ""))


def line_with_band(
    axes: Axes, x: np.ndarray, y: np.ndarray, *, draws: np.ndarray | None = None, **style: Any
) -> None:
    """A line, and the central 90% of `draws` (shape `(draws, *x.shape)`) as a band."""
    (line,) = axes.plot(x, y, **style)
    if draws is not None:
        low, high = np.nanquantile(draws, [0.05, 0.95], axis=0)
        axes.fill_between(x, low, high, color=line.get_color(), alpha=0.18, linewidth=0)
