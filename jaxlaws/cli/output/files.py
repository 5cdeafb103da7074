"""Files that a command writes: tables and pictures."""

import csv
import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jaxlaws.foundations.annotations import Json
from jaxlaws.foundations.atomic_files import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PICTURES = (".svg", ".png", ".pdf")


def is_picture(path: str | None) -> bool:
    """Whether a path names a picture."""
    return path is not None and Path(path).suffix in _PICTURES


def check_output_path(path: str) -> None:
    """Check that a path can be written to, before anything is computed.

    Raises:
        ValueError: the suffix is not the suffix of a table or a picture.
        ModuleNotFoundError: the path names a Parquet file, and pyarrow is not installed.
        FileNotFoundError: the folder does not exist.
    """
    target = Path(path)
    if target.suffix not in (".csv", ".parquet", *_PICTURES):
        raise ValueError(
            f"cannot write {path!r}: give the name of a table .csv or .parquet, or of a picture "
            ".png, .svg or .pdf"
        )
    if target.suffix == ".parquet" and importlib.util.find_spec("pyarrow") is None:
        raise ModuleNotFoundError(
            "writing Parquet needs pyarrow: pip install 'jaxlaws[parquet]', or write a file .csv"
        )
    if not target.parent.is_dir():
        raise FileNotFoundError(f"cannot write {path!r}: there is no folder {target.parent}")


def write_picture(path: str, figure: "Figure") -> None:
    """Write a figure to a file .svg, .png or .pdf."""
    with atomic_write(path) as temporary:
        figure.savefig(temporary, format=Path(path).suffix[1:])


def write_table(path: str, columns: Mapping[str, Sequence[Json]]) -> None:
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
