"""Tables as text that fits a width, and as HTML."""

import html
import re
import textwrap
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from jaxlaws.foundations.text.escaping import terminal_text

_PROSE = 40  # cells with more characters are sentences, which may be broken between words
_GAP = 2  # between columns
_WORD = re.compile(r"^(?!no$).*[^\W\d_]")  # "no" is the least distance
_NUMBER = re.compile(r"[(<>≥≤≈~±+-]*\d")  # the begin of a cell with a number


class Table(NamedTuple):
    """A table for people.

    Attributes:
        heads: of the columns.
        rows: texts of the cells; a row may lack its last cells.
        note: a sentence below; may be empty.
        num_keys: number of first columns that name a row, and that each part of a table repeats.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    num_keys: int = 1


def fitting_tables(table: Table, width: int) -> list[Table]:
    """Tables that fit a width without a broken number.

    Headings and sentences may take several lines. Columns for which there is no room go to a
    further table, which repeats the first columns. A wide table of a single row is turned.

    >>> wide = Table(["size", "loss", "tokens"], [["1B", "2.31", "20B"], ["3B", "2.19", "60B"]])
    >>> [list(each.heads) for each in fitting_tables(wide, 12)]
    [['size', 'loss'], ['size', 'tokens']]
    >>> fitting_tables(Table(["size", "loss", "tokens"], [["1B", "2.31", "20B"]]), 12)[0].rows
    [['loss', '2.31'], ['tokens', '20B']]
    """
    least = _widths(table, broken=True)
    if _total(least) <= width:
        return [table]
    if len(table.rows) == 1 and table.num_keys == 1 and len(table.heads) > 2:
        head, first = table.heads[0], table.rows[0][0]
        pairs = zip(table.heads[1:], table.rows[0][1:], strict=False)
        return [table._replace(heads=[head, first], rows=[list(pair) for pair in pairs])]
    keys = list(range(table.num_keys))
    groups = [keys]
    for index in range(table.num_keys, len(table.heads)):
        taken = [*groups[-1], index]
        if len(groups[-1]) > len(keys) and _total([least[each] for each in taken]) > width:
            groups.append([*keys, index])
        else:
            groups[-1] = taken
    return [_columns_of(table, group) for group in groups]


def table_text(table: Table, width: int) -> str:
    """A table as text, in lines of at most a width; see `fitting_tables`.

    >>> print(table_text(Table(["size", "loss"], [["1B", "2.31"], ["3B", "2.189"]]), 80))
    size   loss
    -----------
    1B     2.31
    3B    2.189
    """
    return "\n\n".join(_drawn(each, width) for each in fitting_tables(table, width))


def _drawn(table: Table, width: int) -> str:
    whole, sizes, left = *(_widths(table, broken=each) for each in (False, True)), _texts(table)
    for index, size in enumerate(whole):
        sizes[index] += max(0, min(size - sizes[index], width - _total(sizes)))
    lines = _row_lines(table.heads, sizes, left, is_head=True)
    lines.append("-" * _total(sizes))
    for row in table.rows:
        lines += _row_lines(row, sizes, left)
    return "\n".join(line.rstrip() for line in lines)


def _texts(table: Table) -> list[bool]:
    """Which columns hold texts and are aligned to the left: the first, and those without a number.

    >>> _texts(Table(["", "loss", "winner"], [["1B", "–", "train"], ["3B", "2.189", "–"]]))
    [True, False, True]
    """
    cells = [[row[i] for row in table.rows if i < len(row)] for i in range(len(table.heads))]
    return [
        i == 0 or (any(map(_WORD.search, each)) and not any(map(_NUMBER.match, each)))
        for i, each in enumerate(cells)
    ]


def _row_lines(
    cells: Sequence[str], sizes: Sequence[int], left: Sequence[bool], *, is_head: bool = False
) -> list[str]:
    """The lines of one row, with the columns that are aligned to the left; others to the right."""
    texts = [terminal_text(cell) for cell in cells]
    parts = [
        textwrap.wrap(text, size, break_long_words=False) if is_head or _is_prose(text) else [text]
        for text, size in zip(texts, sizes, strict=False)
    ]
    height = max(1, *map(len, parts)) if parts else 1
    lines = []
    for place in range(height):
        cut = [each[place] if place < len(each) else "" for each in parts]
        if is_head:  # the last lines of the headings are in one line
            cut = [([""] * (height - len(each)) + each)[place] for each in parts]
        padded = [
            text + " " * (size - _width(text)) if is_text else " " * (size - _width(text)) + text
            for text, size, is_text in zip(cut, sizes, left, strict=False)
        ]
        lines.append((" " * _GAP).join(padded))
    return lines


def table_html(table: Table) -> str:
    """A table in HTML. Cells are shown as text: markup in them has no effect."""
    left = _texts(table)
    rows = [_row_html("th", table.heads, left), *(_row_html("td", r, left) for r in table.rows)]
    return f'<table cellpadding="4" style="text-align:right">{"".join(rows)}</table>'


def _row_html(tag: str, cells: Sequence[str], left: Sequence[bool]) -> str:
    sides = {True: ' style="text-align:left"', False: ""}
    if tag == "th":
        sides[False] = ' style="text-align:inherit"'  # the browser centres headings
    parts = zip(map(html.escape, cells), left, strict=False)
    return (
        f"<tr>{''.join(f'<{tag}{sides[is_text]}>{each}</{tag}>' for each, is_text in parts)}</tr>"
    )


def _widths(table: Table, *, broken: bool) -> list[int]:
    """The widths of columns, with headings and sentences whole, or broken between words."""
    widths = []
    for index, head in enumerate(table.heads):
        cells = [terminal_text(row[index]) for row in table.rows if index < len(row)]
        if broken:
            cells = [
                part for each in cells for part in (each.split() if _is_prose(each) else [each])
            ]
        cells += terminal_text(head).split() if broken else [terminal_text(head)]
        widths.append(max([1, *map(_width, cells)]))
    return widths


def _width(text: str) -> int:
    """The columns of a terminal that a text takes; East Asian signs take two."""
    wide = sum(unicodedata.east_asian_width(sign) in "WF" for sign in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))


def _is_prose(cell: str) -> bool:
    return len(cell) > _PROSE


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _columns_of(table: Table, indices: Sequence[int]) -> Table:
    rows = [[row[index] for index in indices if index < len(row)] for row in table.rows]
    return table._replace(heads=[table.heads[index] for index in indices], rows=rows)
