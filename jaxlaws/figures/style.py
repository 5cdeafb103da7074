"""What the pictures have in common: colours and settings."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.figure import Figure

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
