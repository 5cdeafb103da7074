"""What a table of runs shows, and its columns as a dictionary and as a data frame."""

from collections.abc import Mapping

import numpy as np

from fitting.data.columns import Cells
from jaxlaws.foundations.annotations import Json, Tree
from jaxlaws.foundations.text.cards import Card, Displayed, cut
from jaxlaws.foundations.text.cells import cell, heading
from jaxlaws.foundations.text.table_columns import frame_of
from jaxlaws.foundations.text.tables import Table


class DisplayedRuns(Displayed):
    """The methods of `Runs` that show it or convert it."""

    inputs: Mapping[str, np.ndarray]
    loss: np.ndarray
    others: Mapping[str, np.ndarray]
    _cells: Cells

    @property
    def source(self) -> str:
        """The table, as messages name it."""
        return self._cells.source

    @property
    def outcome_titles(self) -> tuple[str, ...]:
        """The table's own names of the outcomes."""
        return tuple(self._cells.titles[name] for name in self._cells.outcomes)

    def to_dict(self) -> dict[str, list[Json]]:
        """The columns by name: inputs, the loss (or each outcome), and the other columns.

        A number that is missing is NaN.
        """
        losses = {"loss": self.loss}
        if self.loss.ndim > 1:
            losses = dict(zip(self.outcome_titles, self.loss.T, strict=True))
        columns = {**self.others, **self.inputs, **losses}
        return {name: np.asarray(values).tolist() for name, values in columns.items()}

    def to_frame(self) -> Tree:
        """The same as a data frame of pandas, polars or pyarrow.

        Raises:
            ModuleNotFoundError: none of the three libraries is installed.
        """
        return frame_of(self.to_dict())

    def _card(self) -> Card:
        table, rows = self.to_dict(), []
        for name in [each for each in table if each not in self.others]:
            values = np.asarray(table[name], dtype=float)
            known = values[np.isfinite(values)]
            if known.size:
                ends = [cell(name, end) for end in (known.min(), known.max())]
                rows.append([heading(name), str(known.size), *ends])
        title = f"Runs: {len(self.loss)} runs of {self.source}"
        notes = [f"Other columns: {', '.join(self.others)}."] if self.others else []
        return Card(title, cut(Table(["column", "values", "least", "greatest"], rows)), notes)
