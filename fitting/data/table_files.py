"""Tables from CSV, JSON Lines, Parquet or a data frame, with cells not yet interpreted."""

import csv
import dataclasses
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from jaxlaws.foundations.errors import DataError

if TYPE_CHECKING:
    from narwhals.typing import IntoDataFrame

# What a table can be read from: a path, a mapping of columns, or a data frame.
TableSource: TypeAlias = "str | os.PathLike[str] | Mapping[str, Iterable[object]] | IntoDataFrame"


@dataclasses.dataclass(frozen=True)
class Table:
    """Cells as found: text from CSV, Python values elsewhere, None for an empty cell.

    Attributes:
        source: the table, as messages name it.
        columns: the cells of each column.
        rows: the number of each row, as a person counts: lines in a text file (the header of a
            CSV is line 1), rows from 1 elsewhere.
    """

    source: str
    columns: Mapping[str, Sequence[object]]
    rows: Sequence[int]


def read_table(source: TableSource) -> Table:
    """Read a path, a mapping of columns, or a data frame of any library that narwhals knows.

    Raises:
        DataError: the file does not hold a table of the type that its name says.
        TypeError: the source is not a path, a mapping or a data frame.
        OSError: the file cannot be opened.
    """
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        readers = {
            ".csv": _read_csv,
            ".tsv": _read_csv,
            ".jsonl": _read_json_lines,
            ".ndjson": _read_json_lines,
            ".parquet": _read_parquet,
        }
        reader = readers.get(path.suffix.lower())
        if reader is None:
            raise DataError(f"{path}: expected a file of type {', '.join(readers)}")
        table = reader(path)
    elif isinstance(source, Mapping):
        table = _from_columns("the table", source)
    else:
        table = _from_columns("the data frame", _frame_columns(source))
    if not table.rows:
        raise DataError(f"{table.source} has no rows")
    return table


def _from_columns(source: str, columns: Mapping[str, Iterable[object]]) -> Table:
    cells = {
        str(name): values.tolist() if isinstance(values, np.ndarray) else list(values)
        for name, values in columns.items()
    }
    lengths = {len(values) for values in cells.values()}
    if len(lengths) > 1:
        listed = ", ".join(f"{name} {len(values)}" for name, values in cells.items())
        raise DataError(f"{source} has columns of different lengths: {listed}")
    return Table(source, cells, range(1, 1 + max(lengths, default=0)))


def _frame_columns(frame: "IntoDataFrame") -> dict[str, list[object]]:
    import narwhals

    try:
        eager = narwhals.from_native(frame, eager_only=True)
    except TypeError:
        raise TypeError(
            f"expected a path, a mapping of columns or an eager data frame, got {type(frame)!r}"
        ) from None
    return {name: eager[name].to_list() for name in eager.columns}


def _read_csv(path: Path) -> Table:
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    records: list[list[str]] = []
    rows: list[int] = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            start = 1
            for record in reader:
                if any(cell.strip() for cell in record):
                    records.append([cell.strip() for cell in record])
                    rows.append(start)
                start = reader.line_num + 1
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not a table of text: {error}") from None
    if not records:
        raise DataError(f"{path} is empty")
    header, *records = records
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise DataError(f"{path}: the header repeats {', '.join(map(repr, repeated))}")
    for record, row in zip(records, rows[1:], strict=True):
        if len(record) != len(header):
            raise DataError(f"{path}: row {row} has {len(record)} cells, the header {len(header)}")
    columns = {name: [record[i] for record in records] for i, name in enumerate(header)}
    return Table(str(path), columns, rows[1:])


def _read_json_lines(path: Path) -> Table:
    records: list[dict[str, object]] = []
    rows: list[int] = []
    for row, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise DataError(f"{path}: row {row} is not JSON: {error}") from None
        if not isinstance(record, dict):
            raise DataError(f"{path}: row {row} is not a JSON object")
        records.append(record)
        rows.append(row)
    names = list(dict.fromkeys(name for record in records for name in record))
    columns = {name: [record.get(name) for record in records] for name in names}
    return Table(str(path), columns, rows)


def _read_parquet(path: Path) -> Table:
    try:
        from pyarrow import ArrowInvalid, parquet
    except ModuleNotFoundError:
        raise DataError(
            f"{path}: reading Parquet needs pyarrow: pip install 'jaxlaws[parquet]'"
        ) from None
    try:
        table = parquet.read_table(path)
    except ArrowInvalid as error:
        raise DataError(f"{path} is not a Parquet file: {error}") from None
    return _from_columns(str(path), table.to_pydict())
