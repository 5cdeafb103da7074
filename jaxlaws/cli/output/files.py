"""Files that a command writes: tables and pictures."""

import csv
import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jaxlaws.foundations.atomic_files import atomic_write

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


def write_picture(path: str, figure: Any) -> None:
    """Write a figure to a file .svg, .png or .pdf."""
    with atomic_write(path) as temporary:
        figure.savefig(temporary, format=Path(path).suffix[1:])


def write_table(path: str, columns: Mapping[str, Sequence[Any]]) -> None:
    """Write columns of one length to a file .csv or .parquet; None is an empty cell."""
    with atomic_write(path) as temporary:
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
