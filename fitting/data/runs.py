"""Runs: the checked table of observations that laws are fitted to."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Unpack

import numpy as np

from fitting.data.columns import Cells, unchanging
from fitting.data.design_checks import WeakDesignWarning, weaknesses
from fitting.data.hints import hint, listed
from fitting.data.preparation.choosing import check_rows, choose_rows
from fitting.data.preparation.preparing import prepare
from fitting.data.preparation.reading import Reading, ReadingOptions, report
from fitting.data.run_display import DisplayedRuns
from fitting.data.table_files import Table, TableSource, read_table
from jaxlaws.foundations.annotations import Array
from jaxlaws.foundations.errors import DataError
from jaxlaws.foundations.law import Law, outcome_of, outcomes_of
from jaxlaws.inputs import INPUTS, OUTCOME, Input, inputs_of, known_inputs

RunKind = Literal["supervised", "distilled"]

# The inputs of the two kinds of runs that one table may hold.
KINDS: dict[RunKind, tuple[str, ...]] = {
    "supervised": ("num_params", "num_tokens"),
    "distilled": ("num_student_params", "num_student_tokens", "teacher_loss"),
}


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Runs(DisplayedRuns):
    """Runs with their inputs, their loss and the other columns of their table; immutable.

    A table may hold supervised and distilled runs together. `for_law` takes the rows that have
    the inputs of a law. The other rows stay available in `left`, for the sub-laws of the law.

    Attributes:
        inputs: values by input name, `(num_runs,)` each, NaN where a run has no value.
        loss: `(num_runs,)`; `(num_runs, num_outcomes)` for a law that declares several `outcomes`.
        others: the table's other columns by their own names, numbers or texts.
        left: the runs that the last `for_law` left out, or None.
        num_read: number of rows of the table, those that were not chosen included.
    """

    inputs: Mapping[str, np.ndarray]
    loss: np.ndarray
    others: Mapping[str, np.ndarray]
    left: "Runs | None" = None
    num_read: int
    _cells: Cells

    @classmethod
    def read(
        cls,
        source: TableSource,
        columns: Mapping[str, str] | None = None,
        law_type: type[Law] | None = None,
        outcome: Input | None = None,
        **options: Unpack[ReadingOptions],
    ) -> "Runs":
        """Read runs from a file or a data frame, and check them.

        Args:
            source: path of a table (`read_table` lists the formats), a data frame of any library
                that narwhals knows, or a mapping of columns. Numbers may be written `1.5B` or
                `3.5e9`. Whether they are plausible is checked for files and data frames only.
            columns: the table's name for each input or outcome whose column has another name,
                such as `{"loss": "student_loss"}`. Usual names are found without it.
            law_type: keep and check only the rows that have inputs of this law. The inputs that
                the law declares itself are read too; without it they stay among `others`.
            outcome: what the loss is, and which values it can have, such as
                `Input("score", may_be_negative=True)`. None: as the law declares it, or above zero.
            **options: units, rows and checks; see `ReadingOptions`.

        >>> runs = Runs.read(
        ...     {"N": ["1M", "10M", "90M"], "num_tokens": [1e8, 8e8, 3e8], "loss": [4.1, 3.2, 2.9]},
        ...     columns={"num_params": "N"},
        ... )
        >>> runs.inputs["num_params"].tolist(), len(runs)
        ([1000000.0, 10000000.0, 90000000.0], 3)

        Raises:
            DataError: cells are missing or not valid values of their input (the message names
                them), a column is missing, the file is not a table, or has likely wrong numbers.
            ValueError: `columns` has a key that is not an input, or an option has no such value.
            TypeError: the law takes an unknown input, or the source is not a table.
            OSError: the file cannot be opened.

        Warns:
            WeakDesignWarning: the runs are too similar to determine the coefficients of a law.
            TableNote: a column was found, converted or computed, or rows were left out.
            TableWarning: something in the table is unusual.
        """
        kind, names = outcome or outcome_of(law_type), outcomes_of(law_type)
        reading, kinds = Reading.of(options), known_inputs(law_type)
        table, titles = prepare(read_table(source), columns or {}, kinds, law_type, reading)
        runs = runs_of(table, titles, kinds, names, kind)
        runs = choose_rows(runs, table.notes, reading, law_type)
        if law_type is not None:
            runs = runs.for_law(law_type)
            groups = {law_type.input_names: runs}
        else:
            runs._cells.refuse_wrong()
            known = [names for names in KINDS.values() if set(names) <= set(runs.inputs)]
            groups = {names: runs.of_inputs(names) for names in known}
        if not isinstance(source, Mapping):
            check_rows(runs, reading, law_type, is_loss=kind is None and not names)
        for names, group in groups.items():
            if len(group):  # else the table has the columns of this kind of run, but no row
                report(runs.source, group.weaknesses(names), WeakDesignWarning, 2)
        return runs

    @property
    def rows(self) -> np.ndarray:
        """The number of each run's row in its source, as a person counts."""
        return self._cells.rows

    @property
    def titles(self) -> Mapping[str, str]:
        """The table's own name of each column of an input or an outcome, by our name."""
        return self._cells.titles

    def __len__(self) -> int:
        return len(self.rows)

    def where(self, mask: Array) -> "Runs":
        """The runs for which a boolean array `(num_runs,)` is true, in their order.

        >>> runs = Runs.read({"num_params": [1e6, 1e7, 4e8], "loss": [4.0, 3.0, 2.5]})
        >>> runs.where(runs.loss < 3.5).rows.tolist()
        [2, 3]

        Raises:
            ValueError: the mask has another shape or type.
        """
        chosen = np.asarray(mask)
        if chosen.dtype != bool or chosen.shape != self.rows.shape:
            raise ValueError(
                f"expected a boolean array of shape {self.rows.shape}, "
                f"got {chosen.dtype} of shape {chosen.shape}"
            )
        return self._map(lambda values: values[chosen])

    def for_law(self, law_type: type[Law]) -> "Runs":
        """The runs that have inputs of a law, each complete; the other runs are its `left`.

        A run with a `teacher_loss` is a distilled run, which only a law with that input takes.
        Inputs that the law declares itself may stand among the other columns of the table.

        Raises:
            DataError: a column is missing, no run has the inputs, or cells of the runs are not
                valid.
            TypeError: the law takes an unknown input.
        """
        names = law_type.input_names
        whole = self.whole()._with_inputs(inputs_of(law_type))._with_outcomes(law_type)
        missing = [name for name in names if name not in whole.inputs]
        if missing:
            raise whole._cells.missing(missing)
        mask = whole._has_inputs(names)
        if not mask.any():
            but = "" if "teacher_loss" in names else ", other than those with a teacher_loss"
            raise DataError(f"{whole.source}: no row has {', '.join(names)}{but}")
        runs, left = whole.where(mask), whole.where(~mask)
        outcomes = runs._cells.outcomes
        runs._cells.refuse([(name, i) for i in range(len(runs)) for name in (*names, *outcomes)])
        return dataclasses.replace(runs, left=left if len(left) else None)

    def of_inputs(self, names: Sequence[str]) -> "Runs":
        """The runs that have some of these inputs, complete or not."""
        return self.where(self._has_inputs(names))

    def column(self, name: str) -> np.ndarray:
        """Values of an input or the loss by our name, or of a column by its own, `(num_runs,)`.

        >>> Runs.read({"num_params": [1e6, 1e7, 4e8], "loss": [4, 3, 2], "set": [*"aab"]}).column(
        ...     "set"
        ... ).tolist()
        ['a', 'a', 'b']

        Raises:
            ValueError: there is no such column.
        """
        outcomes = zip(self._cells.outcomes, self.loss.reshape(len(self), -1).T, strict=True)
        known = {**self.others, **self.inputs, **dict(outcomes)}
        known |= {theirs: known[ours] for ours, theirs in self.titles.items() if ours in known}
        if name not in known:
            raise ValueError(
                f"{self.source} has no column {name!r}{hint(name, known)}; "
                f"{listed(name, list(known))}"
            )
        return known[name]

    def groups(self, column: str) -> np.ndarray:
        """The group of each run: its value in a column, `(num_runs,)`.

        Raises:
            ValueError: there is no such column, or a run has no value there.
        """
        labels = self.column(column)
        lacking = labels == "" if labels.dtype.kind == "U" else np.isnan(labels)
        if lacking.any():
            rows = ", ".join(str(row) for row in self.rows[lacking][:5])
            raise ValueError(f"{self.source}: column {column!r} is empty in row {rows}")
        return labels

    def whole(self) -> "Runs":
        """These runs and, after them, those that the last `for_law` left out."""
        if self.left is None:
            return self
        whole = self._map(lambda *both: np.concatenate(both), self.left)
        return dataclasses.replace(whole, left=None)

    def weaknesses(self, input_names: Sequence[str]) -> tuple[str, ...]:
        """The weaknesses of these runs for a law of these inputs, each as a sentence."""
        inputs = {name: self.inputs[name] for name in input_names}
        return weaknesses(inputs, self.loss, self._cells.kinds, self.rows)

    def _map(self, change: Callable[..., np.ndarray], *others: "Runs") -> "Runs":
        """Apply a function to every array, and to the same array of the other runs."""

        def over(field: str) -> dict[str, np.ndarray]:
            mappings = [getattr(runs, field) for runs in (self, *others)]
            return {key: unchanging(change(*(m[key] for m in mappings))) for key in mappings[0]}

        return dataclasses.replace(
            self,
            inputs=over("inputs"),
            loss=unchanging(change(*(runs.loss for runs in (self, *others)))),
            others=over("others"),
            _cells=self._cells.map(change, *(runs._cells for runs in others)),
        )

    def _with_inputs(self, wanted: Mapping[str, Input]) -> "Runs":
        """The same runs, with the inputs of a law's own read as the law declares them."""
        known = self._cells.kinds
        new = {name: kind for name, kind in wanted.items() if kind != known.get(name)}
        if not new:
            return self
        cells = self._cells.with_inputs(new)
        read = {name: cells.numbers(name) for name in new if name in cells.ours}
        others = {name: each for name, each in self.others.items() if name in cells.others}
        return dataclasses.replace(
            self, inputs={**self.inputs, **read}, others=others, _cells=cells
        )

    def _with_outcomes(self, law_type: type[Law]) -> "Runs":
        """The same runs, with the outcomes read as a law declares them."""
        names, kind = outcomes_of(law_type), outcome_of(law_type)
        outcomes, cells = names or (OUTCOME,), self._cells
        if (outcomes, kind or cells.outcome) == (cells.outcomes, cells.outcome):
            return self
        cells = cells.with_outcomes(outcomes, kind)
        others = {name: cells.plain(name) for name in cells.others}
        return dataclasses.replace(self, loss=cells.losses(), others=others, _cells=cells)

    def _has_inputs(self, names: Sequence[str]) -> np.ndarray:
        """Which runs have some of these inputs, `(num_runs,)`; see `for_law`."""
        filled = {name: self._cells.filled(name) for name in self.inputs}
        without_any = ~np.any(list(filled.values()), axis=0)  # a mistake, which is reported later
        has = np.any([filled[name] for name in names], axis=0) | without_any
        if "teacher_loss" in filled and "teacher_loss" not in names:
            has &= ~filled["teacher_loss"]
        return has


def runs_of(
    table: Table,
    names: Mapping[str, str],
    kinds: Mapping[str, Input] = INPUTS,
    outcomes: tuple[str, ...] = (),
    outcome: Input | None = None,
) -> Runs:
    """The runs in a table, not yet checked.

    Args:
        table: as read.
        names: the table's name for each input or outcome whose column has another name.
        kinds: the known inputs, by name.
        outcomes: the columns of the outcomes, if there are several.
        outcome: what the outcomes are; None: numbers above zero.

    Raises:
        ValueError: `names` has a key that is not an input.
        DataError: a column is missing.
    """
    cells = Cells.of(table, names, kinds, outcomes or (OUTCOME,), outcome)
    return Runs(
        inputs={name: cells.numbers(name) for name in cells.ours if name not in cells.outcomes},
        loss=cells.losses(),
        others={name: cells.plain(name) for name in cells.others},
        num_read=len(cells.rows),
        _cells=cells,
    )
