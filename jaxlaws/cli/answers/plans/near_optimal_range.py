"""`--within`: the ranges of sizes and tokens whose best plans lose little."""

import functools
import inspect
from typing import TYPE_CHECKING

import numpy as np

from jaxlaws.annotations import Json, Tree
from jaxlaws.cli.answers.plans.size_and_tokens import SizeAndTokens
from jaxlaws.cli.answers.presentation import Answered, Columns
from jaxlaws.cli.answers.wording import WORDS, cell
from jaxlaws.cli.output.progress import patience
from jaxlaws.cli.output.table_columns import known
from jaxlaws.planning import near_optimal_range
from jaxlaws.planning.engine.checks import DEFAULT_BOUNDS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def size_and_tokens(title: str, within: float | None) -> SizeAndTokens:
    """How a plan is shown: with the ranges of `--within` where the user gives it."""
    return SizeAndTokens(title) if within is None else NearOptimalRanges(title, within)


class NearOptimalRanges(SizeAndTokens):
    """A plan, and the near-optimal range of each size and number of tokens that it chooses.

    Args:
        title: of tables and pictures.
        within: the loss that a plan in a range may lose, in the unit of the law.
    """

    def __init__(self, title: str, within: float) -> None:
        super().__init__(title)
        self.within = within

    @functools.lru_cache(maxsize=1)  # noqa: B019 - one object for each command
    def ranges(self, found: Answered) -> dict[str, Tree]:
        """The range of each free variable whose bounds the planning function takes, by name."""
        planner, settings = found.question.func, found.question.keywords
        bounded = inspect.signature(planner).parameters
        with patience("looking for the ends of the ranges …"):
            return {
                name: near_optimal_range(
                    planner,
                    found.source.law,
                    of=name,
                    within=self.within,
                    **found.inputs,
                    **settings,
                )
                for name in WORDS
                if name in found.result.active_bounds and f"{name}_bounds" in bounded
            }

    def document(self, found: Answered) -> dict[str, Json]:
        """The plan and the ranges."""
        ends = {
            name: {"low": known(found_range.low), "high": known(found_range.high)}
            for name, found_range in self.ranges(found).items()
        }
        return super().document(found) | {"near_optimal_range": {"within": self.within, **ends}}

    def columns(self, found: Answered) -> Columns:
        """The columns of the plan and the first range: a table for people has no room for all."""
        name, first = next(iter(self.ranges(found).items()))
        low, high = np.asarray(first.low), np.asarray(first.high)
        words = f"{WORDS[name]} within {self.within:g}"
        return {**super().columns(found), words: lambda row: _in_words(name, low[row], high[row])}

    def notes(self, found: Answered) -> list[str]:
        """The notes on the plan, and the ranges of a single plan."""
        ranges = {} if found.swept else self.ranges(found)
        return super().notes(found) + [
            f"{WORDS[name].capitalize()} within {self.within:g} of that loss: "
            f"{_in_words(name, found_range.low, found_range.high)}."
            for name, found_range in ranges.items()
        ]

    def picture(self, found: Answered) -> "Figure":
        """The first range against the budget."""
        from jaxlaws.figures.near_optimal import near_optimal_ranges

        name, first = next(iter(self.ranges(found).items()))
        return near_optimal_ranges(
            found.inputs["flops"],
            [(self.within, first)],
            of=name,
            label=WORDS[name],
            title=self.heading(found),
        )


def _in_words(name: str, low: float, high: float) -> str:
    """A range; an end on the default bound is left out, as the range continues beyond it."""
    open_below, open_above = np.isclose((low, high), DEFAULT_BOUNDS, rtol=1e-9)
    if np.isnan(low):
        return "–"
    if open_below:
        return "any" if open_above else f"up to {cell(name, high)}"
    if open_above:
        return f"from {cell(name, low)} on"
    return f"{cell(name, low)} to {cell(name, high)}"
