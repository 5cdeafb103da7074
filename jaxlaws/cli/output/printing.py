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

_WIDEST = 10_000  # columns of a table that is not printed to a terminal


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


def _wrapped(head: str, cells: Sequence[str]) -> str:
    """A heading in lines that are no wider than its column must be."""
    return textwrap.fill(head, max(map(len, ["x", *head.split(), *cells])))


def print_table(title: str, table: Table, notes: Sequence[str] = ()) -> None:
    """Print a table with all of its columns, also into a pipe, and notes below it."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else _WIDEST, highlight=False)
    click.echo(terminal_text(title))
    drawn = RichTable(box=SIMPLE_HEAD, pad_edge=False)
    for index, head in enumerate(table.heads):
        cells = [row[index] for row in table.rows if index < len(row)]
        words = Text(_wrapped(terminal_text(head), cells))
        justify = "left" if index == 0 else "right"
        drawn.add_column(words, justify=justify, overflow="fold")
    for row in table.rows:
        drawn.add_row(*(Text(terminal_text(cell)) for cell in row))
    console.print(drawn)
    for note in filter(None, (table.note, *notes)):
        click.echo(terminal_text(note))
