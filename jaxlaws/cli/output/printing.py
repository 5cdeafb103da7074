"""What verbs print: one JSON object for programs, a table for people."""

import json
import math
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import TextIO

import click

from jaxlaws.foundations.annotations import Json
from jaxlaws.foundations.text.escaping import terminal_text
from jaxlaws.foundations.text.tables import Table, table_text

_NO_BREAK = "\xa0"  # a space at which no line ends
_QUOTED_OPTION = re.compile(r"--[a-z-]+ '[^']*'")
_WIDEST = 10_000  # of a table that is not for a terminal: a program may read its lines


def plain_json(value: object) -> Json:
    """A value as JSON has it; a number that JSON lacks becomes null."""
    import numpy as np

    if isinstance(value, dict):
        return {key: plain_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_json(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain_json(value.tolist())
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def print_json(document: Mapping[str, object]) -> None:
    """Print one JSON object and nothing else."""
    click.echo(json.dumps(plain_json(document), indent=1, allow_nan=False))


def with_loss_unit(table: Table, unit: str) -> Table:
    """A table whose losses have their unit: in the headings, or in a first column of names.

    A heading of two words becomes one word and its unit.

    >>> with_loss_unit(Table(["teacher tokens", "loss", "loss, distil"], []), "nats").heads
    ['teacher (tokens)', 'loss (nats)', 'distil (nats)']
    """

    def named(text: str) -> str:
        is_loss = unit and re.search(r"\b(loss(es)?|margin|gain)\b", text)
        return f"{text} ({unit})" if is_loss else text

    def headed(text: str) -> str:
        text = re.sub(r"^loss, (.+)$", r"\1 loss", text).replace("tokens per ", "tokens/")
        of_two = re.fullmatch(r"(\w[\w ]*) (parameters|tokens|loss(?:es)?)", text)
        if of_two is None:
            return named(text)
        what = unit if unit and "loss" in of_two[2] else of_two[2]
        return f"{of_two[1]} ({what})"

    rows = table.rows
    if table.heads and not table.heads[0]:
        rows = [[named(row[0]), *row[1:]] for row in rows]
    return table._replace(heads=[headed(head) for head in table.heads], rows=rows)


def without_flops(table: Table) -> Table:
    """A table of plans with prices, whose costs are not FLOPs but in the unit of the prices.

    >>> without_flops(Table(["budget (FLOPs)", "FLOPs"], [])).heads
    ['budget', 'cost']
    """

    def named(text: str) -> str:
        text = {"FLOPs": "cost", "budget (FLOPs)": "budget", "from (FLOPs)": "from"}.get(text, text)
        return text.replace("compute for", "cost of")

    rows = table.rows
    if table.heads and not table.heads[0]:
        rows = [[named(row[0]), *row[1:]] for row in rows]
    return table._replace(heads=[named(head) for head in table.heads], rows=rows)


def print_table(title: str, table: Table, notes: Sequence[str] = (), *, lead: str = "") -> None:
    """Print a table with all of its columns, the answer above it if given, and notes below it.

    In a terminal, or with a width in the variable COLUMNS, columns for which there is no room go to
    a further table, and notes take several lines. Elsewhere each row and each note is one line.
    """
    above, *below = map(in_lines, (title, *filter(None, (table.note, *notes))))
    if lead:
        above = f"{in_lines(lead)}\n\n{above}"
    below = ["", *below] if below else []
    click.echo("\n".join([above, "", table_text(table, _width(sys.stdout)), *below]))


def in_lines(text: str, *, err: bool = False, before: str = "") -> str:
    """A text in lines that fit the terminal; elsewhere its lines as they are.

    An option with a value in quotes stays in one line, so that it can be copied.

    Args:
        text: lines, which may contain text of files.
        err: whether it is printed on standard error.
        before: what stands before it in its first line.
    """
    width = _width(sys.stderr if err else sys.stdout)
    wrapper = textwrap.TextWrapper(width, break_long_words=False, break_on_hyphens=False)
    lines = []
    for line in terminal_text(text).split("\n"):
        wrapper.initial_indent = "" if lines else before
        wrapper.subsequent_indent = " " * (len(line) - len(line.lstrip()))
        whole = _QUOTED_OPTION.sub(lambda found: found[0].replace(" ", _NO_BREAK), line)
        lines.append(wrapper.fill(whole).replace(_NO_BREAK, " "))
    return "\n".join(lines).removeprefix(before)


def _width(stream: TextIO) -> int:
    has_width = stream.isatty() or os.environ.get("COLUMNS", "").isdecimal()
    return shutil.get_terminal_size().columns if has_width else _WIDEST
