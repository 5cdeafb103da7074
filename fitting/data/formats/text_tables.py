"""Tables of text with a separator between the cells: CSV and its relatives."""

import csv
import re
from collections.abc import Sequence

from fitting.data.formats.records import Records, check_size, from_lines, plain_number
from jaxlaws.foundations.errors import DataError

_SEPARATORS = (",", ";", "\t", "|")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?[KMBGTPkmbgtp]?")
_COMMA_GROUPS = re.compile(r"[+-]?\d{1,3}(?:,\d{3}){2,}")
_THREE_DIGITS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")


def read_text_table(content: bytes, separator: str | None = None) -> Records:
    """Read text with one record a line.

    Args:
        content: UTF-8, or UTF-16 with a byte order mark.
        separator: between cells; None: the one that splits the header best.

    Raises:
        DataError: the text is not such a table.
    """
    try:
        is_wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
        text = content.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"it is not a table of text: {error}. Save it in UTF-8") from None
    lines, header_hint = _without_comments(text)
    if not lines:
        raise DataError("it is empty")
    separator = separator or _separator(lines[0][1])
    records, rows = _split(lines, separator)
    if header_hint is not None and all(map(_is_number, records[0])):
        hinted, _ = _split([header_hint], separator)
        if len(hinted[0]) == len(records[0]):
            records, rows = [hinted[0], *records], [header_hint[0], *rows]
    header, records, rows = records[0], records[1:], rows[1:]
    decimal_commas = separator != "," and _has_decimal_commas(records)
    clean = _with_points if decimal_commas else plain_number
    found = from_lines(header, [[clean(cell) for cell in record] for record in records], rows)
    if not decimal_commas:
        return found
    return Records(found.columns, found.rows, ("numbers are read with decimal commas",))


def _without_comments(text: str) -> tuple[list[tuple[int, str]], tuple[int, str] | None]:
    """The lines that are no comments with their numbers, and the comment before the first one."""
    lines, last_comment = [], None
    in_quotes = False
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        if not in_quotes and line.lstrip().startswith("#"):
            if not lines:
                last_comment = (number, line.lstrip().lstrip("#").lstrip())
            continue
        if line.strip() or in_quotes:
            lines.append((number, line))
        in_quotes ^= line.count('"') % 2 == 1
    return lines, last_comment


def _separator(header: str) -> str:
    """The separator that splits a header into the most cells; a space where there is no other."""
    bare = re.sub(r'"[^"]*"', "", header)
    counts = {sign: bare.count(sign) for sign in _SEPARATORS}
    best = max(_SEPARATORS, key=lambda sign: counts[sign])
    if counts[best]:
        return best
    return " " if len(bare.split()) > 1 else ","


def _split(lines: Sequence[tuple[int, str]], separator: str) -> tuple[list[list[str]], list[int]]:
    """The cells of each record, and the number of its first line."""
    records: list[list[str]] = []
    rows: list[int] = []
    texts = [line for _, line in lines]
    if separator == " ":  # any white space between cells
        records, rows = [text.split() for text in texts], [number for number, _ in lines]
        return records, rows
    start, num_cells = 0, 0
    try:
        reader = csv.reader(texts, delimiter=separator, strict=True)
        for record in reader:
            if any(cell.strip() for cell in record):
                records.append([cell.strip() for cell in record])
                rows.append(lines[start][0])
                num_cells += len(record)
                check_size(num_cells)
            start = reader.line_num
    except csv.Error as error:
        raise DataError(f"it is not a table of text: {error}") from None
    return records, rows


def _is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(plain_number(cell)) is not None


def _has_decimal_commas(records: Sequence[Sequence[str]]) -> bool:
    """Whether the numbers of a table are written 3,14 and 1.000,5.

    `4,496` may be either: it counts as a decimal comma if no number has a decimal point, and no
    number has several groups of three digits with commas between them.
    """
    cells = [cell for record in records for cell in record if "," in cell]
    if any(_COMMA_GROUPS.fullmatch(cell) for cell in cells):
        return False
    with_comma = [cell for cell in cells if _COMMA_NUMBER.fullmatch(cell)]
    if any(not _THREE_DIGITS.fullmatch(cell) for cell in with_comma):
        return True
    points = any("." in cell and _is_number(cell) for record in records for cell in record)
    return bool(with_comma) and not points


def _with_points(cell: str) -> str:
    """A cell with a decimal comma, with a point instead."""
    if re.fullmatch(r"[+-]?\d{1,3}(\.\d{3})+(,\d+)?", cell):
        return cell.replace(".", "").replace(",", ".")
    return cell.replace(",", ".") if _COMMA_NUMBER.fullmatch(cell) else plain_number(cell)
