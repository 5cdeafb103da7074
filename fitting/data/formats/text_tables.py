"""Tables of text with a separator between the cells: CSV and its relatives."""

import csv
import re
from collections.abc import Sequence

from fitting.data.formats.records import Records, check_size, from_lines, plain_number
from jaxlaws.foundations.errors import DataError
from jaxlaws.foundations.quantities import parse_quantity

_UNIT = re.compile(
    r"[(\[]?(?:[KMBGT]|thousands?|millions?|billions?|trillions?|PF-days|[EPZ]?FLOPs?|nats|bits|-|"
    r"tokens?|params?|nats/token|(?:x\s*)?(?:1e|10\^)\d+)[)\]]?",
    re.IGNORECASE,
)
_SEPARATORS = (",", ";", "\t", "|")
_COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?[KMBGTPkmbgtp]?")
_COMMA_GROUPS = re.compile(r"[+-]?\d{1,3}(?:,\d{3}){2,}")
_THREE_DIGITS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_GROUPS_OF_POINTS = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?")


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
    if len(records) > 1 and _are_units(records[0]) and any(map(_is_number, records[1])):
        header = [
            f"{name} ({unit})" if unit else name
            for name, unit in zip(header, records[0], strict=False)
        ]
        records, rows = records[1:], rows[1:]
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
    start, num_cells = 0, 0
    if separator == " ":  # any white space between cells
        for number, text in lines:
            records.append(text.split())
            rows.append(number)
            num_cells += len(records[-1])
            check_size(num_cells)
        return records, rows
    texts = [line for _, line in lines]
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


def _are_units(record: Sequence[str]) -> bool:
    """Whether a row below the header holds units, such as M, B and nats."""
    filled = [cell for cell in record if cell]
    return bool(filled) and all(_UNIT.fullmatch(c) and not _is_number(c) for c in filled)


def _is_number(cell: str) -> bool:
    try:
        parse_quantity(plain_number(cell))
    except ValueError:
        return False
    return True


def _has_decimal_commas(records: Sequence[Sequence[str]]) -> bool:
    """Whether the numbers of a table are written 3,14 and 1.000,5.

    No number may have several groups of three digits with commas between them. Numbers such as
    `3,14` must be more than the numbers such as `3.14`, because a list `12,16` looks the same.
    Where all commas are as in `4,496`, which may be either, no number may have a point.
    """
    cells = [cell for record in records for cell in record if "," in cell]
    if any(_COMMA_GROUPS.fullmatch(cell) for cell in cells):
        return False
    with_comma = [cell for cell in cells if _COMMA_NUMBER.fullmatch(cell)]
    points = [c for record in records for c in record if "." in c and _is_number(c)]
    decimal_commas = sum(not _THREE_DIGITS.fullmatch(cell) for cell in with_comma)
    if decimal_commas:
        return decimal_commas > sum(not _GROUPS_OF_POINTS.fullmatch(cell) for cell in points)
    return bool(with_comma) and not points


def _with_points(cell: str) -> str:
    """A cell with a decimal comma, with a point instead."""
    if _GROUPS_OF_POINTS.fullmatch(cell):
        return cell.replace(".", "").replace(",", ".")
    return cell.replace(",", ".") if _COMMA_NUMBER.fullmatch(cell) else plain_number(cell)
