"""Rows that are no runs: the mean, the spread or the total of the rows above."""

import re
from collections.abc import Sequence

import numpy as np

from fitting.data.cell_values import has_numbers, is_missing, numbers_in
from fitting.data.formats.records import shortened
from fitting.data.preparation.usual_names import normal_name
from fitting.data.table_files import Table

_END = r"\.?(?:\s*[:(=].*|\s+(?:of|over|across)\s.*)?"
_BEFORE = r"(?:(?:grand|overall|column)\s+)?"
# A row with the name of such a statistic is a summary, unless most rows have one.
_SUMMARY = re.compile(
    rf"{_BEFORE}(?:mean|average|avg|median|std|stdev|std\.?\s?dev|standard deviation|total|sum)"
    rf"{_END}",
    re.IGNORECASE,
)
# Also names of models; summaries where the table has another summary.
_ALSO = re.compile(
    rf"{_BEFORE}(?:min|max|minimum|maximum|count|n|sd|sem|\d+%){_END}", re.IGNORECASE
)
_RUN_NAMES = {"run", "run_name", "name", "model", "model_name", "id", "run_id", "experiment"}
_STATISTICS = {"mean": np.mean, "median": np.median, "total": np.sum}
_FEWEST_ROWS, _FEWEST_COLUMNS = 5, 2
_CLOSE = 1e-3  # a mean as a person writes it


def without_summaries(table: Table) -> Table:
    """The table without rows that summarise others, with a note.

    Such a row has the name of a statistic in its first column, in a column of names of runs, or in
    a column of numbers. The last row is also one if all of its numbers are the means, the medians
    or the totals of the rows above.
    """
    found: dict[int, str] = {}
    for place, (title, cells) in enumerate(table.columns.items()):
        found |= _named_statistics(title, cells, is_first=place == 0)
    if not found and (statistic := _statistic_of_the_last_row(table)):
        found = {len(table.rows) - 1: f"the {statistic} of the rows above"}
    if not found:
        return table
    kept = [row for row in range(len(table.rows)) if row not in found]
    listed = ", ".join(shortened([f"row {table.rows[i]} ({found[i]})" for i in sorted(found)]))
    return Table(
        table.source,
        {title: [cells[row] for row in kept] for title, cells in table.columns.items()},
        [table.rows[row] for row in kept],
        (*table.notes, f"rows that summarise others are left out: {listed}"),
    )


def _named_statistics(title: str, cells: Sequence[object], *, is_first: bool) -> dict[int, str]:
    """The places of the rows that have the name of a statistic in a column, and the names."""
    texts = [each.strip() if isinstance(each, str) else "" for each in cells]
    found = {row: text for row, text in enumerate(texts) if _SUMMARY.fullmatch(text)}
    if not found:
        return {}
    rest = [cell for row, cell in enumerate(cells) if row not in found]
    names_rows = is_first or normal_name(title) in _RUN_NAMES
    if not names_rows and not has_numbers(rest) and not all(map(is_missing, rest)):
        return {}
    found |= {row: text for row, text in enumerate(texts) if _ALSO.fullmatch(text)}
    return found if 2 * len(found) <= len(cells) else {}


def _statistic_of_the_last_row(table: Table) -> str | None:
    """The statistic that the last row has in all columns of different numbers, or None."""
    if len(table.rows) <= _FEWEST_ROWS:
        return None
    columns = [numbers_in(cells) for cells in table.columns.values()]
    columns = [each for each in columns if np.isfinite(each).all() and np.ptp(each[:-1]) > 0]
    for name, statistic in _STATISTICS.items():
        same = [np.isclose(each[-1], statistic(each[:-1]), rtol=_CLOSE, atol=0) for each in columns]
        if len(same) >= _FEWEST_COLUMNS and all(same):
            return name
    return None
