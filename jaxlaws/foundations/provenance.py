"""Where a law comes from: the source of a preset, and the runs that a fit was made of."""

import dataclasses
import enum
import hashlib
from collections.abc import Mapping, Sequence
from importlib.metadata import version

import numpy as np

from jaxlaws.foundations.annotations import Json, Tree
from jaxlaws.foundations.errors import DataError
from jaxlaws.foundations.json_text import check_keys

Range = tuple[float, float]
_DIGITS = 12  # of the text of a run: 48 bits


class Mark(enum.Enum):
    """How reliable the coefficients of a preset are."""

    VERIFIED = "verified"  # read in the paper itself
    SECONDARY = "secondary"  # taken from other sources that quote the paper
    INFERRED = "inferred"  # changed by this project; the note states the reason
    OURS = "ours"  # fitted by this project
    PLACEHOLDER = "placeholder"  # not the result of a fit


@dataclasses.dataclass(frozen=True, kw_only=True)
class Preset:
    """A law with published coefficients, and the facts that a user needs before using it.

    Attributes:
        law: the coefficients, as Python floats with every printed digit.
        source: paper, and the equation or table in it.
        digits: significant digits of the coefficients as printed.
        counts: what N counts: "non-embedding parameters" or "all parameters".
        loss_unit: unit of the loss.
        data: the data set that the loss is measured on.
        mark: how reliable the coefficients are.
        fitted_range: lowest and highest value of each input among the fitted runs, including the
            runs that a sub-law was fitted to; None where unpublished.
        intervals: published intervals by coefficient, at `interval_level`.
        interval_level: the level of the intervals, such as .9; None where there are no intervals.
        draws: name of the file beside the law that holds bootstrap draws, or None.
        note: further facts that a user must know.
    """

    law: Tree
    source: str
    digits: str
    counts: str
    loss_unit: str = "nats per token"
    data: str
    mark: Mark
    fitted_range: Mapping[str, Range] | None = None
    intervals: Mapping[str, Range] | None = None
    interval_level: float | None = None
    draws: str | None = None
    note: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TableChanges:
    """How a table differs from an earlier one.

    Attributes:
        added: the rows of the new table with runs that the earlier one does not have.
        lost: the rows of the earlier table with runs that the new one does not have; a run whose
            loss was corrected is lost and added.
        num_kept: the number of runs that both have.
    """

    added: tuple[int, ...]
    lost: tuple[int, ...]
    num_kept: int


def fingerprint(columns: Sequence[np.ndarray], rows: np.ndarray) -> dict[str, Json]:
    """What identifies the runs of a fit, and the versions of the programs, as a JSON object.

    Args:
        columns: the inputs and the outcomes of the runs, `(num_runs,)` each, or with an axis of
            outcomes after it.
        rows: the row of each run in its source, `(num_runs,)`.

    Returns:
        `sha256` of all runs in their order, the `rows` of the runs in their source, a text for each
        run in `runs`, and `versions` by program. Equal runs have equal texts, whatever their row.
    """
    numbers = np.column_stack(columns).astype("<f8")
    texts = [hashlib.sha256(row.tobytes()).hexdigest()[:_DIGITS] for row in numbers]
    return {
        "sha256": hashlib.sha256(numbers.tobytes()).hexdigest(),
        "rows": rows.tolist(),
        "runs": texts,
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """The versions of the programs on which numbers depend."""
    return {name: version(name) for name in ("jaxlaws", "jax", "numpy")}


def check_fingerprint(document: Json) -> Mapping[str, Json]:
    """The same object, if it can be what `fingerprint` returned.

    Raises:
        DataError: it cannot be.
    """
    check_keys("'provenance'", document, ("sha256", "rows", "runs", "versions"))
    rows, texts = document["rows"], document["runs"]
    if not isinstance(rows, list) or not isinstance(texts, list) or len(rows) != len(texts):
        raise DataError("'provenance': expected lists of one length as 'rows' and 'runs'")
    if not all(isinstance(row, int) for row in rows) or not all(isinstance(t, str) for t in texts):
        raise DataError("'provenance': expected integers as 'rows' and texts as 'runs'")
    return document


def compare_tables(before: Mapping[str, Json], after: Mapping[str, Json]) -> TableChanges:
    """How the runs of two fits differ, from what `fingerprint` returned for each."""
    earlier: dict[str, list[int]] = {}
    for text, row in zip(before["runs"], before["rows"], strict=True):
        earlier.setdefault(text, []).append(row)
    added = [
        row
        for text, row in zip(after["runs"], after["rows"], strict=True)
        if not earlier.get(text) or earlier[text].pop() is None
    ]
    lost = sorted(row for rows in earlier.values() for row in rows)
    return TableChanges(
        added=tuple(added), lost=tuple(lost), num_kept=len(before["runs"]) - len(lost)
    )
