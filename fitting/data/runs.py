"""Runs: the checked table of observations that laws are fitted to."""

import dataclasses
import warnings
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import Any

import numpy as np

from fitting.data.columns import (
    OUTCOME,
    Columns,
    hint,
    is_missing,
    missing_columns,
    positive_number,
    unchanging,
)
from fitting.data.design_checks import WeakDesignWarning, weaknesses
from fitting.data.table_files import Table, read_table
from jaxlaws.foundations.errors import DataError

# The inputs of the two kinds of runs that one table may hold.
KINDS = {
    "supervised": ("num_params", "num_tokens"),
    "distilled": ("num_student_params", "num_student_tokens", "teacher_loss"),
}
_MOST_TOLD = 20


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Runs:
    """Runs with their inputs, their loss and whatever else the table says of them; immutable.

    A table may hold supervised and distilled runs together. `for_law` takes the rows that a law's
    inputs call for; the others stay at hand in `left`, for the law's sub-laws.

    Attributes:
        inputs: values by input name, `(num_runs,)` each, NaN where a run has none.
        loss: `(num_runs,)`.
        others: the table's other columns by their own names, numbers or texts.
        rows: where each run stands in its source, as a person counts lines or rows.
        source: the file, as messages name it.
        left: the runs that the last `for_law` did not call for, or None.
    """

    inputs: Mapping[str, np.ndarray]
    loss: np.ndarray
    others: Mapping[str, np.ndarray]
    rows: np.ndarray
    source: str
    left: "Runs | None" = None
    # As read: what a number was made of, and the table's name of the column.
    _cells: Mapping[str, np.ndarray] = dataclasses.field(repr=False)
    _titles: Mapping[str, str] = dataclasses.field(repr=False)

    @classmethod
    def read(
        cls,
        source: Any,
        columns: Mapping[str, str] | None = None,
        law_type: type[Any] | None = None,
    ) -> "Runs":
        """Read runs from a file or a data frame, and check them.

        Args:
            source: path of a `.csv`, `.tsv`, `.jsonl` or `.parquet` file, a data frame of any
                library that narwhals knows, or a mapping of columns. Numbers may be written
                `1.5B`, `20T`, `3.5e9`.
            columns: the table's name for each of ours that differs, such as
                `{"loss": "student_loss"}`.
            law_type: keep and check only the rows that this law's inputs call for.

        >>> runs = Runs.read(
        ...     {"N": ["1M", "10M", "90M"], "num_tokens": [1e8, 8e8, 3e8], "loss": [4.1, 3.2, 2.9]},
        ...     columns={"num_params": "N"},
        ... )
        >>> runs.inputs["num_params"].tolist(), len(runs)
        ([1000000.0, 10000000.0, 90000000.0], 3)

        Raises:
            DataError: cells are missing, no numbers, infinite, zero or negative (all are named, up
                to a limit), a column is missing, or the file is no table.
            ValueError: `columns` names no input.
            OSError: the file cannot be opened.

        Warns:
            WeakDesignWarning: the runs cannot tell the coefficients of a law apart.
        """
        runs = _from_table(read_table(source), columns or {})
        if law_type is not None:
            runs = runs.for_law(law_type)
            kinds = [(runs, law_type.input_names)]
        else:
            runs._refuse_any_bad_cell()
            kinds = [
                (runs.where(runs._called_for(names)), names)
                for names in KINDS.values()
                if set(names) <= set(runs.inputs)
            ]
        for group, names in kinds:
            if not len(group):
                continue  # a kind of runs of which the table has the columns but no row
            for weakness in group.weaknesses(names):
                warnings.warn(f"{runs.source}: {weakness}", WeakDesignWarning, stacklevel=2)
        return runs

    def __len__(self) -> int:
        return len(self.rows)

    def where(self, mask: Any) -> "Runs":
        """The runs for which a boolean array `(num_runs,)` is true, in their order.

        >>> runs = Runs.read({"num_params": [1e6, 1e7, 4e8], "loss": [4.0, 3.0, 2.5]})
        >>> runs.where(runs.loss < 3.5).rows.tolist()
        [2, 3]
        """
        chosen = np.asarray(mask)
        if chosen.dtype != bool or chosen.shape != self.rows.shape:
            raise ValueError(
                f"expected a boolean array of shape {self.rows.shape}, "
                f"got {chosen.dtype} of shape {chosen.shape}"
            )
        return self._map(lambda values: values[chosen])

    def for_law(self, law_type: type[Any]) -> "Runs":
        """The runs that a law's inputs call for, each complete; the others are its `left`.

        A run is called for where it has any of the law's inputs. One with a `teacher_loss` is a
        distilled run, which only a law with that input calls for.

        Raises:
            DataError: a column is missing, no run is called for, or cells of these cannot be used.
        """
        names = law_type.input_names
        whole = self.whole()
        missing = [name for name in names if name not in whole.inputs]
        if missing:
            raise missing_columns(whole.source, missing, whole._titles, whole.others)
        mask = whole._called_for(names)
        if not mask.any():
            but = "" if "teacher_loss" in names else ", other than those with a teacher_loss"
            raise DataError(f"{whole.source}: no row has {', '.join(names)}{but}")
        runs, left = whole.where(mask), whole.where(~mask)
        runs._refuse([(name, i) for i in range(len(runs)) for name in (*names, OUTCOME)])
        return dataclasses.replace(runs, left=left if len(left) else None)

    def column(self, name: str) -> np.ndarray:
        """Values of an input, of the loss, or of another column by its own name, `(num_runs,)`.

        >>> Runs.read({"num_params": [1e6, 1e7, 4e8], "loss": [4, 3, 2], "set": [*"aab"]}).column(
        ...     "set"
        ... ).tolist()
        ['a', 'a', 'b']

        Raises:
            ValueError: there is no such column.
        """
        known = {**self.others, **self.inputs, OUTCOME: self.loss}
        if name not in known:
            raise ValueError(
                f"{self.source} has no column {name!r}{hint(name, known)}; it has "
                f"{', '.join(known)}"
            )
        return known[name]

    def weights(self, column: str | None) -> np.ndarray:
        """The weight of each run by a column, one on average; of None, one each, `(num_runs,)`.

        Raises:
            ValueError: there is no such column, or a weight is no finite number above zero.
        """
        if column is None:
            return np.ones(len(self))
        values = self.column(column)
        numbers = np.full(len(self), np.nan) if values.dtype.kind == "U" else values
        wrong = ~((numbers > 0) & (numbers < np.inf))
        if wrong.any():
            row, value = self.rows[wrong][0], values[wrong][0]
            raise ValueError(
                f"{self.source}: weights are finite numbers above zero; row {row} of column "
                f"{column!r} has {value}"
            )
        return values / values.mean()

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
        """These runs and, after them, those that the last `for_law` left."""
        if self.left is None:
            return self
        whole = self._map(lambda *both: np.concatenate(both), self.left)
        return dataclasses.replace(whole, left=None)

    def weaknesses(self, input_names: Sequence[str]) -> tuple[str, ...]:
        """What is weak about these runs, in words, for a law that takes these inputs."""
        return weaknesses({name: self.inputs[name] for name in input_names}, self.loss)

    def _map(self, change: Any, *others: "Runs") -> "Runs":
        """Apply a function to every array, and to the same one of the other runs."""

        def over(field: str) -> dict[str, np.ndarray]:
            mappings = [getattr(runs, field) for runs in (self, *others)]
            return {key: unchanging(change(*(m[key] for m in mappings))) for key in mappings[0]}

        return dataclasses.replace(
            self,
            inputs=over("inputs"),
            loss=unchanging(change(*(runs.loss for runs in (self, *others)))),
            others=over("others"),
            rows=unchanging(change(*(runs.rows for runs in (self, *others)))),
            _cells=over("_cells"),
        )

    def _called_for(self, names: Sequence[str]) -> np.ndarray:
        filled = {
            name: np.array([not is_missing(cell) for cell in self._cells[name]], dtype=bool)
            for name in self.inputs
        }
        none_at_all = ~np.any(list(filled.values()), axis=0)  # no kind of row: a mistake to tell
        mine = np.any([filled[name] for name in names], axis=0) | none_at_all
        if "teacher_loss" in filled and "teacher_loss" not in names:
            mine &= ~filled["teacher_loss"]
        return mine

    def _refuse_any_bad_cell(self) -> None:
        """Without a law, a cell may be missing, except for the outcome, but not be wrong."""
        self._refuse(
            (name, i)
            for i in range(len(self))
            for name in self._cells
            if name == OUTCOME or not is_missing(self._cells[name][i])
        )

    def _refuse(self, places: Iterable[tuple[str, int]]) -> None:
        """Raise one error that names every one of these cells that cannot be used."""
        told = []
        for name, i in places:
            try:
                positive_number(self._cells[name][i])
            except ValueError as reason:
                cell = self._cells[name][i]
                told.append(f"row {self.rows[i]}, column {self._titles[name]}: {cell!r} {reason}")
        if told:
            more = [f"and {len(told) - _MOST_TOLD} more"] if len(told) > _MOST_TOLD else []
            raise DataError("\n  ".join([f"{self.source}:", *told[:_MOST_TOLD], *more]))


