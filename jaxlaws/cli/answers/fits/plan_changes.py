"""What changed between two plans of the same question, and whether the decision changed."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from jaxlaws.cli.answers.pipeline import COMMAND
from jaxlaws.foundations.annotations import Json
from jaxlaws.foundations.json_text import is_finite_number
from jaxlaws.foundations.provenance import TableChanges, compare_tables
from jaxlaws.foundations.text.cells import cell, heading
from jaxlaws.foundations.text.table_columns import flat

_LARGE = 0.1  # relative change of a size without an interval that changes the decision
# Parts of a plan that are not results.
_NOT_COMPARED = (
    "asked", "provenance", "intervals", "caveats", "marginal_values", "split_range", "draws",
    COMMAND, "not_determined", "extrapolation_decades", "probabilities", "reason",
)  # fmt: skip
_CHOICES = ("winner", "best", "first", "to", "method", "better", "active_bounds", "status")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Change:
    """How a number of a plan changed.

    Attributes:
        name: its key in the plan.
        before: its earlier value.
        after: its new value; None where it is not known.
        multiple: the change as a multiple of the length of the earlier interval, for sizes, tokens
            and compute on a log scale; None without an interval.
        is_outside: whether the new value lies outside the earlier interval; None without one.
    """

    name: str
    before: float
    after: float | None
    multiple: float | None
    is_outside: bool | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Changes:
    """What changed between two plans.

    Attributes:
        tables: how the runs changed, of the law and of each sub-law that was fitted first.
        numbers: the numbers of the plan.
        reasons: why the decision changed, a sentence each; empty if it stands.
        has_intervals: whether the earlier plan has intervals.
    """

    tables: Mapping[str, TableChanges]
    numbers: tuple[Change, ...]
    reasons: tuple[str, ...]
    has_intervals: bool

    @property
    def decision_changed(self) -> bool:
        """Whether the decision changed."""
        return bool(self.reasons)


def compare(before: Mapping[str, Json], after: Mapping[str, Json]) -> Changes:
    """What changed between two plans, from their JSON objects."""
    old, new = (each["provenance"]["fit"] for each in (before, after))
    tables = {"runs": compare_tables(old["provenance"], new["provenance"])}
    for name, each in old["stages"].items():
        if name in new["stages"] and new["stages"][name] and each:
            tables[f"runs of {name}"] = compare_tables(each, new["stages"][name])
    was, now, intervals = _entries(before), _entries(after), _intervals(before)
    numbers, reasons = [], []
    for name, value in was.items():
        here = now.get(name)
        if name.split(".")[0].partition("[")[0] in _CHOICES:
            if value != here:
                reasons.append(f"{name}: {value} before, {here} now")
        elif is_finite_number(value):
            change = _change(name, value, here, intervals.get(name))
            numbers.append(change)
            if _is_planned(name) and _has_moved(change):
                how = "more than 10% away" if change.is_outside is None else "outside the interval"
                old, new = number_cell(name, value), number_cell(name, here)
                reasons.append(f"{heading(name)}: {old} before, {new} now, {how}")
    return Changes(
        tables=tables,
        numbers=tuple(numbers),
        reasons=tuple(reasons),
        has_intervals=bool(intervals),
    )


def _entries(document: Mapping[str, Json]) -> dict[str, Json]:
    """The results in a plan by name; the entries of a list as `flops[0]`."""
    found = {}
    results = {key: value for key, value in document.items() if key not in _NOT_COMPARED}
    for name, value in flat(results).items():
        if "marginal_values" in name:
            continue
        if isinstance(value, list):
            found |= {f"{name}[{i}]": each for i, each in enumerate(value)}
        else:
            found[name] = value
    return found


def _intervals(document: Mapping[str, Json]) -> dict[str, list[float]]:
    """The interval of each number of a plan, and of each budget of a crossover."""
    found = dict(document.get("intervals", {}))
    draws = document.get("draws")
    crossings = draws.get("crossings", ()) if isinstance(draws, dict) else ()
    for place, each in enumerate(crossings):
        if each["low"] is not None:
            found[f"flops[{place}]"] = [each["low"], each["high"]]
    return found


def number_cell(name: str, value: Json) -> str:
    """A number of a plan as a table shows it, by its name."""
    return cell(name.partition("[")[0], value)


def _change(name: str, value: float, after: Json, ends: Json) -> Change:
    known = after if is_finite_number(after) else None
    multiple = is_outside = None
    if ends is not None and known is not None:
        scale = np.log if value > 0 and known > 0 and is_scale(name) else np.asarray
        length = float(scale(ends[1]) - scale(ends[0]))
        multiple = float(scale(known) - scale(value)) / length if length > 0 else None
        is_outside = not ends[0] <= known <= ends[1]
    return Change(name=name, before=value, after=known, multiple=multiple, is_outside=is_outside)


def is_scale(name: str) -> bool:
    """Whether a number is a size, tokens or a cost, whose changes are relative."""
    last = name.rpartition(".")[2].partition("[")[0]
    return last.startswith("num_") or last.endswith(("flops", "dollars", "tokens_per_param"))


def _is_planned(name: str) -> bool:
    """Whether a number is a part of the decision: a size, tokens or a budget of the plan itself."""
    return "." not in name and is_scale(name)


def _has_moved(change: Change) -> bool:
    if change.after is None:
        return True
    if change.is_outside is not None:
        return change.is_outside
    return abs(change.after / change.before - 1) > _LARGE
