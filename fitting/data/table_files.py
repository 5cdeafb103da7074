"""Tables from files, standard input or data frames, with cells not yet interpreted."""

import dataclasses
import functools
import gzip
import io
import os
import sys
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from fitting.data.formats.binary_tables import read_excel, read_parquet
from fitting.data.formats.json_tables import read_json_lines, read_json_table
from fitting.data.formats.markdown_tables import read_markdown_table
from fitting.data.formats.records import MOST_BYTES, Records
from fitting.data.formats.text_tables import read_text_table
from jaxlaws.foundations.errors import DataError
from jaxlaws.precision import is_traced

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
        notes: what a reader of the table must know, a sentence each.
    """

    source: str
    columns: Mapping[str, Sequence[object]]
    rows: Sequence[int]
    notes: tuple[str, ...] = ()


def read_table(source: TableSource) -> Table:
    """Read a path, a mapping of columns, or a data frame of any library that narwhals knows.

    A file may be CSV (with commas, semicolons, tabs or bars; with decimal commas or thousands
    separators; with comment lines after #), TSV, JSON, JSON Lines, Markdown, Parquet or Excel
    (.xlsx), and compressed with gzip. The path "-" is standard input.

    Raises:
        DataError: the file does not hold a table of the type that its name says.
        TypeError: the source is not a path, a mapping or a data frame, or a column is traced by
            JAX.
        OSError: the file cannot be opened.
    """
    if isinstance(source, (str, os.PathLike)):
        table = _read_file(source)
    elif isinstance(source, Mapping):
        if is_traced(*source.values()):
            raise TypeError(
                "the table has columns that JAX is tracing: tables are read and fitted outside of "
                "jit, grad and vmap. For a fit as a differentiable function of its losses, fit "
                "once and call fit_as_function(result, runs)."
            )
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


_READERS: dict[str, Callable[[bytes], Records]] = {
    ".csv": read_text_table,
    ".tsv": functools.partial(read_text_table, separator="\t"),
    ".txt": read_text_table,
    ".dat": read_text_table,
    ".json": read_json_table,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".md": read_markdown_table,
    ".markdown": read_markdown_table,
    ".parquet": read_parquet,
    ".xlsx": read_excel,
}
_MARKUP = (".tex", ".html", ".htm")


def _read_file(path: str | os.PathLike[str]) -> Table:
    if str(path) == "-":
        name, suffix, content = "standard input", "", sys.stdin.buffer.read(MOST_BYTES + 1)
    else:
        name, suffixes = str(path), [each.lower() for each in Path(path).suffixes]
        suffix = suffixes[-1] if suffixes else ""
        if suffix == ".gz":
            suffix = suffixes[-2] if len(suffixes) > 1 else ""
        if suffix in _MARKUP:
            suffix = ".txt"  # the reader says how to write it as CSV
        if suffix not in ("", *_READERS):
            raise DataError(f"{path}: expected a file of type {', '.join(_READERS)}, or .gz of one")
        with Path(path).open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    try:
        if content.startswith(b"\x1f\x8b"):
            content = _unpacked(content)
        if len(content) > MOST_BYTES:
            raise DataError(f"it has more than {MOST_BYTES // 2**20} MiB")
        reader = _READERS[suffix] if suffix else _reader_of(content)
        found = reader(content)
    except DataError as error:
        raise DataError(f"{name}: {error}") from None
    return Table(name, found.columns, found.rows, found.notes)


def _unpacked(content: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            return file.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"it is not a gzip file: {error}") from None


def _reader_of(content: bytes) -> Callable[[bytes], Records]:
    """The reader of a file without a suffix, by the first bytes of the file."""
    head = content[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    starts = {
        b"PAR1": ".parquet",
        b"PK\x03\x04": ".xlsx",
        b"[": ".json",
        b"{": ".json",
        b"|": ".md",
    }
    return _READERS[next((s for start, s in starts.items() if head.startswith(start)), ".csv")]
