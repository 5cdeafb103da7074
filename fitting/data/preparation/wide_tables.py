"""Wide tables: sizes down, tokens across (or the reverse), a loss in each cell."""

import dataclasses
import re
from collections.abc import Mapping

from fitting.data.cell_values import has_numbers, is_missing, numbers_in
from fitting.data.preparation.usual_names import NAMES, TOKENS_PER_PARAM, named
from fitting.data.table_files import Table
from jaxlaws.foundations.errors import DataError
from jaxlaws.foundations.quantities import parse_quantity

_FEWEST_COLUMNS = 2
_FEWEST_FLOPS = 1e15  # more than the tokens or the parameters of any run
_LARGEST_RATIO = 1e5  # of tokens per parameter; larger numbers are counts
_RATIOS = {"d/n", "tpp", "ratio"}
_COUNTS = {
    "", "at", "c", "d", "flops", "loss", "n", "num_params", "num_tokens", "params", "tokens"
}  # fmt: skip
_QUANTITY = r"(?P<number>\d[\d_.]*(?:[eE][+-]?\d+)?\s*[KMBGTkmbgt]?)"
_HEAD = re.compile(
    r"(?:(?P<what>[A-Za-z_ /]*?)\s*[=:_@]?\s*)??" + _QUANTITY + r"\s*"
    r"(?P<ratio>[x×]|tok(?:en)?s?[/ _]?(?:per[ _])?(?:param(?:eter)?)s?|tpp)?"
    r"\s*(?:tok(?:en)?s?|param(?:eter)?s?|(?i:flops?))?"
)
_CHART = re.compile(r"(?P<run>.+) - (?P<what>.+?)(?P<end>__MIN|__MAX)?")


def refuse_chart(table: Table) -> None:
    """Raise an error if a table is a chart that W&B exports: a column for each run, no sizes.

    Raises:
        DataError: it is; the message says what to export.
    """
    heads = {title: match for title in table.columns if (match := _CHART.fullmatch(title))}
    metrics = {match["what"] for match in heads.values()}
    is_chart = len(heads) > len(metrics) or any(match["end"] for match in heads.values())
    if not is_chart or named(NAMES["num_params"], table.columns.keys() - heads.keys()):
        return
    runs = list(dict.fromkeys(match["run"] for match in heads.values()))
    some = ", ".join([*runs[:3], *(["..."] if len(runs) > 3 else [])])
    raise DataError(
        f"{table.source}: this is a chart that W&B exported, with a column for each run ({some}) "
        "and a row for each step. It has no sizes and no tokens. Export the table of runs instead: "
        "in W&B open the table of the runs, show the columns of parameters, tokens and loss, and "
        "download it as CSV. Or write one row for each run by hand, with the columns run, "
        "num_params, num_tokens and loss (the last value in the column of the run)"
    )


def from_wide(table: Table, columns: Mapping[str, str]) -> Table | None:
    """The table with one row for each cell, if a table is wide; None otherwise.

    A header is a number of tokens (`5B`), a number of tokens per parameter (`20x`), or a size.
    Cells without a number are left out, with a note.

    Raises:
        DataError: the table is wide, but its rows or its headers are not clear.
    """
    heads = {title: _head(title) for title in table.columns if title not in columns.values()}
    values = {
        title: head
        for title, head in heads.items()
        if head is not None and has_numbers(table.columns[title])
    }
    if len(values) < _FEWEST_COLUMNS:
        return None
    table, values = _without_corner(table, columns, values)
    down = [title for title in table.columns if title not in values]
    listed = ", ".join(list(values)[:4])
    is_wide = (
        f"{table.source}: the table is wide: its columns {listed} look like sizes or tokens, with "
        "losses below"
    )
    sizes, tokens = (
        [columns[name]] if name in columns else named(NAMES[name], down)
        for name in ("num_params", "num_tokens")
    )
    if len(sizes) + len(tokens) != 1:
        raise DataError(
            f"{is_wide}. One of its other columns ({', '.join(down)}) must be "
            "num_params or num_tokens: name it with --column num_params=NAME, or write one row for "
            "each run, with the columns num_params, num_tokens and loss"
        )
    ratios = [is_ratio or number < _LARGEST_RATIO for number, is_ratio in values.values()]
    some_marked = any(is_ratio for _, is_ratio in values.values())
    are_ratios = bool(sizes) and some_marked and all(ratios)
    if not are_ratios and any(ratios):
        raise DataError(
            f"{is_wide}. Whether {listed} are tokens or tokens per parameter is "
            "not clear: write 20x for tokens per parameter, 5B for tokens, or one row for each run"
        )
    return _melted(
        table, (sizes or tokens)[0], values, across_is_tokens=bool(sizes), ratio=are_ratios
    )


def _without_corner(
    table: Table, columns: Mapping[str, str], values: Mapping[str, tuple[float, bool]]
) -> tuple[Table, Mapping[str, tuple[float, bool]]]:
    """The table whose corner, `size / tokens per param` with a backslash, only names the rows."""
    corners = [t for t in table.columns if "\\" in t and t not in {*values, *columns.values()}]
    if not corners:
        return table, values
    down, _, across = map(str.strip, corners[0].partition("\\"))
    if named(TOKENS_PER_PARAM, [across]):
        values = {title: (number, True) for title, (number, _) in values.items()}
    cells = {down if t == corners[0] else t: column for t, column in table.columns.items()}
    return dataclasses.replace(table, columns=cells), values


def _head(title: str) -> tuple[float, bool] | None:
    """The number in a header, and whether it is marked as one of tokens per parameter."""
    match = _HEAD.fullmatch(title.strip())
    if match is None:
        return None
    what = (match["what"] or "").strip(" _=:@").lower()
    is_ratio = what in _RATIOS
    if not is_ratio and what not in _COUNTS:
        return None
    try:
        number = parse_quantity(match["number"].replace(" ", ""))
        return number, is_ratio or match["ratio"] is not None
    except ValueError:
        return None


def _melted(
    table: Table,
    down: str,
    across: Mapping[str, tuple[float, bool]],
    *,
    across_is_tokens: bool,
    ratio: bool,
) -> Table:
    others = [title for title in table.columns if title not in across]
    new = "num_tokens" if across_is_tokens else "num_params"
    cells: dict[str, list[object]] = {title: [] for title in [*others, new, "loss"]}
    is_flops = min(number for number, _ in across.values()) >= _FEWEST_FLOPS
    sizes, rows, left_out = numbers_in(table.columns[down]), [], []
    for place, row in enumerate(table.rows):
        for title, (number, _) in across.items():
            loss = table.columns[title][place]
            if is_missing(loss):
                continue
            if not has_numbers([loss]):
                left_out.append(f"row {row}, column {title}: {loss!r}")
                continue
            for other in others:
                cells[other].append(table.columns[other][place])
            factor = sizes[place] if ratio else 1 / (6 * sizes[place]) if is_flops else 1.0
            cells[new].append(number * factor)
            cells["loss"].append(loss)
            rows.append(row)
    meaning = "tokens per parameter" if ratio else "tokens" if across_is_tokens else "parameters"
    if is_flops:
        meaning = f"compute, 6 N D, which gives {new},"
    notes = [
        f"the table is wide: it is read as {len(rows)} runs, with {meaning} in the headers "
        f"{', '.join(across)}"
    ]
    if left_out:
        notes.append(f"cells without a number are left out: {'; '.join(left_out[:5])}")
    return Table(table.source, cells, rows, (*table.notes, *notes))
