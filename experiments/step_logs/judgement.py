"""The annealed loss of unfinished runs, predicted by the law of the training curve."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from experiments.runlab.optimiser import rate_at
from experiments.runlab.runs import LEARNING_RATE
from fitting import FitResult, Runs, fit, markdown_table, predict
from jaxlaws.foundations.annotations import Array
from jaxlaws.laws.further_inputs.annealing import LearningRateAnnealing, annealing_inputs

FIRST_STEP = 1000  # twice the longest warm-up: earlier steps are not fitted
MOMENTA = (0.95, 0.98, 0.99, 0.995, 0.998)  # the one with the lowest objective is taken
DRAWS, LEVEL = 200, 0.9
INPUTS = LearningRateAnnealing.input_names


class End(NamedTuple):
    """The loss at the end of an unfinished run, measured and predicted, with its interval."""

    case: str
    run: str
    momentum: float
    loss: float
    predicted: float
    low: float
    high: float

    @property
    def error(self) -> float:
        """Of the predicted loss, in per cent."""
        return 100 * (self.predicted / self.loss - 1)

    @property
    def is_inside(self) -> bool:
        """Whether the interval contains the loss."""
        return self.low <= self.loss <= self.high


def steps_of(rows: list[dict], momentum: float) -> Runs:
    """The steps of all runs with the inputs of the law."""
    kept = [row for row in rows if int(row["step"]) >= FIRST_STEP]
    inputs = {}
    for row in kept:
        key = row["schedule"], int(row["num_steps"])
        if key not in inputs:
            rates = LEARNING_RATE * np.asarray(rate_at(np.arange(key[1]), key[1], key[0]))
            inputs[key] = annealing_inputs(rates, momentum)
    columns: dict[str, list] = {
        name: [float(row[name]) for row in kept] for name in ("num_params", "loss", "step")
    }
    for name in ("rate_sum", "annealed_rate"):
        columns[name] = [
            inputs[row["schedule"], int(row["num_steps"])][name][int(row["step"]) - 1]
            for row in kept
        ]
    columns["done"] = [int(row["step"]) / int(row["num_steps"]) for row in kept]
    for name in ("run", "schedule"):
        columns[name] = [row[name] for row in kept]
    return Runs.read(columns, law_type=LearningRateAnnealing, checkpoints="all")


def fitted(rows: list[dict], known: np.ndarray) -> tuple[Runs, FitResult, float]:
    """The steps, the fit to the known ones, and its momentum."""
    tables = {momentum: steps_of(rows, momentum) for momentum in MOMENTA}
    costs = {
        momentum: fit(LearningRateAnnealing, steps.where(known), num_starts=16).objective
        for momentum, steps in tables.items()
    }
    best = min(costs, key=lambda momentum: costs[momentum])
    result = fit(
        LearningRateAnnealing,
        tables[best].where(known),
        num_starts=16,
        bootstrap=DRAWS,
        cluster="run",
    )
    return tables[best], result, best


def ends(rows: list[dict], case: str, unfinished: list[str]) -> Iterator[End]:
    """The ends of unfinished runs, of which the first half is known, and of the others all.

    The law predicts how much the loss of a run changes from the last known steps to the end: the
    mean residual of the last quarter of the known steps is the run's own offset. The interval has
    the laws of the bootstrap and, for the scatter of single runs, the same difference of residuals
    in the finished runs.
    """
    steps = steps_of(rows, MOMENTA[0])
    is_open, done = np.isin(steps.others["run"], unfinished), steps.column("done")
    steps, result, momentum = fitted(rows, ~is_open | (done <= 0.5))
    inputs = {name: steps.inputs[name] for name in INPUTS}
    residuals = np.log(steps.loss / predict(result.law, inputs))
    columns = {name: values[:, None] for name, values in inputs.items()}  # beside the draws
    drawn = np.log(steps.loss / predict(result.usable_ensemble(), columns).T)

    def at_end(name: str, residuals: Array) -> Array:
        """The residual at the end beyond the offset, `(...)` from `(..., num_steps)`."""
        mine = steps.others["run"] == name
        near = mine & (done > 0.375) & (done <= 0.5)
        return residuals[..., mine & (done == 1)][..., 0] - residuals[..., near].mean(axis=-1)

    names = sorted(set(steps.others["run"]))
    scatter = np.array([at_end(name, residuals) for name in names if name not in unfinished])
    random = np.random.default_rng(0)
    for name in unfinished:
        loss = float(steps.loss[(steps.others["run"] == name) & (done == 1)][0])
        draws = loss * np.exp(random.choice(scatter, DRAWS) - _some(at_end(name, drawn), random))
        low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        predicted = loss * np.exp(-at_end(name, residuals))
        yield End(case, name, momentum, loss, float(predicted), float(low), float(high))


def _some(draws: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return random.choice(draws, DRAWS)


def judged(rows: list[dict]) -> list[End]:
    """Each run unfinished in turn, and all runs of one schedule unfinished at once."""
    schedules = {row["run"]: row["schedule"] for row in rows}
    found = [end for name in schedules for end in ends(rows, "one run", [name])]
    for schedule in sorted(set(schedules.values())):
        unfinished = [name for name in schedules if schedules[name] == schedule]
        found += ends(rows, f"all {schedule}", unfinished)
    return found


def report(rows: list[dict]) -> str:
    """Two tables in Markdown: each end, and the errors and the coverage of each case."""
    found = judged(rows)
    lines = [
        [
            each.case, each.run, f"{each.momentum:g}", f"{each.loss:.4f}", f"{each.predicted:.4f}",
            f"{each.low:.4f} to {each.high:.4f}", f"{each.error:+.2f}",
            "yes" if each.is_inside else "no",
        ]
        for each in found
    ]  # fmt: skip
    cases = {}
    for each in found:
        cases.setdefault(each.case, []).append(each)
    sums = [
        [
            case,
            str(len(some)),
            f"{np.mean([abs(each.error) for each in some]):.2f}",
            f"{max(abs(each.error) for each in some):.2f}",
            f"{np.mean([each.error for each in some]):+.2f}",
            str(sum(each.is_inside for each in some)),
        ]
        for case, some in cases.items()
    ]
    heads = [
        "unfinished",
        "run",
        "momentum",
        "end",
        "predicted",
        "90% interval",
        "error %",
        "inside",
    ]
    columns = ["unfinished", "ends", "mean error %", "worst %", "bias %", "inside"]
    return markdown_table(heads, lines) + "\n\n" + markdown_table(columns, sums)
