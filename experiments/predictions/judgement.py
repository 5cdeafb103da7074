"""Predictions beside results: errors, coverage, and who won."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np

from experiments.predictions.plan import QUESTIONS, Stack
from experiments.predictions.predicted import Fits, interval, losses
from experiments.runlab.runs import Run

RUN_COLUMNS = ["run", "predicted", "90% interval", "measured", "error %", "inside"]
PART_COLUMNS = ["part", "fit", "runs", "mean error %", "bias %", "worst %", "inside the interval"]


def measured(path: Path) -> dict[str, float]:
    """Losses of the runs that ended, by name."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {row["run"]: float(row["loss"]) for row in rows if row["status"] == "ok"}


def read(path: Path) -> list[dict[str, str]]:
    """The rows of `predictions.csv`."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def error(row: dict[str, str], results: dict[str, float]) -> float:
    """Predicted above measured loss, in per cent."""
    return 100 * (float(row["predicted"]) / results[row["run"]] - 1)


def inside(row: dict[str, str], results: dict[str, float]) -> bool:
    """Whether the measured loss lies in the predicted interval."""
    return float(row["low"]) <= results[row["run"]] <= float(row["high"])


def run_rows(predictions: list[dict[str, str]], results: dict[str, float]) -> list[list[str]]:
    """A line for each run, trained or not."""
    lines = []
    for row in predictions:
        line = [row["run"], f"{float(row['predicted']):.3f}"]
        line.append(f"{float(row['low']):.3f} to {float(row['high']):.3f}")
        if row["run"] in results:
            line += [f"{results[row['run']]:.3f}", f"{error(row, results):+.1f}"]
            line.append("yes" if inside(row, results) else "no")
        else:
            line += ["not trained", "", ""]
        lines.append(line)
    return lines


def part_rows(predictions: list[dict[str, str]], results: dict[str, float]) -> list[list[str]]:
    """A line for each part and fit, and one for all."""
    done = [row for row in predictions if row["run"] in results]
    parts = [*dict.fromkeys(row["part"] for row in done), "all"]
    return [
        _summary(part, fit, [row for row in some if part in ("all", row["part"])], results)
        for fit in dict.fromkeys(row["fit"] for row in done)
        for some in [[row for row in done if row["fit"] == fit]]
        for part in parts
    ]


def _summary(part: str, fit: str, rows: list[dict[str, str]], results) -> list[str]:
    errors = np.array([error(row, results) for row in rows])
    held = sum(inside(row, results) for row in rows)
    sizes = [f"{np.abs(errors).mean():.2f}", f"{errors.mean():+.2f}", f"{np.abs(errors).max():.2f}"]
    return [part, fit, str(len(rows)), *sizes, f"{held} of {len(rows)}"]


def given_teachers(
    stacks: list[Stack], fit: str, fits: Fits, results: dict[str, float]
) -> list[dict[str, str]]:
    """Predictions for students once their teacher's loss is known: the distillation law alone."""
    rows = []
    for stack in stacks:
        for run in stack.runs:
            if run.teacher is not None and {run.name, run.teacher.name} <= results.keys():
                predicted, drawn = losses(run, fits, results[run.teacher.name])
                low, high = interval(drawn)
                numbers = {"predicted": predicted, "low": low, "high": high}
                rows.append(
                    {"run": run.name, "part": "students, teacher's loss known", "fit": fit}
                    | {name: str(value) for name, value in numbers.items()}
                )
    return rows


def winner_rows(
    predicted: Callable[[Run], float], results: dict[str, float]
) -> tuple[list[str], list[list[str]]]:
    """A line for each comparison: means over seeds, and who was and who is first."""
    lines = []
    for name, question in QUESTIONS.items():
        foreseen = {key: predicted(option.runs[0]) for key, option in question.options.items()}
        found = {
            key: [results[run.name] for run in option.runs if run.name in results]
            for key, option in question.options.items()
        }
        means = {key: float(np.mean(some)) for key, some in found.items() if some}
        complete = len(means) == len(foreseen)
        lines.append(
            [
                name,
                ", ".join(f"{key} {loss:.3f}" for key, loss in foreseen.items()),
                ", ".join(f"{key} {loss:.3f} ({len(found[key])})" for key, loss in means.items()),
                min(foreseen, key=foreseen.__getitem__),
                min(means, key=means.__getitem__) if complete else "not complete",
            ]
        )
    return ["comparison", "predicted", "measured (runs)", "predicted winner", "winner"], lines