def bundled_runs(kind: str | None = None) -> Runs:
    """Runs of small language models that this project trained.

    The file beside the table says how they were made. Losses are nats per byte.

    Args:
        kind: "supervised" or "distilled"; both if not given.

    Raises:
        ValueError: no such kind.
    """
    if kind is not None and kind not in KINDS:
        raise ValueError(f"expected a kind of {', '.join(KINDS)}, got {kind!r}")
    with resources.as_file(resources.files("fitting") / "bundled" / "runs.csv") as path:
        table = read_table(path)
    ok = [i for i, status in enumerate(table.columns["status"]) if status == "ok"]
    done = Table(
        "the bundled runs",
        {name: [cells[i] for i in ok] for name, cells in table.columns.items()},
        [table.rows[i] for i in ok],
    )
    runs = _from_table(done, {})
    if kind is None:
        return runs
    return dataclasses.replace(runs.where(runs._called_for(KINDS[kind])), left=None)


def _from_table(table: Table, names: Mapping[str, str]) -> Runs:
    columns = Columns.of(table, names)
    return Runs(
        inputs={name: each for name, each in columns.numbers.items() if name != OUTCOME},
        loss=columns.numbers[OUTCOME],
        others=columns.others,
        rows=unchanging(np.array(table.rows)),
        source=table.source,
        _cells=columns.cells,
        _titles=columns.titles,
    )
