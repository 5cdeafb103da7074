"""Which rows of a table are read, and whether their numbers are plausible."""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fitting.data.preparation.finding import Finding
from fitting.data.preparation.plausibility import findings, names_of_checks
from fitting.data.preparation.reading import Reading, TableNote, TableWarning, report
from fitting.data.preparation.repeated_rows import (
    best_of_cells,
    checkpoints_of_runs,
    far_apart,
    unnamed_checkpoints,
)
from fitting.data.row_filter import matching
from jaxlaws.foundations.errors import DataError
from jaxlaws.foundations.law import Law

if TYPE_CHECKING:
    from fitting.data.runs import Runs


def choose_rows(
    runs: "Runs", notes: Sequence[str], reading: Reading, law_type: type[Law] | None = None
) -> "Runs":
    """The rows that `where`, `checkpoints` and `best_of` choose.

    Args:
        runs: all rows, not yet checked.
        notes: what was found, converted and computed, to be reported.
        reading: the options of `Runs.read`.
        law_type: the class of the law, whose inputs must be equal for `best_of`; None: all inputs.

    Raises:
        DataError: no row is left.
        ValueError: an option of `reading` is not valid.
    """
    for name in reading.allow:
        if name not in names_of_checks():
            raise ValueError(
                f"there is no check {name!r} to allow; the checks are "
                f"{', '.join(names_of_checks())}"
            )
    notes = list(notes)
    if reading.where is not None:
        chosen = matching(runs, reading.where)
        if not chosen.any():
            raise DataError(f"{runs.source}: no row has {reading.where!r}")
        notes.append(f"rows left out: {(~chosen).sum()}, for which {reading.where!r} is not true")
        runs = runs.where(chosen)
    found = checkpoints_of_runs(runs.inputs, runs.others)
    if found is not None:
        what = f"{len(runs)} rows are checkpoints of {found.last.sum()} runs (columns {found.run}, "
        what += f"{found.step})"
        if reading.checkpoints == "last":
            notes.append(f"{what}: the last row of each run is read; --checkpoints all reads all")
            runs = runs.where(found.last)
        else:
            notes.append(
                f"{what}, which are not independent: resample whole runs, --cluster "
                f"{shlex.quote(found.run)}"
            )
    if reading.best_of:
        runs, left_out = _best_of(runs, law_type)
        if left_out:
            notes.append(
                f"rows left out: {left_out}, each with a run of equal inputs and a lower or equal "
                "outcome"
            )
    report(runs.source, ["; ".join(notes)] if notes else [], TableNote)
    return runs


def _best_of(runs: "Runs", law_type: type[Law] | None) -> tuple["Runs", int]:
    """The run with the lowest outcome of each combination of inputs, and how many are left out."""
    names = runs.inputs if law_type is None else law_type.input_names
    inputs = {name: runs.inputs[name] for name in names if name in runs.inputs}
    if not inputs or runs.loss.ndim > 1:
        raise ValueError(
            f"{runs.source}: best_of needs inputs and one outcome: leave out best_of (--best-of)"
        )
    kept = best_of_cells(inputs, runs.loss)
    return runs.where(kept), int((~kept).sum())


def check_rows(
    runs: "Runs", reading: Reading, law_type: type[Law] | None, *, is_loss: bool = True
) -> None:
    """Check that the numbers of runs are plausible, and report what is unusual.

    Args:
        runs: the runs to fit.
        reading: the options of `Runs.read`.
        law_type: the class of the law, or None.
        is_loss: whether the outcome is one loss, which falls with size and tokens.

    Raises:
        DataError: the numbers are likely wrong; the message gives the remedy.
    """
    titles = dict(runs.titles)
    if reading.loss_unit is not None:
        titles["loss"] = "loss"  # the user has said what it is
    found = findings(
        runs.inputs, runs.loss, titles, runs.rows, runs.others, outcome_is_loss=is_loss
    )
    refusals = [each for each in found if each.refuses and each.name not in reading.allow]
    if refusals:
        raise DataError("\n  ".join([f"{runs.source}:", *map(_refusal, refusals)]))
    warned = [each.message for each in found]
    names = runs.inputs if law_type is None else law_type.input_names
    inputs = {name: runs.inputs[name] for name in names if name in runs.inputs}
    repeated = far_apart(inputs, runs.loss, runs.others) if is_loss else None
    unnamed = unnamed_checkpoints(runs.others)
    report(runs.source, [*warned, *filter(None, [unnamed or repeated])], TableWarning)


def _refusal(finding: Finding) -> str:
    allow = f"--allow {finding.name}"
    if allow in finding.message:
        return finding.message
    return f"{finding.message}. If the table is right, {allow}"
