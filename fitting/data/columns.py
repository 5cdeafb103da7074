"""The columns of a table by this project's names, each cell as it was read and as a number."""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np

from fitting.data.table_files import Table
from jaxlaws.foundations.errors import DataError
from jaxlaws.foundations.quantities import parse_quantity
from jaxlaws.inputs import INPUTS

OUTCOME = "loss"


@dataclasses.dataclass(frozen=True, eq=False)
class Columns:
    """What stands in a table.

    Attributes:
        numbers: of inputs and the outcome, by our names, NaN where a cell holds none.
        others: the other columns by their own names, numbers or texts.
        cells: of inputs and the outcome, as read.
        titles: the table's name of each of these.
    """

    numbers: Mapping[str, np.ndarray]
    others: Mapping[str, np.ndarray]
    cells: Mapping[str, np.ndarray]
    titles: Mapping[str, str]

    @classmethod
    def of(cls, table: Table, names: Mapping[str, str]) -> "Columns":
        """Those of a table.

        Args:
            table: as read.
            names: the table's name for each of ours that differs.

        Raises:
            ValueError: `names` has one that is none of ours.
            DataError: the table has no such column, or none of the outcome.
        """
        ours = [*INPUTS, OUTCOME]
        for name, theirs in names.items():
            if name not in ours:
                raise ValueError(
                    f"no input {name!r}{hint(name, ours)}; there are {', '.join(ours)}"
                )
            if theirs not in table.columns:
                raise DataError(
                    f"{table.source} has no column {theirs!r}{hint(theirs, table.columns)}; it has "
                    f"{', '.join(table.columns)}"
                )
        titles = {name: names.get(name, name) for name in ours}
        titles = {name: theirs for name, theirs in titles.items() if theirs in table.columns}
        cells = {name: _objects(table.columns[theirs]) for name, theirs in titles.items()}
        taken = set(titles.values())
        others = {
            name: unchanging(_plain(values))
            for name, values in table.columns.items()
            if name not in taken
        }
        if OUTCOME not in titles:
            raise missing_columns(table.source, [OUTCOME], titles, others)
        numbers = {
            name: unchanging(np.array([number_or_nan(cell) for cell in each]))
            for name, each in cells.items()
        }
        return cls(numbers, others, cells, titles)


def missing_columns(
    source: str, missing: Sequence[str], titles: Mapping[str, str], others: Iterable[str]
) -> DataError:
    """The error that some columns are missing, with how to say which of the others they are."""
    others, name = list(others), missing[0]
    close = get_close_matches(name, others, n=1) or ["THEIR_NAME"]
    return DataError(
        f"{source} has no column {', '.join(missing)}{hint(name, others)}; it has "
        f"{', '.join([*titles.values(), *others])}. Say which is which: "
        f"columns={{{name!r}: {close[0]!r}}}, or --column {name}={close[0]}"
    )


def hint(name: str, known: Iterable[str]) -> str:
    """The nearest of the known names, as a question for the end of a sentence."""
    close = get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def unchanging(array: np.ndarray) -> np.ndarray:
    """The array itself, which from now on nobody can write to."""
    array.setflags(write=False)
    return array


def _objects(values: Sequence[Any]) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _plain(values: Sequence[Any]) -> np.ndarray:
    """Numbers where every cell that is filled holds one, texts otherwise."""
    try:
        return np.array([np.nan if is_missing(v) else float(v) for v in values])
    except (TypeError, ValueError):
        return np.array(["" if v is None else str(v) for v in values])


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
