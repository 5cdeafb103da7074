"""Charts and tables as the page receives them: every number is finite or null."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from jaxlaws.foundations.annotations import Array, Json


def plain(value: Json) -> Json:
    """A value for JSON: arrays as lists, NaN and infinity as null, dataclasses as objects.

    Entries of a dataclass that are None are left out.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return {name: plain(each) for name, each in fields.items() if each is not None}
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, np.ndarray):
        is_plain = value.dtype.kind != "f" or bool(np.isfinite(value).all())
        return value.tolist() if is_plain else plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return number if math.isfinite(number) else None
    return value.item() if isinstance(value, np.generic) else value


@dataclasses.dataclass(frozen=True)
class Axis:
    """An axis: its label, unit, scale and ends."""

    label: str
    unit: str
    scale: Literal["log", "linear"]
    min: float
    max: float


def axis_around(label: str, unit: str, values: Sequence[Array], margin: float = 0.05) -> Axis:
    """A linear axis that holds all finite values, with a margin."""
    numbers = np.concatenate([np.ravel(np.asarray(each, dtype=float)) for each in values])
    numbers = numbers[np.isfinite(numbers)]
    low, high = (float(numbers.min()), float(numbers.max())) if numbers.size else (0.0, 1.0)
    room = margin * (high - low or abs(high) or 1.0)
    return Axis(label, unit, "linear", low - room, high + room)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Series:
    """A line, or points; `low` and `high` are the ends of a band."""

    name: str
    role: str
    x: Array
    y: Array
    style: Literal["line", "dashed", "points"] = "line"
    low: Array | None = None
    high: Array | None = None


@dataclasses.dataclass(frozen=True)
class Mark:
    """A point with a label."""

    x: float
    y: float
    label: str
    role: str = "here"


@dataclasses.dataclass(frozen=True)
class Vertical:
    """A vertical line with a label."""

    x: float
    label: str


@dataclasses.dataclass(frozen=True)
class Region:
    """A part of the x axis with a label, such as what is extrapolated."""

    x0: float
    x1: float
    label: str
    role: str = "extrapolated"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lines:
    """A chart of lines and points."""

    id: str
    title: str
    alt: str
    x: Axis
    y: Axis
    series: Sequence[Series]
    marks: Sequence[Mark] = ()
    verticals: Sequence[Vertical] = ()
    regions: Sequence[Region] = ()
    kind: Literal["lines"] = "lines"


@dataclasses.dataclass(frozen=True)
class Part:
    """One part of every bar."""

    name: str
    role: str
    values: Array


@dataclasses.dataclass(frozen=True)
class Drag:
    """The boundaries of one bar that the user drags, and the controls that this moves.

    Attributes:
        category: the index of the bar.
        controls: the control of each part; None for the part that gets the rest.
        nested: whether a control is the share of what the parts before it leave.
    """

    category: int
    controls: Sequence[str | None]
    nested: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bars:
    """Stacked horizontal bars."""

    id: str
    title: str
    alt: str
    categories: Sequence[str]
    value: Axis
    parts: Sequence[Part]
    drag: Drag | None = None
    kind: Literal["bars"] = "bars"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scale:
    """The scale of the colours of a map."""

    label: str
    unit: str
    min: float
    max: float
    centre: float | None = None
    extends: Literal["neither", "min", "max", "both"] = "neither"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Map:
    """A grid of colours with lines and marks over it; `z` has a row for each of `ys`.

    `beyond` says where, in the rows and columns of `z`, the fitted runs do not reach. `pick` names
    the controls that a click moves, by axis.
    """

    id: str
    title: str
    alt: str
    x: Axis
    y: Axis
    xs: Array
    ys: Array
    z: Array
    value: Scale
    lines: Sequence[Series] = ()
    marks: Sequence[Mark] = ()
    beyond: Array | None = None
    pick: Mapping[Literal["x", "y"], str] | None = None
    kind: Literal["map"] = "map"


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of a table."""

    name: str
    unit: str = ""


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of texts."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]


@dataclasses.dataclass(frozen=True)
class Code:
    """Program text that gives the numbers of a view."""

    python: str
    shell: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """What a view answers.

    Attributes:
        sentence: the answer, with numbers and units.
        notes: what else must be known, a sentence each.
        extrapolation: how far outside the fitted runs, or None.
        charts: the pictures.
        tables: the numbers.
        code: what gives the same numbers.
        compiled: seconds in compiled programs.
    """

    sentence: str
    charts: Sequence[Lines | Bars | Map]
    code: Code
    notes: Sequence[str] = ()
    extrapolation: str | None = None
    tables: Sequence[Table] = ()
    compiled: float = 0.0
