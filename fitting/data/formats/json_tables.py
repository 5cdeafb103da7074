"""Tables in JSON: an array of objects, an object of columns, or JSON Lines."""

from collections.abc import Mapping, Sequence

from fitting.data.formats.records import Records, check_size, from_lines, from_objects
from jaxlaws.foundations.annotations import Json
from jaxlaws.foundations.errors import DataError
from jaxlaws.foundations.json_text import parse_json

_SHAPES = (
    "an array of objects, one for each run; an object with a list for each column; or JSON Lines"
)


def read_json_table(content: bytes) -> Records:
    """Read one JSON value that is a table, or JSON Lines.

    Raises:
        DataError: the content is not such a table.
    """
    try:
        value = parse_json(content, with_nan=True)
    except ValueError as error:
        first = content.lstrip().splitlines()[:1]
        if first and first[0].rstrip().endswith(b"}"):
            return read_json_lines(content)
        raise DataError(f"it is not JSON: {error}") from None
    if isinstance(value, dict):
        inner = [each for each in value.values() if _is_rows(each)]
        if len(inner) == 1:  # {"runs": [...], "about": {...}}
            value = inner[0]
        elif _are_named_rows(value):  # {"run 1": {"loss": ...}, ...}
            value = [{"run": name, **each} for name, each in value.items()]
    if isinstance(value, list) and _is_rows(value):
        return from_objects(value, range(1, 1 + len(value)))
    if isinstance(value, dict) and {"columns", "data"} <= set(value):  # pandas, orient="split"
        names, records = value["columns"], value["data"]
        is_list = isinstance(names, list) and isinstance(records, list)
        if not is_list or not all(isinstance(record, list) for record in records):
            raise DataError("expected a list of names as 'columns' and a list of lists as 'data'")
        return from_lines([str(name) for name in names], records, range(1, 1 + len(records)))
    columns = _columns(value)
    if columns is None:
        raise DataError(f"the JSON is not a table: expected {_SHAPES}")
    return columns


def read_json_lines(content: bytes) -> Records:
    """Read one JSON object a line.

    Raises:
        DataError: a line is not a JSON object; the message gives its number.
    """
    objects: list[Mapping[str, Json]] = []
    rows: list[int] = []
    for row, line in enumerate(content.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            value = parse_json(line, with_nan=True)
        except ValueError as error:
            raise DataError(f"row {row} is not JSON: {error}") from None
        if not isinstance(value, dict):
            raise DataError(f"row {row} is not a JSON object")
        objects.append(value)
        rows.append(row)
    return from_objects(objects, rows)


def _is_rows(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value) and value != []


def _are_named_rows(value: Mapping[str, Json]) -> bool:
    """Whether the objects of an object are rows: their keys are names, not numbers of rows."""
    rows = list(value.values())
    return (
        len(rows) > 1
        and all(isinstance(each, dict) and each for each in rows)
        and all(each.keys() == rows[0].keys() for each in rows)
        and not any(key.isdecimal() for key in rows[0])
    )


def _columns(value: Json) -> Records | None:
    """An object of lists, or of objects by row as pandas writes them; None for another value."""
    if not isinstance(value, dict) or not value:
        return None
    cells: dict[str, Sequence[Json]] = {}
    for name, column in value.items():
        if isinstance(column, dict):
            column = list(column.values())
        if not isinstance(column, (list, tuple)):
            return None
        cells[name] = column
    lengths = {len(column) for column in cells.values()}
    if len(lengths) > 1:
        listed = ", ".join(f"{name} {len(column)}" for name, column in cells.items())
        raise DataError(f"the columns have different lengths: {listed}")
    check_size(len(cells) * max(lengths))
    return Records(cells, range(1, 1 + max(lengths)))
