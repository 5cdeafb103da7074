"""The value in a cell of a table: a number, a text, or nothing."""

import math
from collections.abc import Sequence

import numpy as np

from jaxlaws.foundations.quantities import parse_quantity
from jaxlaws.inputs import Input

POSITIVE = Input("a number above zero")

_FEWEST = 1e3  # parameters, tokens or FLOPs
_HIGHEST_OUTCOME = 1e3
_COUNTS = ("num_params", "num_tokens", "num_student_params", "num_student_tokens", "flops")
_MISSING_TEXTS = frozenset({"", "nan", "na", "n/a", "null", "none"})


def is_missing(cell: object) -> bool:
    """Whether a cell is empty: None, NaN, or a text that tables use for empty cells."""
    if isinstance(cell, str):
        return cell.strip().lower() in _MISSING_TEXTS
    return cell is None or cell != cell  # NaN, and the NaT of pandas


def is_missing_or_text(cell: object) -> bool:
    """Whether a cell is empty, or holds a text that is not a number."""
    try:
        _number(cell)
    except (TypeError, ValueError, OverflowError):
        return is_missing(cell) or isinstance(cell, str)
    return is_missing(cell)


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
    except OverflowError:  # an integer of more than 300 digits
        raise ValueError("is not finite") from None
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


def numbers_in(cells: Sequence[object]) -> np.ndarray:
    """The numbers in cells, NaN where there is none, `(num_cells,)`."""
    return np.array([_number_or_nan(cell) for cell in cells], dtype=np.float64)


def has_numbers(cells: Sequence[object]) -> bool:
    """Whether at least half of the filled cells are numbers, and some cell is filled."""
    filled = [cell for cell in cells if not is_missing(cell)]
    return bool(filled) and 2 * np.isfinite(numbers_in(filled)).sum() >= len(filled)


def is_plausible(name: str, cells: Sequence[object], factor: float = 1.0) -> bool:
    """Whether cells can be values of an input or the outcome: a constant is not a token count.

    Args:
        name: of the input, or `loss`.
        cells: of a column.
        factor: what the numbers are multiplied by.
    """
    values = numbers_in(cells)
    values = factor * values[np.isfinite(values)]
    if not len(values) or np.any(values < 0):
        return False
    if len(values) > 2 and np.all(values == values[0]):
        return False
    if name in _COUNTS:
        return float(np.median(values)) >= _FEWEST
    return name != "loss" or float(np.max(values)) < _HIGHEST_OUTCOME


def _number_or_nan(cell: object) -> float:
    try:
        return _number(cell)
    except (TypeError, ValueError, OverflowError):
        return math.nan
