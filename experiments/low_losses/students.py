"""The distillation law fitted with and without short students, and with students of small steps."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from experiments.hold_outs.limit_form import Fitted, fits_of_forms, hold_out_rows
from experiments.hold_outs.parts import Part
from experiments.low_losses.judgement import SHORTEST, Rows, Tables, longer, small_batches, together
from experiments.predictions.__main__ import RESULTS
from experiments.runlab import table
from experiments.runlab.__main__ import TABLE as BUNDLED
from fitting import Runs, fit, lowest_losses
from fitting.validation.hold_outs import best_teachers
from jaxlaws.laws.supervised import Supervised


class Known(NamedTuple):
    """Runs to fit both laws to."""

    title: str
    alone: Runs
    taught: Runs


def longer_students(taught: Runs) -> Runs:
    """The students of at least 0.9 M symbols."""
    return taught.where(taught.inputs["num_student_tokens"] >= SHORTEST)


def both(*parts: Runs) -> Runs:
    """The students of several tables."""
    names = [*parts[0].inputs, "run", "teacher"]
    columns = {name: np.concatenate([part.column(name) for part in parts]) for name in names}
    return Runs.read(columns | {"loss": np.concatenate([part.loss for part in parts])})


def unlimited(path: Path) -> tuple[Runs, Runs]:
    """Supervised and distilled runs that no number of steps limits, as far as is known."""
    tables = Tables.read(path)
    alone = together(longer(tables.bundled), small_batches(tables.changed))
    return alone, longer_students(table.runs("distilled", BUNDLED))


def known(path: Path) -> list[Known]:
    """All bundled runs; those from 0.9 M symbols; these with the short runs of small steps."""
    tables = Tables.read(path)
    taught, changed = (table.runs("distilled", each) for each in (BUNDLED, path))
    short = changed.where(changed.inputs["num_student_tokens"] < SHORTEST)
    alone, long = unlimited(path)
    return [
        Known("all", tables.bundled, taught),
        Known("from 0.9 M symbols", longer(tables.bundled), long),
        Known("and short runs of 128", alone, both(long, short)),
    ]


def fits(sets: list[Known], draws: int, starts: int) -> list[Fitted]:
    """Fit each form to each set of runs."""
    return [
        each
        for title, alone, taught in sets
        for each in fits_of_forms(title, alone, taught, draws, starts)
    ]


def held_out_rows(sets: list[Known], starts: int) -> Rows:
    """Errors of each form on the same held-out students, fitted to each set of runs."""
    students = longer_students(table.runs("distilled", BUNDLED))
    further = table.runs("distilled", RESULTS)
    names = {
        "lowest quarter of losses": students.where(lowest_losses(students)),
        "two best teachers": students.where(best_teachers(students)),
        "students of the predictions": further,
    }
    lines = []
    for title, alone, taught in sets:
        for name, unseen in names.items():
            runs = both(taught, further) if unseen is further else taught
            seen = np.full(len(alone), True)
            if name.startswith("lowest"):
                seen = alone.loss > unseen.loss.max()
            elif name.startswith("two"):
                seen = ~np.isin(alone.others["run"], unseen.others["teacher"])
            mask = np.isin(runs.others["run"], unseen.others["run"])
            supervised = fit(Supervised, alone.where(seen), num_starts=starts).law
            part = Part(name, f"{name} ({mask.sum()})", runs, mask, supervised)
            lines += [[title, *line] for line in hold_out_rows([part], starts)]
    return lines
