"""Predictions beside results: errors, coverage, who won, and the noise between seeds."""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from experiments.predictions.plan import QUESTIONS, Stack
from experiments.predictions.predicted import Fits, interval, losses
from experiments.runlab.runs import Run
from fitting import Huber, LogSquares, Runs, fit, predict
from jaxlaws.laws.supervised import Supervised

Row = dict[str, str]

RUN_COLUMNS = ["run", "predicted", "90% interval", "measured", "error %", "inside"]
SUMMARY_COLUMNS = [
    "runs of", "number", "mean error %", "median %", "worst %", "bias %", "inside", "below"
]  # fmt: skip
REFIT_COLUMNS = ["supervised law fitted to", "runs of", "number", "mean error %", "bias %"]
SEED_COLUMNS = ["run", "losses", "standard deviation %"]

_LONG = 15e6  # symbols; no planned run is between 10.3 M and 19.9 M
_SHORT_RUNS, _LONG_RUNS = "supervised, under 15 M symbols", "supervised, over 15 M symbols"


def measured(path: Path) -> dict[str, float]:
    """Losses of the runs that ended, by name."""
    return {row["run"]: float(row["loss"]) for row in read(path) if row["status"] == "ok"}


def read(path: Path) -> list[Row]:
    """The rows of a table."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def error(row: Row, results: dict[str, float]) -> float:
    """How far the predicted loss is above the measured loss, in per cent."""
    return 100 * (float(row["predicted"]) / results[row["run"]] - 1)


def inside(row: Row, results: dict[str, float]) -> bool:
    """Whether the measured loss lies in the predicted interval."""
    return float(row["low"]) <= results[row["run"]] <= float(row["high"])


def run_rows(predictions: list[Row], results: dict[str, float]) -> list[list[str]]:
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


def summary_rows(predictions: Iterable[Row], results: dict[str, float]) -> list[list[str]]:
    """A line for each part of the plan, for all runs, and for long, short and distilled runs.

    Args:
        predictions: the rows of one fit.
        results: measured losses by run. Runs without one are left out.
    """
    done = [row for row in predictions if row["run"] in results]
    grouped: defaultdict[str, list[Row]] = defaultdict(list)
    for group_of in (lambda row: row["part"], lambda row: "all", _group):
        for row in done:
            grouped[group_of(row)].append(row)
    return [summary_row(name, rows, results) for name, rows in grouped.items()]


def _group(row: Row) -> str:
    return "students" if row["teacher"] else _of_length(float(row["num_tokens"]))


def _of_length(num_tokens: float) -> str:
    return _LONG_RUNS if num_tokens > _LONG else _SHORT_RUNS


def summary_row(name: str, rows: list[Row], results: dict[str, float]) -> list[str]:
    """A line of `SUMMARY_COLUMNS`: errors, and how many losses are inside or below the interval."""
    errors = np.array([error(row, results) for row in rows])
    sizes = np.abs(errors)
    within = sum(inside(row, results) for row in rows)
    below = sum(results[row["run"]] < float(row["low"]) for row in rows)
    numbers = [f"{size:.2f}" for size in (sizes.mean(), np.median(sizes), sizes.max())]
    return [name, str(len(rows)), *numbers, f"{errors.mean():+.2f}", str(within), str(below)]


def given_teachers(stacks: list[Stack], fits: Fits, results: dict[str, float]) -> list[Row]:
    """Predictions for trained students, from the measured loss of their teacher."""
    rows = []
    for stack in stacks:
        for run in stack.runs:
            if run.teacher is not None and {run.name, run.teacher.name} <= results.keys():
                predicted, drawn = losses(run, fits, results[run.teacher.name])
                low, high = interval(drawn)
                numbers = {"predicted": predicted, "low": low, "high": high}
                rows.append({"run": run.name} | {key: str(each) for key, each in numbers.items()})
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


def seed_rows(stacks: list[Stack], results: dict[str, float]) -> list[list[str]]:
    """A line for each run with several seeds: the losses and their standard deviation."""
    found = defaultdict(list)
    for stack in stacks:
        for run in stack.runs:
            if run.name in results:
                found[run.name.replace(f"-seed{run.seed}", "")].append(results[run.name])
    return [
        [
            name,
            ", ".join(f"{loss:.4f}" for loss in some),
            f"{100 * np.std(np.log(some), ddof=1):.2f}",
        ]
        for name, some in found.items()
        if len(some) > 1
    ]


def refit_rows(bundled: Runs, path: Path, num_starts: int) -> list[list[str]]:
    """Errors of the new supervised runs when the law is fitted without them, and with them.

    Only the first fit predicts. The others show which part of the errors the form of the law
    causes: the errors that remain although the law has seen the runs.

    Args:
        bundled: the bundled supervised runs.
        path: the table of the new runs.
        num_starts: of each fit.
    """
    rows = [row for row in read(path) if row["kind"] == "supervised" and row["status"] == "ok"]
    inputs = {
        key: np.array([float(row[key]) for row in rows]) for key in ("num_params", "num_tokens")
    }
    loss = np.array([float(row["loss"]) for row in rows])
    new = inputs | {"loss": loss}
    old = {**bundled.inputs, "loss": bundled.loss}
    both = Runs.read({key: np.concatenate([old[key], new[key]]) for key in new})
    length = np.array([_of_length(each) for each in inputs["num_tokens"]])
    lines = []
    for name, runs, objective in (
        ("bundled runs", bundled, Huber()),
        ("bundled and new runs", both, Huber()),
        ("the same, least squares", both, LogSquares()),
        ("new runs", Runs.read(new), Huber()),
    ):
        law = fit(Supervised, runs, num_starts=num_starts, objective=objective).law
        errors = 100 * (predict(law, inputs) / loss - 1)
        for group in (_SHORT_RUNS, _LONG_RUNS):
            some = errors[length == group]
            size, bias = f"{np.abs(some).mean():.2f}", f"{some.mean():+.2f}"
            lines.append([name, group, str(len(some)), size, bias])
    return lines
