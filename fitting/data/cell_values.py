"""The value in a cell of a table: a number, a text, or nothing."""

import math

from jaxlaws.foundations.quantities import parse_quantity
from jaxlaws.inputs import Input

POSITIVE = Input("a number above zero")

_MISSING_TEXTS = frozenset({"", "nan", "na", "n/a", "null", "none"})


def is_missing(cell: object) -> bool:
    """Whether a cell is empty: None, NaN, or a text that tables use for empty cells."""
    if isinstance(cell, str):
        return cell.strip().lower() in _MISSING_TEXTS
    return cell is None or cell != cell  # NaN, and the NaT of pandas


def is_text(cell: object) -> bool:
    """Whether a cell holds a text that is not a number."""
    try:
        _number(cell)
    except (TypeError, ValueError):
        return isinstance(cell, str)
    return False


def positive_number(cell: object) -> float:
    """The number in a cell, which must be finite and above zero.

    >>> positive_number("1.5B")
    1500000000.0

    Raises:
        ValueError: the cell does not hold such a number; the message says why.
    """
    return input_number(cell, POSITIVE)


def input_number(cell: object, kind: Input) -> float:
    """The number in a cell, which must be a valid value of an input.

    >>> input_number("0", Input("share of code", may_be_zero=True, at_most=1))
    0.0

    Raises:
        ValueError: the cell does not hold such a number; the message says why.
    """
    if is_missing(cell):
        raise ValueError("is missing")
    try:
        value = _number(cell)
    except (TypeError, ValueError):
        if isinstance(cell, str) and "inf" in cell.lower():
            raise ValueError("is not finite") from None
        raise ValueError("is not a number") from None
    if not math.isfinite(value):
        raise ValueError("is not finite")
    if value < 0 and kind.may_be_zero and not kind.may_be_negative:
        raise ValueError("is below zero")
    if value <= 0 and not kind.has_zero:
        raise ValueError("is not above zero")
    if value > kind.at_most:
        raise ValueError(f"is above {kind.at_most:g}")
    return value


def _number(cell: object) -> float:
    if isinstance(cell, str):
        return parse_quantity(cell)
    if isinstance(cell, bool) or not hasattr(cell, "__float__"):
        raise TypeError
    return float(cell)  # pyright: ignore[reportArgumentType]
