"""How a table is read, beyond the names of its columns; and what reading reports."""

import dataclasses
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias, TypedDict, get_args

from jaxlaws.foundations.annotations import Json

LossUnit: TypeAlias = Literal["nats", "bits", "perplexity"]
Checkpoints: TypeAlias = Literal["last", "all"]


class TableNote(UserWarning):
    """What reading a table converted, derived or left out."""


class TableWarning(UserWarning):
    """What is unusual in a table, and may be a mistake."""


class ReadingOptions(TypedDict, total=False):
    """The options of `Runs.read`, as keywords.

    Attributes:
        units: the unit of an input, such as `{"num_tokens": "B"}` for billions: K, M, B (or G), T,
            P, E, Z, PF-days, or a number. "1" ignores a unit in the header. "log10" or "ln": the
            column holds logarithms.
        loss_unit: the unit of the outcome: "nats" (the default), "bits", which are multiplied by
            log 2, or "perplexity", whose logarithm is taken.
        where: an expression over the columns, such as `'state == "finished"'`; the rows for which
            it is true are read.
        checkpoints: if a table has several rows of one run with increasing steps: take the "last"
            of each run (the default), or "all".
        best_of: of rows with equal inputs, read the one with the lowest outcome.
        allow: names of checks of plausibility that do not refuse this table.
    """

    units: Mapping[str, str]
    loss_unit: LossUnit
    where: str | None
    checkpoints: Checkpoints
    best_of: bool
    allow: Sequence[str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reading:
    """The options of `Runs.read`; see `ReadingOptions`."""

    units: Mapping[str, str] = dataclasses.field(default_factory=dict)
    loss_unit: LossUnit | None = None
    where: str | None = None
    checkpoints: Checkpoints = "last"
    best_of: bool = False
    allow: Sequence[str] = ()

    @classmethod
    def of(cls, options: Mapping[str, Json]) -> "Reading":
        """The options, checked.

        Raises:
            TypeError: there is no such option.
            ValueError: an option has no such value.
        """
        found = cls(**options)
        if found.loss_unit not in (None, *get_args(LossUnit)):
            raise ValueError(
                f"expected a loss_unit of {', '.join(get_args(LossUnit))}, got {found.loss_unit!r}"
            )
        if found.checkpoints not in get_args(Checkpoints):
            raise ValueError(
                f"expected checkpoints of {', '.join(get_args(Checkpoints))}, got "
                f"{found.checkpoints!r}"
            )
        return found


def report(source: str, notes: Iterable[str], category: type[UserWarning], level: int = 3) -> None:
    """Report sentences about a table, a warning each."""
    for note in notes:
        warnings.warn(f"{source}: {note}", category, stacklevel=level + 1)
