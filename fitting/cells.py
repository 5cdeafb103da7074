"""One cell of a table of runs: the number in it, or why there is none."""

import math
from typing import Any

from jaxlaws.quantities import parse_quantity

_MISSING_TEXTS = frozenset({"", "nan", "na", "n/a", "null", "none"})


def is_missing(cell: Any) -> bool:
    """Whether nothing stands in a cell: None, NaN, or a text that tables have for it."""
    if isinstance(cell, str):
        return cell.strip().lower() in _MISSING_TEXTS
    return cell is None or cell != cell  # NaN, pandas' NaT


def positive_number(cell: Any) -> float:
    """The number in a cell, which must be finite and above zero.

    >>> positive_number("1.5B")
    1500000000.0

    Raises:
        ValueError: it is not; the message says why.
    """
    if is_missing(cell):
        raise ValueError("is missing")
    try:
        if isinstance(cell, bool):
            raise ValueError
        value = parse_quantity(cell) if isinstance(cell, str) else float(cell)
    except (TypeError, ValueError):
        if isinstance(cell, str) and "inf" in cell.lower():
            raise ValueError("is not finite") from None
        raise ValueError("is not a number") from None
    if not math.isfinite(value):
        raise ValueError("is not finite")
    if value <= 0:
        raise ValueError("is not above zero")
    return value


def number_or_nan(cell: Any) -> float:
    """The number in a cell, NaN where `positive_number` refuses it."""
    try:
        return positive_number(cell)
    except ValueError:
        return math.nan
