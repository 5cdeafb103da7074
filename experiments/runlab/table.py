"""The table of runs: one row per run. The file on disk is complete at any time."""

import csv
from collections.abc import Sequence
from pathlib import Path

from fitting import Runs
from fitting.data.runs import KINDS, RunKind
from jaxlaws.foundations.atomic_files import atomic_write

COLUMNS = [
    "run", "sweep", "kind", "status",
    "num_params", "num_tokens",
    "num_student_params", "num_student_tokens",
    "teacher_loss", "num_teacher_params", "num_teacher_tokens",
    "loss",
    "teacher", "half", "seed",
    "layers", "width", "heads", "d_ff", "context", "vocabulary",
    "batch_tokens", "steps", "learning_rate", "schedule",
    "flops", "logit_flops", "wall_seconds", "group_size",
    "corpus_sha256", "python", "jax", "optax", "commit",
]  # fmt: skip


def read(path: Path) -> list[dict[str, str]]:
    """Return the rows of the table as text; an empty list if there is no table."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def runs(kind: RunKind, *paths: Path) -> Runs:
    """Return the runs of a kind that have a loss, of one table or of several tables together."""
    rows = [
        row for path in paths for row in read(path) if row["kind"] == kind and row["status"] == "ok"
    ]
    numbers = (*KINDS[kind], "loss", "flops", "steps", "batch_tokens", "learning_rate", "width")
    found: dict[str, list] = {name: [float(row[name]) for row in rows] for name in numbers}
    return Runs.read(
        found | {name: [row[name] for row in rows] for name in ("run", "teacher", "sweep")}
    )


def append(path: Path, rows: list[dict]) -> None:
    """Add rows."""
    write(path, COLUMNS, [*read(path), *rows])


def write(path: Path, columns: Sequence[str], rows: Sequence[dict]) -> None:
    """Write a table of any columns.

    The file is replaced as a whole, so that a reader never sees an incomplete file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
