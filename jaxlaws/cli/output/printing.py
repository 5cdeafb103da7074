"""What verbs give out: one JSON object for programs, a table for people, files for either."""

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from jaxlaws.cli.output.files import is_picture, write_picture, write_table


def _plain(value: Any) -> Any:
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


def print_json(document: dict[str, Any]) -> None:
    """Print one JSON object and nothing else."""
    click.echo(json.dumps(_plain(document), indent=1, allow_nan=False))


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, note: str = ""
) -> None:
    """Print a table, all of its columns even into a pipe."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    console.print(Text(title))
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for index, column in enumerate(columns):
        table.add_column(Text(column), justify="left" if index == 0 else "right")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)
    if note:
        console.print(Text(note))


def give_out(
    document: dict[str, Any],
    table: Mapping[str, Sequence[Any]],
    *,
    as_json: bool,
    output: str | None,
    picture: Callable[[], Any] | None = None,
) -> bool:
    """Write what `-o` names, and with `--json` print the document.

    Args:
        document: the answer.
        table: the same as columns of one length.
        as_json: whether JSON is asked for.
        output: the path of a table or a picture, if any.
        picture: draws it.

    Returns:
        Whether it is still to be told to people.
    """
    if output and picture is not None and is_picture(output):
        write_picture(output, picture())
    elif output:
        write_table(output, table)
    if output:
        click.echo(f"wrote {output}", err=True)
    if as_json:
        print_json(document)
    return not as_json
