"""Tables in binary files: Parquet and Excel."""

import io
import zipfile
from collections.abc import Sequence

from fitting.data.formats.records import (
    MOST_BYTES,
    Records,
    check_size,
    from_lines,
    plain_number,
)
from jaxlaws.foundations.errors import DataError


def read_parquet(content: bytes) -> Records:
    """Read a Parquet file.

    Raises:
        DataError: the content is not Parquet, or pyarrow is not installed.
    """
    try:
        from pyarrow import ArrowException, BufferReader, parquet
    except ModuleNotFoundError:
        raise DataError("reading Parquet needs pyarrow: pip install 'jaxlaws[parquet]'") from None
    try:
        with BufferReader(content) as source:
            file = parquet.ParquetFile(source)
            check_size(file.metadata.num_rows * file.metadata.num_columns)
            stored = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
            if sum(group.total_byte_size for group in stored) > 4 * MOST_BYTES:
                raise DataError(f"its columns take more than {4 * MOST_BYTES // 2**20} MiB")
            columns = file.read().to_pydict()
    except (ArrowException, OSError, ValueError, MemoryError, OverflowError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"it is not a Parquet file: {error}") from None
    length = max(map(len, columns.values()), default=0)
    return Records(columns, range(1, 1 + length))


def read_excel(content: bytes) -> Records:
    """Read the first sheet of an Excel file (.xlsx).

    Raises:
        DataError: the content is not such a file, or openpyxl is not installed.
    """
    try:
        import openpyxl
    except ModuleNotFoundError:
        raise DataError("reading Excel needs openpyxl: pip install 'jaxlaws[excel]'") from None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(each.file_size for each in packed.infolist()) > 4 * MOST_BYTES:
                raise DataError(f"it takes more than {4 * MOST_BYTES // 2**20} MiB unpacked")
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except DataError:
        raise
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, OSError, SyntaxError) as error:
        raise DataError(f"it is not an Excel file .xlsx: {error}") from None
    sheet = book.worksheets[0]
    lines: list[Sequence[object]] = []
    rows: list[int] = []
    num_cells = 0
    for row, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
        num_cells += len(cells)
        check_size(num_cells)
        if any(cell is not None for cell in cells):
            lines.append([plain_number(c.strip()) if isinstance(c, str) else c for c in cells])
            rows.append(row)
    others = [each.title for each in book.worksheets[1:]]
    book.close()
    if not lines:
        raise DataError(f"its sheet {sheet.title!r} is empty")
    header = ["" if name is None else str(name) for name in lines[0]]
    found = from_lines(header, lines[1:], rows[1:])
    notes = (f"the sheet {sheet.title!r} is read, not {', '.join(others)}",) if others else ()
    return Records(found.columns, found.rows, notes)
