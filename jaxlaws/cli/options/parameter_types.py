"""Types of option values: quantities, sweeps of quantities, and lists of quantities."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.quantities import parse_quantity

if TYPE_CHECKING:
    from jaxlaws.planning import Hardware

MOST_SWEPT = 10_000_000


class Parsed(click.ParamType):
    """A type of option values that a function reads from the user's text.

    Args:
        name: how the help of an option describes the value.
        parse: returns the value of a text. It raises ValueError for a text that it cannot read.
    """

    def __init__(self, name: str, parse: Callable[[str], object]) -> None:
        self.name, self.parse = name, parse

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> object:
        """The value of a text; a value that is not a text is already parsed."""
        if not isinstance(value, str):
            return value
        try:
            return self.parse(value)
        except (ValueError, OSError) as error:
            self.fail(str(error), param, ctx)


def positive(text: str) -> float:
    """A quantity above zero, such as 1e22, 3.5e9, 1B or 20T."""
    number = _finite(text)
    if number <= 0:
        raise ValueError(f"{text!r} must be above zero")
    return number


def non_negative(text: str) -> float:
    """A quantity above zero, or 0."""
    number = _finite(text)
    if number < 0:
        raise ValueError(f"{text!r} must not be negative")
    return number


def _finite(text: str) -> float:
    number = parse_quantity(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:50]!r} is too large: write a number below 1.8e308")
    return number


class FiniteRange(click.FloatRange):
    """A range of finite numbers; `click.FloatRange` lets NaN pass."""

    def convert(
        self, value: Tree, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number that a text describes."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not finite", param, ctx)
        return number


def sweep(text: str, quantity: Callable[[str], float] = positive) -> Array:
    """A quantity, or for `low:high:count` an array that is evenly spaced on a log scale."""
    if ":" not in text:
        return quantity(text)
    import numpy as np

    parts = text.split(":")
    if len(parts) != 3 or not parts[2].isdecimal() or len(parts[2]) > 9 or int(parts[2]) < 2:
        raise ValueError(f"{text!r} is not a sweep: write low:high:count, such as 1e19:1e26:8")
    if int(parts[2]) > MOST_SWEPT:
        raise ValueError(f"{text!r}: a sweep has at most {MOST_SWEPT:,} values")
    low, high = positive(parts[0]), positive(parts[1])
    if not low < high:
        raise ValueError(f"{text!r}: the sweep must rise, from a low to a high value")
    return np.geomspace(low, high, int(parts[2]))


def long_sweep(text: str) -> Array:
    """As `sweep`; more values than an array may have are `LogSpaced`, for a data set of plans."""
    low, _, rest = text.partition(":")
    high, _, count = rest.partition(":")
    if not count.isdecimal() or len(count) > 9 or int(count) <= MOST_SWEPT:
        return sweep(text)
    from jaxlaws.planning import LogSpaced

    return LogSpaced(positive(low), positive(high), int(count))


def sweep_or_list(text: str) -> Array:
    """A quantity, a sweep, or for quantities with commas between them a tuple."""
    if "," not in text:
        return sweep(text)
    if ":" in text:
        raise ValueError(f"{text!r}: give a list or a sweep, not both")
    return tuple(positive(part) for part in text.split(","))


def hardware(text: str) -> "Hardware":
    """Dollars an hour, peak FLOPs a second and utilisation, such as `2.5:1e15:0.45`."""
    from jaxlaws.planning import Hardware

    try:
        price, peak, utilisation = (positive(part) for part in text.split(":"))
        if utilisation > 1:
            raise ValueError("a utilisation is at most 1")
    except ValueError:
        raise ValueError(
            f"write dollars an hour, peak FLOPs a second and utilisation, with colons between "
            f"them, such as 2.5:1e15:0.45; got {text!r}"
        ) from None
    return Hardware(dollars_per_hour=price, flops_per_second=peak, utilisation=utilisation)


QUANTITY = Parsed("quantity", positive)
QUANTITY_OR_ZERO = Parsed("quantity", non_negative)
SWEEP = Parsed("quantity|low:high:count", sweep)
LONG_SWEEP = Parsed("quantity|low:high:count", long_sweep)
SWEEP_OR_ZERO = Parsed("quantity|low:high:count", lambda text: sweep(text, non_negative))
SWEEP_OR_NEGATIVE = Parsed("quantity|low:high:count", lambda text: sweep(text, _finite))
SWEEP_OR_LIST = Parsed("quantity|low:high:count|a,b,c", sweep_or_list)
HARDWARE = Parsed("$/hour:FLOPs/s:utilisation", hardware)
