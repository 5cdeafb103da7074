"""What verbs print: one JSON object for programs, a table for people."""

import json
import math
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import click

from jaxlaws.foundations.annotations import Json
from jaxlaws.foundations.escaping import terminal_text

_PIPED = 120  # width above which the headings of a table are wrapped, if it is not for a terminal
_WIDEST = 10_000  # of such a table; no cell is cut


class Table(NamedTuple):
    """A table for people.

    Attributes:
        heads: of the columns.
        rows: texts of the cells; a row may lack its last cells.
        note: a sentence below; may be empty.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def _plain(value: object) -> Json:
    """A value as JSON has it; a number that JSON lacks becomes null."""
    import numpy as np

    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def print_json(document: Mapping[str, object]) -> None:
    """Print one JSON object and nothing else."""
    click.echo(json.dumps(_plain(document), indent=1, allow_nan=False))


def _headings(table: Table, width: int) -> list[str]:
    """The headings; in lines that are as short as their columns, if the table is too wide."""
    heads, widest = [terminal_text(head) for head in table.heads], []
    for index, head in enumerate(heads):
        cells = [len(row[index]) for row in table.rows if index < len(row)]
        widest.append(max([1, *map(len, head.split()), *cells]))
    whole = sum(max(len(head), most) + 2 for head, most in zip(heads, widest, strict=True))
    if whole <= width:
        return heads
    return [textwrap.fill(head, most) for head, most in zip(heads, widest, strict=True)]


def print_table(title: str, table: Table, notes: Sequence[str] = ()) -> None:
    """Print a table with all of its columns, also into a pipe, and notes below it."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    is_terminal = sys.stdout.isatty()
    console = Console(width=None if is_terminal else _WIDEST, highlight=False)
    click.echo(terminal_text(title))
    drawn = RichTable(box=SIMPLE_HEAD, pad_edge=False)
    for index, head in enumerate(_headings(table, console.width if is_terminal else _PIPED)):
        justify = "left" if index == 0 else "right"
        drawn.add_column(Text(head), justify=justify, overflow="fold")
    for row in table.rows:
        drawn.add_row(*(Text(terminal_text(cell)) for cell in row))
    console.print(drawn)
    for note in filter(None, (table.note, *notes)):
        click.echo(terminal_text(note))
