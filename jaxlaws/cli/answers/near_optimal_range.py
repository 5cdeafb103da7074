"""How freely what is planned may be chosen: the ranges behind `--within`."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from jaxlaws.cli.answers.wording import WORDS, cell
from jaxlaws.cli.output.table_columns import known
from jaxlaws.planning import near_optimal_range
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS


def near_optimal_of_all(
    planner: Callable[..., Any],
    law: Any,
    plan: Any,
    within: float,
    asked: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """The range of each size and number of tokens that a question chooses, by its name."""
    bounded = inspect.signature(planner).parameters
    return {
        name: near_optimal_range(planner, law, of=name, within=within, **asked, **settings)
        for name in WORDS
        if name in plan.active_bounds and f"{name}_bounds" in bounded
    }


def leeway_document(ranges: Mapping[str, Any], within: float) -> dict[str, Any]:
    """The ranges as JSON."""
    ends = {
        name: {"low": known(leeway.low), "high": known(leeway.high)}
        for name, leeway in ranges.items()
    }
    return {"within": within, **ends}


def leeway_words(ranges: Mapping[str, Any], within: float) -> list[str]:
    """The ranges of a single plan, a sentence each."""
    return [
        f"{WORDS[name].capitalize()} within {within:g} of that loss: {range_cell(name, leeway)}."
        for name, leeway in ranges.items()
    ]


def range_cell(name: str, leeway: Any, row: int | None = None) -> str:
    """One range in words; an end on a bound is none."""
    low, high = (
        float(np.asarray(end)[() if row is None else row]) for end in (leeway.low, leeway.high)
    )
    if np.isnan(low):
        return "–"
    open_below, open_above = (
        np.isclose(end, bound, rtol=1e-9)
        for end, bound in zip((low, high), DEFAULT_BOUNDS, strict=True)
    )
    if open_below and open_above:
        return "any"
    if open_below:
        return f"up to {cell(name, high)}"
    return (
        f"from {cell(name, low)} on" if open_above else f"{cell(name, low)} to {cell(name, high)}"
    )
