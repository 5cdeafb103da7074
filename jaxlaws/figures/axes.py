"""Axes of quantities, losses and shares, legends beside the data, and colour bars."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure
from matplotlib.ticker import Formatter, Locator, MaxNLocator, NullLocator, PercentFormatter

from jaxlaws.figures.style import SMALL
from jaxlaws.foundations.quantities import format_flops, format_quantity

COMPUTE = "compute (FLOPs)"
_NO_SUFFIX = 1e15  # from here on a count has no suffix
_FEWEST, _MOST = 3, 7  # labelled ticks
# Leading digits of ticks, from few to many.
_DIGITS = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0))


class _LogTicks(Locator):
    """Three to seven ticks with round numbers on a log axis, however short or long it is."""

    def __call__(self) -> Sequence[float]:
        axis = self.axis
        return [] if axis is None else self.tick_values(*sorted(axis.get_view_interval()))

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        """The ticks between two values; see `log_ticks`."""
        return log_ticks(vmin, vmax)


def log_ticks(low: float, high: float) -> list[float]:
    """Three to seven round numbers between two values, evenly spaced on a log axis if possible.

    >>> log_ticks(2e18, 3e24), log_ticks(18.0, 26.0)
    ([1e+19, 1e+20, 1e+21, 1e+22, 1e+23, 1e+24], [18.0, 20.0, 22.0, 24.0, 26.0])
    """
    if not 0 < low < high < math.inf:
        return []
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    slack = 1e-9 * low

    def inside(values: Sequence[float]) -> list[float]:
        return [value for value in values if low - slack <= value <= high * (1 + 1e-9)]

    for digits in _DIGITS:
        ticks = inside([float(f"{d}e{e}") for e in range(first, last + 1) for d in digits])
        stride = math.ceil(len(ticks) / _MOST)
        if len(ticks) >= _FEWEST and (digits == _DIGITS[0] or stride == 1):
            return ticks[(len(ticks) - 1) % stride // 2 :: stride]
    return inside([*map(float, MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))])


class _Labels(Formatter):
    """Labels of ticks with as many digits as tell them apart."""

    def __init__(self, text: Callable[[float, int], str]) -> None:
        self.text = text

    def __call__(self, x: float, pos: int | None = None) -> str:
        return self.text(x, 3)

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """The labels of all ticks of an axis."""
        labels: list[str] = []
        text = format_flops if max(values, default=0) >= _NO_SUFFIX else self.text
        for digits in range(3, 8):
            labels = [text(value, digits) for value in values]
            exact = all(
                math.isclose(float(f"{value:.{digits}g}"), value, rel_tol=1e-9) for value in values
            )
            if exact and len(set(labels)) == len(labels):
                break
        return labels


def quantity_axis(axis: XAxis | YAxis, label: str) -> None:
    """Give an axis a log scale, a label, and ticks such as 100M and 7B.

    An axis that goes beyond 999T has exponents on all ticks.
    """
    _log_axis(axis, label, format_quantity)


def flops_axis(axis: XAxis | YAxis, label: str = COMPUTE) -> None:
    """Give an axis a log scale, a label, and ticks such as 1e12, for FLOPs."""
    _log_axis(axis, label, format_flops)


def _log_axis(axis: XAxis | YAxis, label: str, text: Callable[[float, int], str]) -> None:
    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    axis.set_major_locator(_LogTicks())
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(_Labels(text))
    axis.set_label_text(label)


def loss_axis(
    axis: XAxis | YAxis, label: str = "loss", unit: str = "nats", *, num_ticks: int = 4
) -> None:
    """Give an axis of losses its label with the unit, and at least a number of ticks."""
    axis.set_major_locator(MaxNLocator(num_ticks + 2, min_n_ticks=num_ticks))
    axis.set_label_text(f"{label} ({unit})" if unit else label)


def share_axis(axis: XAxis | YAxis, label: str) -> None:
    """Give an axis of shares the range from 0 to 100%."""
    axis.axes.set(**{f"{axis.axis_name}lim": (0, 1)})
    axis.set_major_locator(MaxNLocator(4))
    axis.set_major_formatter(PercentFormatter(1))
    axis.set_label_text(label)


def legend_above(axes: Axes, title: str = "", *, is_stack: bool = False) -> None:
    """Put the legend above the axes, where it covers no data.

    Args:
        axes: the axes; without labels they get no legend.
        title: of the legend.
        is_stack: whether the entries are areas stacked on each other. They are then one below the
            other, in the order of the stack.
    """
    handles, labels = axes.get_legend_handles_labels()
    if not labels:
        return
    columns = 1
    if is_stack:
        handles, labels = handles[::-1], labels[::-1]
    else:
        figure, parent = axes.get_figure(root=True), axes.get_subplotspec()
        width = figure.get_figwidth() if figure is not None else 4.0
        width /= parent.get_gridspec().ncols if parent is not None else 1
        entry = 0.48 + 0.062 * max(map(len, labels))  # inches
        columns = max(1, min(len(labels), int((width - 0.3) / entry)))
    axes.legend(
        handles,
        labels,
        title=title or None,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=columns,
        alignment="left",
        fontsize=SMALL,
        borderaxespad=0.2,
        borderpad=0.2,
        labelspacing=0.3,
        columnspacing=1.2,
        handlelength=1.6,
    )


def named_in_legend(count: int, most: int = 8) -> set[int]:
    """The indices of the lines that a legend names: all of a few, evenly spaced ones of many.

    >>> sorted(named_in_legend(20, 4))
    [0, 6, 13, 19]
    """
    return {round(index) for index in np.linspace(0, count - 1, min(count, most)).tolist()}


def colour_bar(
    figure: Figure, mappable: ScalarMappable, axes: Axes | Sequence[Axes], label: str
) -> Colorbar:
    """A colour bar, with an extension mark at each end that values exceed."""
    values, norm = np.asarray(mappable.get_array(), dtype=float), mappable.norm
    below = bool(np.any(values < norm.vmin))
    above = bool(np.any(values > norm.vmax))
    extend = {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}[below, above]
    return figure.colorbar(mappable, ax=axes, label=label, extend=extend)
