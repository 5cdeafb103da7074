"""Where a preset comes from, and how far it is to be trusted."""

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any

Range = tuple[float, float]


class Mark(enum.Enum):
    """How far a preset's coefficients are to be trusted."""

    VERIFIED = "verified"  # read in the paper itself
    SECONDARY = "secondary"  # taken from other sources that quote the paper
    INFERRED = "inferred"  # changed by us for a reason that the note states
    OURS = "ours"  # fitted by this project
    PLACEHOLDER = "placeholder"  # numbers that no fit gave


@dataclasses.dataclass(frozen=True, kw_only=True)
class Preset:
    """A law with published coefficients and what a user must know before relying on it.

    Attributes:
        law: the coefficients, as Python floats with every printed digit.
        source: paper and place (equation, table).
        digits: significant digits of the coefficients as printed.
        counts: what N counts: "non-embedding parameters" or "all parameters".
        loss_unit: unit of the loss.
        data: the data set that the loss is measured on.
        mark: how far the coefficients are to be trusted.
        fitted_range: lowest and highest value of each input among the fitted runs, those of a
            sub-law's own runs too; None where unpublished.
        intervals: published intervals by coefficient, at `interval_level`.
        interval_level: the level of the intervals, such as .9, or None where there are none.
        draws: name of the file beside the law that holds bootstrap draws, or None.
        note: what else must be known.
    """

    law: Any
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
