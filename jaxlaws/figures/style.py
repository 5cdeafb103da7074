"""The look of all figures: settings, colours, titles and notes. Only this module saves figures."""

import base64
import io
import os
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from jaxlaws.foundations.annotations import Tree
from jaxlaws.foundations.text.escaping import figure_text

# The palette of Okabe and Ito, which colour-blind readers can distinguish.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

# One colour for each role, in every panel of every figure.
ROLES = {
    "model": "#0072B2",  # trained without a teacher, on the best number of tokens
    "overtrain": "#D55E00",
    "student": "#009E73",
    "teacher": "#CC79A7",
    "logits": "#E69F00",
    "serving": "#56B4E9",
    "data": "#8C8C8C",
}

# What the shares of the compute of a plan pay for.
PAID = {
    "student": "the student's training",
    "logits": "the teacher's logits",
    "teacher": "the teacher's training",
    "serving": "serving",
    "data": "data",
}

INK, NOTE, RULE = "#262626", "#595959", "#8C8C8C"  # text and axes; notes; lines of reference
PANEL_WIDTH = 4.4  # inches: on the screen of a telephone a panel has about this width
SMALL = 8.0  # size of the text of legends and notes, points

# What `mark_failed` draws.
FAILED = "crosses: not solved, a better plan may exist (on the x axis: not known)"

_METADATA: dict[str, dict[str, None]] = {
    "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
    "png": {"Software": None},
    "pdf": {"Creator": None, "Producer": None, "CreationDate": None},
}


@contextmanager
def house_style() -> Iterator[None]:
    """Use the style of the project inside a `with` block. The user's own settings do not change."""
    with mpl.rc_context(
        {
            "axes.axisbelow": True,
            "axes.edgecolor": INK,
            "axes.facecolor": "none",  # a figure has one background
            "axes.formatter.useoffset": False,
            "axes.grid": True,
            "axes.labelcolor": INK,
            "axes.prop_cycle": cycler(color=COLOURS),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlesize": 9.0,
            "font.size": 9.0,
            "grid.alpha": 0.3,
            "grid.linewidth": 0.5,
            "legend.fontsize": SMALL,
            "legend.frameon": False,
            "legend.title_fontsize": SMALL,
            "lines.linewidth": 1.6,
            "savefig.bbox": "tight",
            "svg.fonttype": "path",
            "svg.hashsalt": "jaxlaws",  # the same figure always gives the same file
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
        }
    ):
        yield


def new_figure(
    columns: int = 1, rows: int = 1, *, width: float = PANEL_WIDTH, height: float = 3.3
) -> tuple[Figure, Tree]:
    """Return a figure without a window, and its axes: one, or an array of rows and columns.

    Args:
        columns: number of axes in a row.
        rows: number of rows.
        width: width of each axes, in inches.
        height: height of each axes, in inches.
    """
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    return figure, figure.subplots(rows, columns)


def ordered_colours(count: int) -> list[str]:
    """As many colours as there are ordered things, such as sizes: from blue to light green.

    Each of them can be seen on white and on black.

    >>> len(set(ordered_colours(20)))
    20
    """
    scale = mpl.colormaps["viridis"](np.linspace(0.2, 0.9, max(count, 1)))
    return [to_hex(colour) for colour in scale]


def set_title(figure: Figure, title: str) -> None:
    """Put a title above a figure, in as many lines as it takes."""
    if title:
        width = int(14 * figure.get_figwidth())
        figure.suptitle(textwrap.fill(title, width), x=0.01, ha="left", fontsize=10)


def with_lines_below(figure: Figure, lines: Sequence[str]) -> Figure:
    """Add lines of text below a figure, after the lines that are there; long lines are wrapped."""
    if lines:
        width = int(16 * figure.get_figwidth())
        wrapped = [part for line in lines for part in textwrap.wrap(line, width)]
        text = "\n".join([*filter(None, [figure.get_supxlabel()]), *map(figure_text, wrapped)])
        figure.supxlabel(text, x=0.01, ha="left", fontsize=SMALL, color=NOTE)
    return figure


def notes_of(figure: Figure) -> str:
    """The lines below a figure, in one line."""
    return " ".join(figure.get_supxlabel().split())


def save_figure(
    figure: Figure,
    file: str | os.PathLike[str] | BinaryIO,
    kind: str = "",
    **options: Tree,
) -> None:
    """Write a figure to a file. The same figure always gives the same bytes.

    Args:
        figure: the figure.
        file: a path, or an open binary file.
        kind: "svg", "png" or "pdf"; by default as the path ends.
        options: further options of Matplotlib's `savefig`.
    """
    kind = kind or Path(str(file)).suffix[1:]
    with house_style():
        figure.savefig(file, format=kind, metadata=_METADATA[kind], **options)


def data_uri(figure: Figure, dpi: float = 144) -> str:
    """The picture as a data URL: an address for HTML that contains the whole picture."""
    picture = io.BytesIO()
    save_figure(figure, picture, "png", dpi=dpi)
    return f"data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()}"
