"""The columns of a table by the names of inputs, each cell as read and as a number."""

import dataclasses
import math
import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches

import numpy as np

from fitting.data.cell_values import (
    POSITIVE,
    has_numbers,
    input_number,
    is_missing,
    is_missing_or_text,
    is_plausible,
)
from fitting.data.hints import column_option, hint, listed, where_option
from fitting.data.preparation.usual_names import DERIVED, resembling
from fitting.data.table_files import Table
from jaxlaws.foundations.errors import DataError
from jaxlaws.inputs import INPUTS, OUTCOME, Input

_MOST_REPORTED = 20
_STATES = ("state", "status")  # titles of a column that says how a run ended
_MOST_NAMED = 12

_ANY_NUMBER = Input("a number", may_be_negative=True)


@dataclasses.dataclass(frozen=True, eq=False)
class Cells:
    """The cells of a table as read, by the names of inputs.

    Attributes:
        source: the table, as messages name it.
        rows: the number of each row, as a person counts, `(num_rows,)`.
        kinds: the known inputs, by name.
        outcomes: the columns of outcomes, by our name.
        outcome: what the outcomes are, and which values they can have.
        titles: the table's own name of each column of an input or an outcome, by our name.
        ours: the cells of these columns, by our name.
        others: the cells of the other columns, by the table's own name.
    """

    source: str
    rows: np.ndarray
    kinds: Mapping[str, Input]
    outcomes: tuple[str, ...]
    outcome: Input
    titles: Mapping[str, str]
    ours: Mapping[str, np.ndarray]
    others: Mapping[str, np.ndarray]

    @classmethod
    def of(
        cls,
        table: Table,
        names: Mapping[str, str],
        kinds: Mapping[str, Input],
        outcomes: tuple[str, ...],
        outcome: Input | None,
    ) -> "Cells":
        """The cells of a table.

        Args:
            table: as read.
            names: the table's name for each input or outcome whose column has another name.
            kinds: the known inputs, by name.
            outcomes: the columns of outcomes, by our name.
            outcome: what the outcomes are; None: numbers above zero.

        Raises:
            ValueError: `names` has a key that is not the name of an input.
            DataError: the table has no such column, or no column of an outcome.
        """
        known = [*kinds, *outcomes]
        for name, theirs in names.items():
            if name not in known:
                raise ValueError(
                    f"no input {name!r}{hint(name, known)}. For an input that your own law "
                    f"declares, pass law_type=. The known inputs are {', '.join(known)}"
                )
            if theirs not in table.columns:
                raise DataError(
                    f"{table.source} has no column {theirs!r}{hint(theirs, table.columns)}; "
                    f"{listed(theirs, list(table.columns))}"
                )
        titles = {name: names.get(name, name) for name in known}
        titles = {name: theirs for name, theirs in titles.items() if theirs in table.columns}
        cells = {name: _objects(values) for name, values in table.columns.items()}
        found = cls(
            source=table.source,
            rows=unchanging(np.array(table.rows)),
            kinds=kinds,
            outcomes=outcomes,
            outcome=outcome or POSITIVE,
            titles=titles,
            ours={name: cells[theirs] for name, theirs in titles.items()},
            others={name: each for name, each in cells.items() if name not in titles.values()},
        )
        lacking = [name for name in outcomes if name not in titles]
        if lacking:
            raise found.missing(lacking)
        return found

    def numbers(self, name: str) -> np.ndarray:
        """The numbers in a column of ours, NaN where a cell holds no valid number."""
        return unchanging(np.array([self._number_or_nan(name, cell) for cell in self.ours[name]]))

    def losses(self) -> np.ndarray:
        """The outcomes, `(num_rows,)` for `loss` alone, else `(num_rows, num_outcomes)`."""
        if self.outcomes == (OUTCOME,):
            return self.numbers(OUTCOME)
        return unchanging(np.stack([self.numbers(name) for name in self.outcomes], axis=1))

    def plain(self, name: str) -> np.ndarray:
        """Another column: numbers where every filled cell holds a number, texts otherwise."""
        cells = self.others[name]
        try:
            values = np.array([np.nan if is_missing(cell) else float(cell) for cell in cells])
        except (TypeError, ValueError, OverflowError):
            values = np.array(["" if cell is None else str(cell) for cell in cells])
        return unchanging(values)

    def filled(self, name: str) -> np.ndarray:
        """Which cells of a column of ours are not empty, `(num_rows,)`."""
        return np.array([not is_missing(cell) for cell in self.ours[name]], dtype=bool)

    def map(self, change: Callable[..., np.ndarray], *others: "Cells") -> "Cells":
        """Apply a function to every column, and to the same column of other cells."""
        every = (self, *others)
        return dataclasses.replace(
            self,
            rows=unchanging(change(*(each.rows for each in every))),
            ours={name: change(*(each.ours[name] for each in every)) for name in self.ours},
            others={name: change(*(each.others[name] for each in every)) for name in self.others},
        )

    def with_inputs(self, kinds: Mapping[str, Input]) -> "Cells":
        """The same cells, where the columns of further inputs count as ours."""
        moved = {name: each for name, each in self.others.items() if name in kinds}
        return dataclasses.replace(
            self,
            kinds={**self.kinds, **kinds},
            titles={**self.titles, **{name: name for name in moved}},
            ours={**self.ours, **moved},
            others={name: each for name, each in self.others.items() if name not in moved},
        )

    def with_outcomes(self, outcomes: tuple[str, ...], outcome: Input | None) -> "Cells":
        """The same cells with other outcomes; None: outcomes of the same kind.

        Raises:
            DataError: the table has no column of an outcome.
        """
        others = {**self.others, **{self.titles[n]: self.ours[n] for n in self.outcomes}}
        kept = [name for name in self.ours if name not in self.outcomes]
        titles = {name: self.titles[name] for name in kept}
        titles |= {name: self.titles.get(name, name) for name in outcomes}
        lacking = [name for name in outcomes if titles[name] not in others]
        if lacking:
            raise self.missing(lacking)
        mine = {name: others.pop(titles[name]) for name in outcomes}
        return dataclasses.replace(
            self,
            outcomes=outcomes,
            outcome=outcome or self.outcome,
            titles=titles,
            ours={**{name: self.ours[name] for name in kept}, **mine},
            others=others,
        )

    def texts(self, title: str) -> list[str]:
        """The texts of another column that holds no numbers; empty for numbers."""
        cells = [each for each in self.others[title] if not is_missing(each)]
        return [] if has_numbers(cells) else [each for each in cells if isinstance(each, str)]

    def missing(self, names: Sequence[str]) -> DataError:
        """The error for missing columns, with the way to name the columns that hold them."""
        name = names[0]
        near = get_close_matches(name, self.others, n=_MOST_NAMED, cutoff=0.5)
        near = list(dict.fromkeys([*resembling(name, self.others), *near]))
        close = [title for title in near if is_plausible(name, self.others[title].tolist())]
        meant = f" (did you mean {' or '.join(map(repr, close[:3]))}?)" if close else ""
        if not close and (texts := [title for title in near if self.texts(title)]):
            meant = f" (column {texts[0]!r} holds {self.texts(texts[0])[0]!r}, not numbers)"
        theirs = close[0] if close else "THEIR_NAME"
        if name in DERIVED and not close:
            meant += f" ({DERIVED[name]})"
        law_type = "" if name in (*INPUTS, OUTCOME) else ", law_type=..."
        return DataError(
            f"{self.source} has no column {', '.join(names)}{meant}; "
            f"{listed(name, [*self.titles.values(), *self.others])}. If the column has another "
            f"name, read the table with columns={{{name!r}: {theirs!r}}}{law_type}, or with "
            f"{column_option(name, theirs)}"
        )

    def refuse(self, places: Iterable[tuple[str, int]]) -> None:
        """Raise one error that names every one of these cells that holds no valid number.

        Args:
            places: names of columns of ours, and places of rows.

        Raises:
            DataError: a cell is not valid.
        """
        wrong, advice, empty = [], {}, []
        for name, place in places:
            cell = self.ours[name][place]
            try:
                self._number(name, cell)
            except ValueError as reason:
                title = self.titles[name]
                is_empty = cell is None or (isinstance(cell, str) and not cell)
                what = "the value" if is_empty else reprlib.repr(cell)
                wrong.append(f"row {self.rows[place]}, column {title}: {what} {reason}")
                advice[self._advice(name, cell)] = None
                empty += [(name, place)] if is_missing(cell) or name in self.outcomes else []
        if wrong:
            shown = wrong[:_MOST_REPORTED]
            more = [f"and {len(wrong) - len(shown)} more"] if len(wrong) > len(shown) else []
            if len(empty) == len(wrong) and (
                2 * len({place for _, place in empty}) < len(self.rows)
                or all(is_missing(self.ours[name][place]) for name, place in empty)
            ):
                advice = {self._without(empty): None, **advice}
            raise DataError("\n  ".join([f"{self.source}:", *shown, *more, *filter(None, advice)]))

    def _without(self, empty: Sequence[tuple[str, int]]) -> str:
        """How to leave out rows with empty cells: first by a text that all other rows may have."""
        lacking = np.zeros(len(self.rows), bool)
        lacking[[place for _, place in empty]] = True
        ways = {}
        for title in self.others:
            texts = self.plain(title)
            if texts.dtype.kind == "U" and not lacking.all():
                found, counts = np.unique(texts[~lacking], return_counts=True)
                usual = str(found[np.argmax(counts)])
                if usual and 2 * counts.max() >= (~lacking).sum() and usual not in texts[lacking]:
                    ways[title] = where_option(title, usual)
        names = dict.fromkeys(name for name, _ in empty)
        if not any((self.outcome if n in self.outcomes else self.kinds[n]).has_zero for n in names):
            ways[""] = f"--where '{' and '.join(f'{name} > 0' for name in names)}'"
        # Of a table with states, `loss > 0` would keep a run that crashed after its first loss.
        shown = [way for title, way in ways.items() if title.lower() in _STATES] or [*ways.values()]
        return f"Rows without a value can be left out: {', or '.join(shown)}" if ways else ""

    def _advice(self, name: str, cell: object) -> str:
        """What to do about a cell that is not valid, where the data may be as they should be."""
        if name in self.outcomes:
            try:
                input_number(cell, _ANY_NUMBER)
            except ValueError:
                return ""
            return (
                "An outcome that may be zero or negative is declared in the class of the law, "
                'outcome = Input("...", may_be_negative=True), or by Runs.read(..., outcome=Input('
                '"...", may_be_negative=True))'
            )
        if name not in INPUTS and all(map(is_missing_or_text, self.ours[name])):
            title = self.titles[name]
            return (
                f"Column {title} holds text, and the input {name!r} of a law is a number. For a "
                f"law whose coefficients differ between the values of {title}, leave the input "
                f"out of the law, and use fit_groups(law, runs, group={title!r}, own=[...])"
            )
        return ""

    def refuse_wrong(self) -> None:
        """Refuse cells of columns of ours that are wrong; only outcomes must not be empty."""
        self.refuse(
            (name, i)
            for i in range(len(self.rows))
            for name, cells in self.ours.items()
            if name in self.outcomes or not is_missing(cells[i])
        )

    def _number(self, name: str, cell: object) -> float:
        return input_number(cell, self.outcome if name in self.outcomes else self.kinds[name])

    def _number_or_nan(self, name: str, cell: object) -> float:
        try:
            return self._number(name, cell)
        except ValueError:
            return math.nan


def unchanging(array: np.ndarray) -> np.ndarray:
    """The same array, made read-only."""
    array.setflags(write=False)
    return array


def _objects(values: Sequence[object]) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
