"""Tables in binary files: Parquet and Excel."""

import io
import zipfile
import zlib

from fitting.data.formats.records import (
    MOST_BYTES,
    Records,
    check_size,
    from_lines,
    plain_number,
)
from jaxlaws.foundations.errors import DataError

# What zipfile, the parser of XML and openpyxl raise for a file that is damaged.
_NOT_EXCEL = (
    zipfile.BadZipFile, zlib.error, SyntaxError, EOFError, OSError, RuntimeError, AttributeError,
    LookupError, TypeError, ValueError, OverflowError,
)  # fmt: skip


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
        DataError: the content is not such a file, is too large, or openpyxl is not installed.
    """
    try:
        import openpyxl
    except ModuleNotFoundError:
        raise DataError("reading Excel needs openpyxl: pip install 'jaxlaws[excel]'") from None
    lines: list[list[object]] = []
    rows: list[int] = []
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(each.file_size for each in packed.infolist()) > 4 * MOST_BYTES:
                raise DataError(f"it takes more than {4 * MOST_BYTES // 2**20} MiB unpacked")
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet, *others = book.worksheets
        sheet.reset_dimensions()  # what the file says about its size may be wrong
        num_cells = 0
        for row, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
            num_cells += max(1, len(cells))  # rows that the file leaves out have no cells
            check_size(num_cells)
            if any(cell is not None for cell in cells):
                lines.append([plain_number(c.strip()) if isinstance(c, str) else c for c in cells])
                rows.append(row)
        book.close()
    except DataError:
        raise
    except _NOT_EXCEL as error:
        raise DataError(f"it is not an Excel file .xlsx: {error}") from None
    if not lines:
        raise DataError(f"its sheet {sheet.title!r} is empty")
    width = max(map(len, lines))
    check_size(width * len(lines))
    header, *records = [line + [None] * (width - len(line)) for line in lines]
    found = from_lines(["" if name is None else str(name) for name in header], records, rows[1:])
    titles = ", ".join(each.title for each in others)
    notes = (f"the sheet {sheet.title!r} is read, not {titles}",) if others else ()
    return Records(found.columns, found.rows, (*notes, *found.notes))
