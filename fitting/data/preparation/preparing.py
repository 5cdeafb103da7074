"""From a table as read to a table whose columns have the names and units of inputs."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from fitting.data.cell_values import is_missing, numbers_in
from fitting.data.hints import column_option
from fitting.data.preparation.derived_columns import derived
from fitting.data.preparation.header_units import (
    LOGARITHMS,
    factor_of_unit,
    header_unit,
    power,
    scaled,
)
from fitting.data.preparation.reading import Reading
from fitting.data.preparation.summary_rows import without_summaries
from fitting.data.preparation.usual_names import (
    EPOCHS,
    NAMES,
    TOKENS_OF_AN_EPOCH,
    named,
    our_names,
    proposals,
)
from fitting.data.preparation.wide_tables import from_wide, refuse_chart
from fitting.data.table_files import Table
from jaxlaws.foundations.errors import DataError
from jaxlaws.foundations.law import Law, outcomes_of
from jaxlaws.foundations.quantities import parse_quantity
from jaxlaws.inputs import OUTCOME, Input

_COUNTED = ("parameters", "tokens", "floating-point operations")  # units of counts
_SUPERVISED = ("num_params", "num_tokens")
_DISTILLED = ("num_student_params", "num_student_tokens", "teacher_loss")
# FLOPs of a column that is proposed for `flops` differ from 6 N D by less than this factor.
_FLOPS_FACTOR = 4.0


class _Preparation:
    """A table, the names of its columns so far, and what was done to it."""

    def __init__(
        self,
        table: Table,
        columns: Mapping[str, str],
        kinds: Mapping[str, Input],
        law_type: type[Law] | None,
    ) -> None:
        self.source, self.rows = table.source, table.rows
        self.cells: dict[str, Sequence[object]] = dict(table.columns)
        self.outcomes = outcomes_of(law_type) or (OUTCOME,)
        self.titles = {n: columns.get(n, n) for n in (*kinds, *self.outcomes)}
        self.titles = {n: title for n, title in self.titles.items() if title in self.cells}
        self.given = columns
        self.kinds, self.law_type = kinds, law_type
        self.notes: list[str] = list(table.notes)

    def values(self) -> dict[str, np.ndarray]:
        return {name: numbers_in(self.cells[title]) for name, title in self.titles.items()}

    def wanted(self) -> list[str]:
        """The inputs and the outcomes that the table must have."""
        if self.law_type is not None:
            return [*self.law_type.input_names, *self.outcomes]
        is_distilled = all(name in self.titles for name in _DISTILLED)
        return [*(() if is_distilled else _SUPERVISED), *self.outcomes]

    def propose(self, name: str) -> None:
        """Take the only column with a usual name of an input.

        Raises:
            DataError: several columns have such names.
        """
        found = proposals(name, self.cells, set(self.titles.values()))
        if name == "num_tokens" and named(EPOCHS, self.cells):  # tokens of one epoch are not all
            found = [title for title in found if title not in named(TOKENS_OF_AN_EPOCH, found)]
        if len(found) > 1:
            options = " or ".join(column_option(name, title) for title in found[:4])
            raise DataError(
                f"{self.source} has no column {name}, and several columns may hold it: "
                f"{', '.join(found[:8])}. Choose one: {options} "
                f"(in Python columns={{{name!r}: {found[0]!r}}})"
            )
        if found:
            self.titles[name] = found[0]
            self.notes.append(f"{name} is the column {found[0]!r}")

    def propose_one_input(self) -> None:
        """For a law of one quantity: take the one that the table has, whatever it is."""
        names = () if self.law_type is None else self.law_type.input_names
        if len(names) != 1 or names[0] not in ("flops", "scale") or names[0] in self.titles:
            return
        taken = set(self.titles.values())
        for other in ("flops", *_SUPERVISED):
            title = self.titles.get(other)
            found = [title] if title else proposals(other, self.cells, taken)
            if len(found) == 1 and other != names[0]:
                self.titles.pop(other, None)
                self.titles[names[0]] = found[0]
                self.notes.append(
                    f"{names[0]}, the one input of the law, is the column {found[0]!r}"
                )
                return

    def propose_flops(self) -> None:
        """Take a column of compute that agrees with 6 N D, as far as N and D are known."""
        found = proposals("flops", self.cells, set(self.titles.values()))
        if "flops" in self.titles or len(found) != 1:
            return
        values = self.values()
        flops = header_unit(found[0])[1] * numbers_in(self.cells[found[0]])
        if set(_SUPERVISED) <= set(values):
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio = flops / (6 * values["num_params"] * values["num_tokens"])
            middle = np.nanmedian(ratio) if np.isfinite(ratio).any() else np.nan
            if not 1 / _FLOPS_FACTOR < middle < _FLOPS_FACTOR:
                return
        self.titles["flops"] = found[0]
        self.notes.append(f"flops is the column {found[0]!r}")

    def derive(self, name: str) -> None:
        """Compute a missing input from other columns, if there is a way."""
        try:
            found = derived(name, self.cells, self.values(), set(self.titles.values()))
        except DataError as error:
            raise DataError(f"{self.source}: {error}") from None
        if found is None:
            return
        values, how = found
        self.cells[name] = [None if np.isnan(value) else float(value) for value in values]
        self.titles[name] = name
        word = "token" if "tokens" in name else "param" if "params" in name else name
        taken = (*self.titles.values(), how)
        unused = [repr(t) for t in self.cells if word in t.lower() and t not in " ".join(taken)]
        but = f" (columns that are not used: {', '.join(unused[:4])})" if unused else ""
        self.notes.append(f"{name} is computed: {how}{but}")

    def convert_units(self, names: Collection[str], units: Mapping[str, str]) -> None:
        """Multiply columns by the units in their headers, or by those that the user gives."""
        for name in names:
            title = self.titles[name]
            if units.get(name) in LOGARITHMS:
                powers = power(numbers_in(self.cells[title]), units[name])
                self.cells[title] = [None if np.isnan(each) else float(each) for each in powers]
                self.notes.append(
                    f"{name}: the column {title!r} holds its logarithm, {units[name]}"
                )
                continue
            if name in units:
                factor = factor_of_unit(name, units[name])
            elif name in self.outcomes or title == name or self.kinds[name].unit not in _COUNTED:
                factor = 1.0
            else:
                factor = header_unit(title)[1]
            if factor != 1.0:
                self.cells[title] = scaled(self.cells[title], factor)
                self.notes.append(
                    f"{name}: the values of the column {title!r} are multiplied by {factor:g}"
                )

    def convert_outcome(self, kind: str | None) -> None:
        """Convert the outcomes to nats."""
        if kind in (None, "nats"):
            return
        how = {"bits": "multiplied by log 2", "perplexity": "replaced by their logarithms"}[kind]
        for name in self.outcomes:
            title = self.titles.get(name)
            if title is not None:
                self.cells[title] = [_in_nats(cell, kind) for cell in self.cells[title]]
                self.notes.append(f"{name}: the values of the column {title!r} are {how}")

    def table(self) -> Table:
        return Table(self.source, self.cells, self.rows, tuple(self.notes))


def prepare(
    table: Table,
    columns: Mapping[str, str],
    kinds: Mapping[str, Input],
    law_type: type[Law] | None,
    reading: Reading,
) -> tuple[Table, dict[str, str]]:
    """Find, convert and derive the columns that hold the inputs and the outcomes.

    Args:
        table: as read.
        columns: the titles that the user gives, by the name of an input.
        kinds: the known inputs, by name.
        law_type: the class of the law, or None.
        reading: the options of `Runs.read`.

    Returns:
        The table, whose notes say what was done, and the title of each input and outcome.

    Raises:
        DataError: several columns may hold an input, or the table is wide and not clear.
        ValueError: a unit does not exist.
    """
    known = {*kinds, *(outcomes_of(law_type) or (OUTCOME,))}
    columns, units = our_names(columns, known), our_names(reading.units, known)
    unknown = [theirs for theirs in columns.values() if theirs not in table.columns]
    if unknown or not set(columns) <= known:
        return table, dict(columns)  # reported with the names that are known
    table = without_summaries(table)
    work = _Preparation(table, columns, kinds, law_type)
    if OUTCOME in work.wanted() and OUTCOME not in work.titles:
        refuse_chart(table)
        wide = from_wide(table, columns)
        if wide is not None:
            work = _Preparation(wide, columns, kinds, law_type)
    for name in work.wanted():
        if name not in work.titles and name in NAMES:
            work.propose(name)
    work.propose_one_input()
    work.convert_units([name for name in work.titles if name != "flops"], units)
    work.propose_flops()
    work.convert_units([name for name in work.titles if name == "flops"], units)
    for name in units.keys() - work.titles.keys():
        raise DataError(
            f"{table.source}: a unit is given for {name}, which the table does not have; it has "
            f"{', '.join(work.titles)}"
        )
    work.convert_outcome(reading.loss_unit)
    for name in (*work.wanted(), "flops", *work.wanted()):  # tokens may need a logarithm of flops
        if name not in work.titles and not set(work.wanted()) <= set(work.titles):
            work.derive(name)  # a loss is derived in nats
    return work.table(), work.titles


def _in_nats(cell: object, kind: str) -> object:
    if is_missing(cell):
        return cell
    try:
        value = parse_quantity(cell) if isinstance(cell, str) else float(cell)  # pyright: ignore
    except (TypeError, ValueError, OverflowError):
        return cell
    if kind == "bits":
        return value * float(np.log(2))
    return float(np.log(value)) if value > 0 else cell
