"""Predicted losses of the planned runs, made before their training, and their judgement."""

import datetime
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from experiments.low_losses import plan
from experiments.low_losses.judgement import Rows
from experiments.low_losses.students import unlimited
from experiments.predictions.judgement import Row, error, inside
from experiments.predictions.predicted import fits_to, interval, losses
from experiments.runlab import table
from experiments.runlab.__main__ import OUT
from experiments.runlab.__main__ import TABLE as BUNDLED
from experiments.runlab.runs import BATCH_WINDOWS, Run
from fitting import fit, next_runs
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.laws.distillation_exponential import DistillationExponential
from jaxlaws.laws.supervised import Supervised

COLUMNS = ["date", "run", "predicted", "low", "high", "bundled"]
JUDGED_COLUMNS = [
    "run", "predicted", "90% interval", "loss", "error %", "inside", "bundled", "change %"
]  # fmt: skip
CHOICE_COLUMNS = ["run", "flops", "log_B_sd_before", "log_B_sd_after"]
BUDGET = 3e12  # FLOPs of the chosen students, 6 N D


def predict(path: Path, draws: int, starts: int) -> list[Row]:
    """A row of `COLUMNS` for each planned run that the table at `path` lacks.

    Both laws are fitted to the runs of at least 0.9 M symbols, the supervised law also to the short
    runs with small steps. So they say how a run ends that its number of steps does not limit. The
    teachers' losses are those of the bundled table. `bundled` is the loss of the same run with 512
    symbols a step, and of the same seed if there is one.
    """
    alone, taught = unlimited(path)
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


def choose(path: Path, starts: int) -> list[Row]:
    """The students that make the token term of the distillation law known best.

    The law is `DistillationExponential`, whose coefficients are identified except for B and beta;
    the quantity is the logarithm of B. A row has the run, its cost, and the standard deviation
    of the quantity after this run and those above it.
    """
    alone, taught = unlimited(path)
    supervised = fit(Supervised, alone, num_starts=starts)
    result = fit(
        DistillationExponential, taught, freeze={"supervised": supervised}, num_starts=starts
    )
    usual = {row["run"]: row["loss"] for row in table.read(BUNDLED)}
    possible = plan.candidates()
    inputs = {
        "num_student_params": [float(run.params) for run in possible],
        "num_student_tokens": [float(run.tokens) for run in possible],
        "teacher_loss": [float(usual[run.teacher.name]) for run in possible if run.teacher],
    }
    found = next_runs(
        result,
        taught,
        flops=BUDGET,
        quantity=_log_amplitude,
        candidates={name: np.array(each) for name, each in inputs.items()},
        num_runs=8,
    )
    assert found.places is not None
    rows = []
    for place, deviation in zip(found.places, found.sd_after, strict=True):
        run = possible[place]
        cells = (run.name, f"{run.training_flops:.4g}", f"{found.sd:.4f}", f"{deviation:.4f}")
        rows.append(dict(zip(CHOICE_COLUMNS, cells, strict=True)))
    return rows


def _log_amplitude(law: Tree) -> Array:
    return jnp.log(law.B)


def _usual_loss(run: Run, usual: dict[str, str]) -> str:
    steps = run.tokens // (BATCH_WINDOWS * run.shape.context)
    names = [Run(run.shape, steps, seed=seed, teacher=run.teacher).name for seed in (run.seed, 0)]
    return next((usual[name] for name in names if name in usual), "")


def judged(results: dict[str, float]) -> Rows:
    """A line of `JUDGED_COLUMNS` for each predicted run that was trained."""
    lines = []
    for row in table.read(plan.PREDICTIONS):
        if row["run"] in results:
            loss, usual = results[row["run"]], row["bundled"]
            lines.append([
                row["run"], f"{float(row['predicted']):.3f}",
                f"{float(row['low']):.3f} to {float(row['high']):.3f}", f"{loss:.3f}",
                f"{error(row, results):+.1f}", "yes" if inside(row, results) else "no",
                f"{float(usual):.3f}" if usual else "",
                f"{100 * (loss / float(usual) - 1):+.1f}" if usual else "",
            ])  # fmt: skip
    return lines


def append(rows: list[Row]) -> None:
    """Add predictions to those that are there; a run keeps its first prediction."""
    before = table.read(plan.PREDICTIONS)
    made = {row["run"] for row in before}
    table.write(
        plan.PREDICTIONS, COLUMNS, [*before, *(row for row in rows if row["run"] not in made)]
    )
