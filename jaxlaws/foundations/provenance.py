"""Where a preset comes from, and how reliable it is."""

import dataclasses
import enum
from collections.abc import Mapping

from jaxlaws.foundations.annotations import Tree

Range = tuple[float, float]


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
