"""A header and records of cells: what each format of a table gives."""

import dataclasses
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from jaxlaws.foundations.errors import DataError

MOST_BYTES = 64 * 2**20
MOST_CELLS = 4_000_000  # as Python objects, up to 100 bytes each

_GROUPED = re.compile(r"[+-]?\d{1,3}(?:([,' \u00a0\u202f\u2009’])\d{3})(?:\1\d{3})*(?:\.\d+)?")
_INDIAN = re.compile(r"[+-]?\d{1,2}(?:,\d\d)+,\d{3}(?:\.\d+)?")  # 1,50,00,000
_THING = re.compile(r"\s*(?:tokens?|toks?|param(?:eter)?s?|flops?|nats)$", re.IGNORECASE)
_WORDS = {"thousand": "K", "million": "M", "billion": "B", "trillion": "T"}
_WORD = re.compile(r"([+-]?[\d.]+)\s*(thousand|million|billion|trillion)s?", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Records:
    """A table as a format gives it.

    Attributes:
        columns: the cells of each column: texts, other Python values, or None.
        rows: the number of each row, as a person counts.
        notes: what a reader of the table must know, a sentence each.
    """

    columns: Mapping[str, Sequence[object]]
    rows: Sequence[int]
    notes: tuple[str, ...] = ()


def from_lines(
    header: Sequence[str], records: Sequence[Sequence[object]], rows: Sequence[int]
) -> Records:
    """Records of equal length under a header, as columns.

    Columns without a name and without a cell are left out.

    Raises:
        DataError: the header repeats a name, a record has another length, or there are too many
            cells.
    """
    check_size(len(header) * len(records))
    for record, row in zip(records, rows, strict=True):
        if len(record) != len(header):
            raise DataError(f"row {row} has {len(record)} cells, the header {len(header)}")
    used = [
        i
        for i, name in enumerate(header)
        if name or any(record[i] not in ("", None) for record in records)
    ]
    counts = Counter(header[i] for i in used)
    repeated = sorted(name for name, count in counts.items() if count > 1)
    if repeated:
        raise DataError(f"the header repeats {', '.join(map(repr, repeated))}")
    return Records({header[i]: [record[i] for record in records] for i in used}, rows)


def from_objects(objects: Sequence[Mapping[str, object]], rows: Sequence[int]) -> Records:
    """JSON objects as rows; the keys of inner objects are joined by dots."""
    flat = [_flat(each) for each in objects]
    names = list(dict.fromkeys(name for each in flat for name in each))
    check_size(len(names) * len(flat))
    return Records({name: [each.get(name) for each in flat] for name in names}, rows)


def check_size(num_cells: int) -> None:
    """Check that a table is not too large.

    Raises:
        DataError: it is.
    """
    if num_cells > MOST_CELLS:
        raise DataError(
            f"the table has more than {MOST_CELLS:,} cells: keep the columns that are needed, and "
            "one row for each run"
        )


def plain_number(text: str) -> str:
    """A cell without thousands separators, with a letter for a word, and without its unit.

    >>> [plain_number(text) for text in ("60,000,000", "1'500.25", "1.5 billion", "1,5", "a,b")]
    ['60000000', '1500.25', '1.5B', '1,5', 'a,b']
    >>> plain_number("20B tokens"), plain_number("1,50,00,000")
    ('20B', '15000000')
    """
    if text[:1].isdigit():
        text = _THING.sub("", text)
    if _INDIAN.fullmatch(text):
        return text.replace(",", "")
    grouped = _GROUPED.fullmatch(text)
    if grouped:
        return text.replace(grouped[1], "")
    word = _WORD.fullmatch(text)
    return word[1] + _WORDS[word[2].lower()] if word else text


def _flat(value: Mapping[str, object], prefix: str = "", depth: int = 0) -> dict[str, object]:
    flat: dict[str, object] = {}
    for key, item in value.items():
        name = f"{prefix}{key}"
        if isinstance(item, dict) and depth < 4:
            flat |= _flat(item, f"{name}.", depth + 1)
        else:
            flat[name] = item
    return flat
