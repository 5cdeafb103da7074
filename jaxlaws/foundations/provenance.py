"""Where a law comes from: the source of a preset, and the runs that a fit was made of."""

import dataclasses
import enum
import hashlib
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version

import numpy as np

from jaxlaws.foundations.annotations import Json, Tree
from jaxlaws.foundations.errors import DataError
from jaxlaws.foundations.json_text import check_keys

Range = tuple[float, float]
_DIGITS = 12  # of the hash of a run: 48 bits
_RUNS = re.compile(rf"(\d+:[0-9a-f]{{{_DIGITS}}} ?)*")


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
        warning: why not to plan with it, and what to use instead; empty where there is no reason.
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
    warning: str = ""
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
        `sha256` of all runs in their order; `runs`, a text with the row and a short hash of each
        run, `2:0f3a… 3:91bc…`; and `versions` by program. Equal runs have equal hashes, whatever
        their row.
    """
    numbers = np.column_stack(columns).astype("<f8")
    texts = [hashlib.sha256(run.tobytes()).hexdigest()[:_DIGITS] for run in numbers]
    return {
        "sha256": hashlib.sha256(numbers.tobytes()).hexdigest(),
        "runs": " ".join(f"{row}:{text}" for row, text in zip(rows, texts, strict=True)),
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
    check_keys("'provenance'", document, ("sha256", "runs", "versions"))
    if not isinstance(document["runs"], str) or not _RUNS.fullmatch(document["runs"]):
        raise DataError("'provenance': expected a row and a hash of each run as 'runs'")
    return document


def compare_tables(before: Mapping[str, Json], after: Mapping[str, Json]) -> TableChanges:
    """How the runs of two fits differ, from what `fingerprint` returned for each."""
    old, new = (
        [each.split(":") for each in document["runs"].split()] for document in (before, after)
    )
    earlier: dict[str, list[int]] = {}
    for row, text in old:
        earlier.setdefault(text, []).append(int(row))
    added = []
    for row, text in new:
        if earlier.get(text):
            earlier[text].pop()
        else:
            added.append(int(row))
    lost = sorted(row for rows in earlier.values() for row in rows)
    return TableChanges(added=tuple(added), lost=tuple(lost), num_kept=len(old) - len(lost))
