"""The table of runs that comes with the package."""

import dataclasses
from importlib import resources

from fitting.data.runs import KINDS, RunKind, Runs, runs_of
from fitting.data.table_files import Table, read_table


def bundled_runs(kind: RunKind | None = None) -> Runs:
    """Runs of small language models that this project trained.

    The file beside the table describes how they were made. Losses are nats per byte.

    Args:
        kind: "supervised" or "distilled"; both without it.

    Raises:
        ValueError: there is no such kind.
    """
    if kind is not None and kind not in KINDS:
        raise ValueError(f"expected a kind of {', '.join(KINDS)}, got {kind!r}")
    with resources.as_file(resources.files("fitting") / "bundled" / "runs.csv") as path:
        table = read_table(path)
    ok = [i for i, status in enumerate(table.columns["status"]) if status == "ok"]
    done = Table(
        "the bundled runs",
        {name: [cells[i] for i in ok] for name, cells in table.columns.items()},
        [table.rows[i] for i in ok],
    )
    runs = runs_of(done, {})
    return runs if kind is None else dataclasses.replace(runs.of_inputs(KINDS[kind]), left=None)
