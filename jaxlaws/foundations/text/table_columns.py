"""Answers as JSON, and as columns and rows of tables."""

import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec

import numpy as np

from jaxlaws.foundations.annotations import Array, Json, Tree
from jaxlaws.foundations.text.cells import cell
from jaxlaws.foundations.text.tables import Table

_FRAMES = ("pandas", "polars", "pyarrow")


def known(numbers: Array) -> Json:
    """An array as a number or a list, with None where a number is not finite."""
    array = np.asarray(numbers)
    return np.where(np.isfinite(array), array.astype(object), np.array(None)).tolist()


def plain_inputs(inputs: Mapping[str, Array]) -> dict[str, Json]:
    """Inputs as numbers and lists."""
    return {name: np.asarray(value).tolist() for name, value in inputs.items()}


def flat(document: Mapping[str, Json], prefix: str = "") -> dict[str, Json]:
    """Nested keys joined by dots."""
    joined: dict[str, Json] = {}
    for key, value in document.items():
        name = f"{prefix}{key}"
        joined |= flat(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
    return joined


def columns(document: Mapping[str, Json], shape: tuple[int, ...]) -> dict[str, list[Json]]:
    """A document as columns of one length.

    Args:
        document: its values are single values, or lists whose shape is `shape` or the first axes
            of `shape`. Such values are repeated along the other axes. Where a value has more axes,
            the cells are lists.
        shape: of the answers, such as budgets and students. There is one row for each.

    >>> columns({"flops": [1, 2], "loss": [[3.0, 2.9], [2.5, 2.4]]}, (2, 2))
    {'flops': [1, 1, 2, 2], 'loss': [3.0, 2.9, 2.5, 2.4]}
    """
    table = {}
    for name, value in flat(document).items():
        cells = np.array(value, dtype=object)
        if cells.ndim > len(shape):
            cells = _with_lists(cells, len(shape))
        cells = cells.reshape(cells.shape + (1,) * (len(shape) - cells.ndim))
        table[name] = np.broadcast_to(cells, shape).ravel().tolist()
    return table


def _with_lists(cells: np.ndarray, num_axes: int) -> np.ndarray:
    """An array of the first axes, whose entries are lists."""
    lists = np.empty(cells.shape[:num_axes], dtype=object)
    for index in np.ndindex(lists.shape):
        lists[index] = cells[index].tolist()
    return lists


def frame_of(table: Mapping[str, Sequence[Json]]) -> Tree:
    """Columns as a data frame of a library that is installed.

    It is pandas, polars or pyarrow; a library that the program has imported comes first.

    Raises:
        ModuleNotFoundError: none of the three is installed.
    """
    import narwhals

    for name in sorted(_FRAMES, key=lambda name: name not in sys.modules):
        if find_spec(name) is not None:
            return narwhals.from_dict(dict(table), backend=name).to_native()
    raise ModuleNotFoundError(
        "a data frame needs pandas, polars or pyarrow: pip install 'jaxlaws[parquet]'"
    )


def table_of(
    values: Mapping[str, Sequence[Json]],
    headings: Mapping[str, str],
    entries: str = "rows",
    most: int = 24,
) -> Table:
    """A table for people, with a note on the rows that are left out.

    Of a long table some evenly spaced rows are shown, the first and the last among them.

    Args:
        values: columns by name.
        headings: of the columns to show, by name.
        entries: what the rows are, such as "plans".
        most: number of rows to show of a table that is more than half longer.

    >>> table = table_of({"flops": [1e20] * 1000}, {"flops": "budget"}, "plans")
    >>> len(table.rows), table.rows[0], table.note
    (24, ['1e20'], '24 of 1000 plans are shown; -o writes all.')
    """
    length = len(values[next(iter(headings))])
    count = length if length <= 1.5 * most else most
    shown = sorted({round(row) for row in np.linspace(0, length - 1, count).tolist()})
    rows = [[cell(name, values[name][row]) for name in headings] for row in shown]
    left_out = f"{len(shown)} of {length} {entries} are shown; -o writes all."
    return Table(list(headings.values()), rows, left_out if len(shown) < length else "")
