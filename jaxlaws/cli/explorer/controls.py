"""The controls of a view, and the state that a query string gives them."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from jaxlaws.foundations.annotations import Json
from jaxlaws.foundations.quantities import parse_quantity

_POSITIONS = 200  # of a slider

# The values of all controls of a view by name: a number for a slider, else a text.
State: TypeAlias = Mapping[str, Json]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Slider:
    """A control whose value is a number within a range.

    Attributes:
        name: the name in the query string.
        label: what the user reads.
        help: one sentence.
        default: the first value.
        low: the lowest value.
        high: the highest value.
        unit: the unit of the value.
        scale: whether equal steps are equal factors.
        only_with: another control and the value that it needs for this one to have an effect.
    """

    name: str
    label: str
    help: str
    default: float
    low: float
    high: float
    unit: str
    scale: Literal["log", "linear"] = "log"
    only_with: tuple[str, str] | None = None

    def value(self, text: str) -> float:
        """The number that a text means, such as 1e21 or 3.5B, rounded as the page shows it.

        Raises:
            ValueError: the text is not a number within the range.
        """
        try:
            number = parse_quantity(text)
        except ValueError as error:
            raise ValueError(f"{self.name}: {error}") from None
        if not self.low <= number <= self.high or not math.isfinite(number):
            raise ValueError(
                f"{self.name}: {text[:50]!r} is outside the range of this control; choose a value "
                f"from {self.low:g} to {self.high:g}"
            )
        return float(f"{number:.3g}")

    def to_json(self) -> dict[str, Json]:
        """The control as the page receives it."""
        step = (self.high - self.low) / _POSITIONS
        if self.scale == "log":
            step = (self.high / self.low) ** (1 / _POSITIONS)
        return {
            "name": self.name,
            "label": self.label,
            "kind": "slider",
            "help": self.help,
            "default": self.default,
            "scale": self.scale,
            "min": self.low,
            "max": self.high,
            "step": step,
            "unit": self.unit,
            "only_with": self.only_with,
        }


@dataclasses.dataclass(frozen=True, kw_only=True)
class Option:
    """One value of a `Choice`: the value, what the user reads, and a sentence about it."""

    value: str
    label: str
    help: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choice:
    """A control with a few values.

    Attributes:
        name: the name in the query string.
        label: what the user reads.
        help: one sentence.
        default: the first value.
        options: the values.
    """

    name: str
    label: str
    help: str
    default: str
    options: Sequence[Option]

    def value(self, text: str) -> str:
        """The value that a text names.

        Raises:
            ValueError: it is not one of the values.
        """
        known = [option.value for option in self.options]
        if text not in known:
            raise ValueError(
                f"{self.name}: {text[:50]!r} is not a value of this control; choose one of "
                f"{', '.join(known)}"
            )
        return text

    def to_json(self) -> dict[str, Json]:
        """The control as the page receives it."""
        return {
            "name": self.name,
            "label": self.label,
            "kind": "choice",
            "help": self.help,
            "default": self.default,
            "choices": [dataclasses.asdict(option) for option in self.options],
        }


Control: TypeAlias = Slider | Choice


def state_of(controls: Sequence[Control], query: Mapping[str, str]) -> dict[str, Json]:
    """The complete state of a view: the values of a query, and defaults for the others.

    Raises:
        ValueError: a name is not that of a control, or a value is not one of its values.
    """
    known = {control.name: control for control in controls}
    for name in query:
        if name not in known:
            raise ValueError(
                f"{name[:50]!r} is not a control of this view; its controls are {', '.join(known)}"
            )
    return {
        name: control.value(query[name]) if name in query else control.default
        for name, control in known.items()
    }
