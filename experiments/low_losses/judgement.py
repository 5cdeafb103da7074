"""Errors of the supervised law on held-out runs, fitted to several parts of the tables."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from experiments.hold_outs.__main__ import measures
from experiments.low_losses.plan import decisive
from experiments.predictions.__main__ import RESULTS
from experiments.runlab import table
from experiments.runlab.__main__ import TABLE as BUNDLED
from experiments.runlab.corpus import VOCABULARY
from experiments.runlab.runs import LEARNING_RATE
from fitting import LogSquares, Runs, fit, hold_out, lowest_losses, predict
from fitting.data.predictions import relative_errors
from fitting.estimation.options import FitChanges, FitOptions
from jaxlaws.laws.supervised import Supervised

SHORTEST = 0.9e6  # symbols; no bundled run is between 0.83 M and 1.02 M
LONG = 15e6  # symbols; no further run is between 10.3 M and 19.9 M
SMALL_BATCH = 128

Rows = list[list[str]]
CASE_COLUMNS = [
    "fitted to", "runs", "lowest quarter %", "bias %", "further to 10 M symbols %", "bias %",
    "further over 19 M %", "bias %",
]  # fmt: skip
BATCH_COLUMNS = [
    "parameters", "symbols", "symbols a step", "rate", "steps", "loss", "bundled", "change %",
    "law - loss %",
]  # fmt: skip
TOGETHER_COLUMNS = [
    "fitted to", "held out", "runs", "mean %", "median %", "worst tenth %", "worst %", "bias %",
]  # fmt: skip


class Case(NamedTuple):
    """Runs to fit the law to, and the options of the fit."""

    title: str
    runs: Runs
    options: FitChanges


class Tables(NamedTuple):
    """The supervised runs of the bundled table, of the predictions, and of this experiment."""

    bundled: Runs
    further: Runs
    changed: Runs

    @classmethod
    def read(cls, path: Path) -> "Tables":
        """Read the three tables; `path` is that of this experiment, without its teachers."""
        bundled, further, changed = (
            table.runs("supervised", each) for each in (BUNDLED, RESULTS, path)
        )
        own = [not name.startswith("t-") for name in changed.others["run"]]
        return cls(bundled, further, changed.where(np.array(own)))


def longer(runs: Runs, shortest: float = SHORTEST) -> Runs:
    """The runs of at least so many symbols."""
    return runs.where(runs.inputs["num_tokens"] >= shortest)


def with_columns(runs: Runs, **columns: np.ndarray) -> Runs:
    """The runs with other values of some columns, or with further columns."""
    return Runs.read({**runs.inputs, **runs.others, "loss": runs.loss, **columns})


def with_embedding(runs: Runs) -> Runs:
    """The runs with all parameters as their size."""
    whole = runs.inputs["num_params"] + 2 * VOCABULARY * runs.column("width")
    return with_columns(runs, num_params=whole)


def together(*parts: Runs) -> Runs:
    """The runs of several tables."""
    names = ("num_params", "num_tokens", "flops", "run")
    columns = {name: np.concatenate([part.column(name) for part in parts]) for name in names}
    return Runs.read(columns | {"loss": np.concatenate([part.loss for part in parts])})


def small_batches(changed: Runs) -> Runs:
    """The short runs with small steps and the learning rate of the bundled table."""
    others = changed.others
    return changed.where(
        (others["batch_tokens"] == SMALL_BATCH)
        & (others["learning_rate"] == LEARNING_RATE)
        & (changed.inputs["num_tokens"] < SHORTEST)
    )


def cases(tables: Tables) -> list[Case]:
    """Each possible cause, as a fit without it."""
    runs = tables.bundled
    free: FitChanges = {}
    one: FitChanges = {"freeze": {"gamma": 1.0}}
    tokens, flops, width = (runs.column(name) for name in ("num_tokens", "flops", "width"))
    short = int(np.sum(tokens < SHORTEST))
    seeds = np.array(["-seed" in name for name in runs.others["run"]])
    small = small_batches(tables.changed)
    again = np.array(["-seed" in name for name in small.others["run"]])
    eleven = np.isin(small.others["run"], [run.name for run in decisive()])
    replaced = {
        "these runs replaced by eleven of 128 symbols a step": small.where(eleven),
        "by second seeds of the eleven": small.where(again),
        f"by all {len(small)} of 128 symbols a step": small,
    }
    return [
        Case("all runs", runs, {}),
        Case("all runs, gamma 1", runs, one),
        Case("all runs, least squares", runs, {"objective": LogSquares()}),
        Case(
            "all runs, weights of root FLOPs",
            with_columns(runs, weight=np.sqrt(flops)),
            {"weights": "weight"},
        ),
        Case("one seed of each run", runs.where(~seeds), {}),
        Case("without the run that repeats text", runs.where(tokens < 32.2e6), {}),
        Case("N with embedding and head", with_embedding(runs), {}),
        Case("without widths 16 and 24", runs.where(width > 24), {}),
        Case(f"without the {short} runs of least FLOPs", runs.where(_but_least(flops, short)), {}),
        *(
            Case(f"without {short} random others, draw {draw}", runs.where(mask), {})
            for draw, mask in enumerate(_random_draws(runs, short), 1)
        ),
        Case(f"without the {short} runs under 0.9 M symbols", longer(runs), {}),
        Case("the same, gamma 1", longer(runs), one),
        *(
            Case(f"{title}{law}", together(longer(runs), short), options)
            for title, short in replaced.items()
            for law, options in (("", free), (", gamma 1", one))
        ),
    ]


def _but_least(values: np.ndarray, count: int) -> np.ndarray:
    return np.argsort(np.argsort(values, kind="stable"), kind="stable") >= count


def _random_draws(runs: Runs, count: int, draws: int = 4) -> Iterator[np.ndarray]:
    """All runs but so many, of which none is in the lowest quarter."""
    random, others = np.random.default_rng(0), np.flatnonzero(~lowest_losses(runs))
    for _ in range(draws):
        yield ~np.isin(np.arange(len(runs)), random.choice(others, count, replace=False))


def lengths(tables: Tables) -> list[Case]:
    """Fits to the bundled runs above several lengths."""
    found = []
    for shortest in (0.6e6, SHORTEST, 1.3e6, 2.3e6):
        runs = longer(tables.bundled, shortest)
        for law, freeze in (("", {}), (", gamma 1", {"gamma": 1.0})):
            found.append(Case(f"{shortest / 1e6:.1f} M symbols{law}", runs, {"freeze": freeze}))
    return found


def case_row(case: Case, tables: Tables, starts: int) -> list[str]:
    """A line of `CASE_COLUMNS`.

    The lowest quarter is that of all bundled runs, and is predicted by a fit without it. The
    further runs are predicted by a fit to all runs of the case.
    """
    bundled, further = tables.bundled, tables.further
    lowest = bundled.where(lowest_losses(bundled))
    if "embedding" in case.title:
        lowest, further = with_embedding(lowest), with_embedding(further)
    seen = case.runs.where(~np.isin(case.runs.others["run"], lowest.others["run"]))
    to_rest, to_all = (
        fit(Supervised, each, options=FitOptions(num_starts=starts), **case.options).law
        for each in (seen, case.runs)
    )
    long = further.inputs["num_tokens"] > LONG
    line = [case.title, str(len(case.runs))]
    predicted = ((to_rest, lowest), (to_all, further.where(~long)), (to_all, further.where(long)))
    for law, runs in predicted:
        errors = relative_errors(predict(law, runs.inputs), runs)
        line += [f"{np.abs(errors).mean():.2f}", f"{errors.mean():+.2f}"]
    return line


def batch_rows(tables: Tables, starts: int) -> Rows:
    """A line of `BATCH_COLUMNS` for each run of this experiment.

    `bundled` is the mean loss of the bundled runs of the same size and length; the law is fitted to
    the bundled runs of at least 0.9 M symbols.
    """
    law = fit(Supervised, longer(tables.bundled), num_starts=starts).law
    usual: defaultdict[tuple[float, float], list[float]] = defaultdict(list)
    for size, tokens, loss in _points(tables.bundled):
        usual[size, tokens].append(loss)
    runs = tables.changed
    errors = relative_errors(predict(law, runs.inputs), runs)
    lines = []
    sort_by = ("learning_rate", "batch_tokens", "num_tokens", "num_params")  # the last comes first
    for index in np.lexsort([runs.column(name) for name in sort_by]):
        size, tokens, loss = _points(runs)[index]
        batch, rate, steps = (
            runs.others[name][index] for name in ("batch_tokens", "learning_rate", "steps")
        )
        before = usual.get((size, tokens))
        mean = f"{np.mean(before):.3f}" if before else ""
        change = f"{100 * (loss / np.mean(before) - 1):+.1f}" if before else ""
        lines.append([
            f"{size:,.0f}", f"{tokens / 1e6:.2f} M", f"{batch:.0f}", f"{rate:g}", f"{steps:,.0f}",
            f"{loss:.3f}", mean, change, f"{errors[index]:+.1f}",
        ])  # fmt: skip
    return lines


def _points(runs: Runs) -> list[tuple[float, float, float]]:
    return list(zip(runs.inputs["num_params"], runs.inputs["num_tokens"], runs.loss, strict=True))


def together_rows(tables: Tables, starts: int) -> Rows:
    """Hold-outs by loss and by compute of the bundled and the further runs together.

    Each variant is fitted without the same runs: a quarter of the runs from 0.9 M symbols.
    """
    every = together(tables.bundled, tables.further)
    every = with_columns(every, weight=np.sqrt(every.column("flops")))
    corrected = together(longer(every), small_batches(tables.changed))
    variants = [
        Case("all runs", every, {}),
        Case("all runs, weights of root FLOPs", every, {"weights": "weight"}),
        Case("runs from 0.9 M symbols", longer(every), {}),
        Case("the same, and short runs of 128 symbols a step", corrected, {}),
    ]
    candidates = longer(every)
    flops = candidates.column("flops")
    quarters = {
        "lowest quarter of losses": candidates.where(lowest_losses(candidates)),
        "largest quarter of FLOPs": candidates.where(flops >= np.quantile(flops, 0.75)),
    }
    lines = []
    for title, runs, options in variants:
        for name, quarter in quarters.items():
            mask = np.isin(runs.others["run"], quarter.others["run"])
            held = hold_out(
                Supervised, runs, mask, against={}, options=FitOptions(num_starts=starts), **options
            )
            lines.append([title, name, str(mask.sum()), *measures(held.errors["law"])])
        result = fit(Supervised, runs, options=FitOptions(num_starts=starts), **options)
        errors = relative_errors(predict(result.law, runs.inputs), runs)
        lines.append([title, "nothing", str(len(runs)), *measures(errors)])
    return lines
