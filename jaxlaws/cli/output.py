"""What verbs give out: one JSON object for programs, a table for people, files for either."""

import csv
import importlib.util
import json
import math
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click


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


_PICTURES = (".svg", ".png", ".pdf")


def is_picture(path: str | None) -> bool:
    """Whether a path names a picture."""
    return path is not None and Path(path).suffix in _PICTURES


def check_output_path(path: str) -> None:
    """Refuse a path that could not be written to, before anything is computed.

    Raises:
        ValueError: a suffix that is neither a table's nor a picture's.
        ModuleNotFoundError: Parquet without pyarrow; the message names the extra.
        FileNotFoundError: there is no such folder.
    """
    target = Path(path)
    if target.suffix not in (".csv", ".parquet", *_PICTURES):
        raise ValueError(
            f"cannot write {path!r}: name a table .csv or .parquet, or a picture "
            f"{', '.join(_PICTURES[:-1])} or {_PICTURES[-1]}"
        )
    if target.suffix == ".parquet" and importlib.util.find_spec("pyarrow") is None:
        raise ModuleNotFoundError(
            "writing Parquet needs pyarrow: pip install 'jaxlaws[parquet]', or name a file .csv"
        )
    if not target.parent.is_dir():
        raise FileNotFoundError(f"cannot write {path!r}: there is no folder {target.parent}")


@contextmanager
def _replacing(path: str) -> Iterator[Path]:
    """A file beside the path, moved there at the end: a failure leaves the old one."""
    target = Path(path)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def check_sweep(path: str | None, asked: Mapping[str, Any]) -> None:
    """Refuse a picture of anything but plans against budgets, before anything is computed.

    Raises:
        ValueError: the path names a picture, and what is asked is no sweep of `flops` alone.
    """
    import numpy as np

    swept = [name for name, values in asked.items() if len(np.unique(values)) > 1]
    if is_picture(path) and swept != ["flops"]:
        raise ValueError(
            f"cannot draw {path!r}: a picture shows plans against compute; sweep --flops, as "
            "1e19:1e24:20, and nothing else, or name a table .csv or .parquet"
        )


def check_no_picture(path: str | None, what: str) -> None:
    """Refuse a picture where there is none, before anything is computed.

    Raises:
        ValueError: the path names one.
    """
    if is_picture(path):
        raise ValueError(
            f"cannot draw {path!r}: there is no picture of {what}; name a table .csv or .parquet"
        )


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


def write_picture(path: str, figure: Any) -> None:
    """Write a figure to a file .svg, .png or .pdf."""
    with _replacing(path) as temporary:
        figure.savefig(temporary, format=Path(path).suffix[1:])


def write_table(path: str, columns: Mapping[str, Sequence[Any]]) -> None:
    """Write columns of one length to a file .csv or .parquet; None is an empty cell."""
    with _replacing(path) as temporary:
        if Path(path).suffix == ".csv":
            with temporary.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(columns)
                writer.writerows(zip(*columns.values(), strict=True))
        else:
            import pyarrow as pa
            import pyarrow.parquet as pq

            pq.write_table(
                pa.table({name: list(cells) for name, cells in columns.items()}), temporary
            )
