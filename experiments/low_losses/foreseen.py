"""Predicted losses of the planned runs, made before their training, and their judgement."""

import datetime
from pathlib import Path

from experiments.low_losses import plan
from experiments.low_losses.judgement import SHORTEST, Tables, longer, small_batches, together
from experiments.predictions.judgement import Row
from experiments.predictions.predicted import fits_to, interval, losses
from experiments.runlab import table
from experiments.runlab.__main__ import OUT
from experiments.runlab.__main__ import TABLE as BUNDLED
from experiments.runlab.runs import BATCH_WINDOWS, Run

COLUMNS = ["date", "run", "predicted", "low", "high", "bundled"]


def predict(path: Path, draws: int, starts: int) -> list[Row]:
    """A row of `COLUMNS` for each planned run that the table at `path` lacks.

    Both laws are fitted to the runs of at least 0.9 M symbols, the supervised law also to the short
    runs with small steps. So they say how a run ends that its number of steps does not limit. The
    teachers' losses are those of the bundled table. `bundled` is the loss of the same run with 512
    symbols a step, and of the same seed if there is one.
    """
    tables = Tables.read(path)
    taught = table.runs("distilled", BUNDLED)
    taught = taught.where(taught.inputs["num_student_tokens"] >= SHORTEST)
    alone = together(longer(tables.bundled), small_batches(tables.changed))
    where = OUT.parent / "low_losses" / f"{len(alone)}-{len(taught)}-{draws}-{starts}.json"
    fits = fits_to(alone, taught, draws, starts, where)
    usual = {row["run"]: row["loss"] for row in table.read(BUNDLED)}
    done = {row["run"] for row in table.read(path)} | usual.keys()
    rows = []
    for run in [run for job in plan.jobs() for run in job if run.name not in done]:
        of = float(usual[run.teacher.name]) if run.teacher else None
        predicted, drawn = losses(run, fits, of)
        numbers = (predicted, *interval(drawn))
        row = dict(zip(COLUMNS[2:5], (f"{each:.6f}" for each in numbers), strict=True))
        date = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M")
        rows.append({"date": date, "run": run.name, **row, "bundled": _usual_loss(run, usual)})
    return rows


def _usual_loss(run: Run, usual: dict[str, str]) -> str:
    steps = run.tokens // (BATCH_WINDOWS * run.shape.context)
    names = [Run(run.shape, steps, seed=seed, teacher=run.teacher).name for seed in (run.seed, 0)]
    return next((usual[name] for name in names if name in usual), "")


def append(path: Path, rows: list[Row]) -> None:
    """Add predictions to those that are there; a run keeps its first prediction."""
    before = table.read(path)
    made = {row["run"] for row in before}
    table.write(path, COLUMNS, [*before, *(row for row in rows if row["run"] not in made)])
