"""What the cells of a column hold: nothing, numbers, numbers that an input may have."""

from collections.abc import Sequence

import numpy as np

from jaxlaws.foundations.quantities import parse_quantity

_MISSING_TEXTS = frozenset({"", "nan", "na", "n/a", "null", "none"})
_FEWEST = 1e3  # parameters, tokens or FLOPs
_HIGHEST_OUTCOME = 1e3
_COUNTS = ("num_params", "num_tokens", "num_student_params", "num_student_tokens", "flops")


def is_missing(cell: object) -> bool:
    """Whether a cell is empty: None, NaN, or a text that tables use for empty cells."""
    if isinstance(cell, str):
        return cell.strip().lower() in _MISSING_TEXTS
    return cell is None or cell != cell  # NaN, and the NaT of pandas


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
        return parse_quantity(cell) if isinstance(cell, str) else float(cell)  # pyright: ignore
    except (TypeError, ValueError, OverflowError):
        return np.nan
