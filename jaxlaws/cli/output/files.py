"""Files that a command writes: tables and pictures."""

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jaxlaws.foundations.annotations import Json
from jaxlaws.foundations.atomic_files import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_picture(path: str | os.PathLike[str], figure: "Figure") -> None:
    """Write a figure to a file .svg, .png or .pdf."""
    with atomic_write(path) as temporary:
        from jaxlaws.figures.style import save_figure

        save_figure(figure, temporary, Path(path).suffix[1:])


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


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file in UTF-8."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
