"""Plans of sizes and tokens, of one model or of a student and its teacher."""

import functools
import inspect
from typing import TYPE_CHECKING

import numpy as np

from jaxlaws.cli.answers.presentation import Answered, Presentation
from jaxlaws.cli.output.progress import patience
from jaxlaws.cli.output.question_marks import questioned
from jaxlaws.foundations.annotations import Array, Json, Tree
from jaxlaws.foundations.text.cells import WORDS, cell
from jaxlaws.foundations.text.table_columns import known, table_of
from jaxlaws.foundations.text.tables import Table
from jaxlaws.planning import (
    DEFAULT_BOUNDS,
    NearOptimalRange,
    Status,
    is_solved,
    near_optimal_range,
    search_failed,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


# Losses with this relative difference are the same; a range is wide if its ends have this ratio.
_SAME_LOSS, _WIDE = 1e-9, 1.1
# Only where an e-fold of compute gains less than this share of the loss, or a teacher takes less
# than this share of the compute, can the loss be the same in a wide range of sizes.
_LEAST_GAIN, _LEAST_SHARE = 1e-4, 1e-6


class SizeAndTokens(Presentation):
    """A `SupervisedPlan` or a `DistillationPlan`, and its near-optimal ranges on request.

    Args:
        title: of tables and pictures.
        within: the loss that a plan in a near-optimal range may lose, in the unit of the law;
            None for no ranges.
    """

    picture_of = "one plan or a sweep of --flops"

    def __init__(self, title: str, within: float | None = None) -> None:
        super().__init__(title, columns=WORDS | {"status": "status"})
        self.within = within

    def ranges(self, found: Answered) -> dict[str, Tree]:
        """The near-optimal range of each free variable that the planning function can bound."""
        return self._on_request(found)

    @functools.lru_cache(maxsize=1)  # noqa: B019 - one object for each command
    def _on_request(self, found: Answered) -> dict[str, Tree]:
        ranges = {} if self.within is None else _ranges(found, self.within)
        if "num_tokens" in ranges and "num_unique_tokens" in found.inputs:
            ranges["num_epochs"] = epochs_of(
                ranges["num_tokens"], found.inputs["num_unique_tokens"]
            )
        return ranges

    def document(self, found: Answered) -> dict[str, Json]:
        """The plan and the ranges."""
        document = super().document(found)
        within, ranges = self.within, self.ranges(found)
        if within is None and (ranges := self.undetermined(found)):
            within = known(_SAME_LOSS * found.result.loss)  # as in `undetermined`
        if within is not None:
            document["near_optimal_range"] = {"within": within} | {
                name: {"low": known(ends.low), "high": known(ends.high)}
                for name, ends in ranges.items()
            }
        return document

    @functools.lru_cache(maxsize=1)  # noqa: B019 - one object for each command
    def undetermined(self, found: Answered) -> dict[str, Tree]:
        """The wide ranges of sizes and tokens in which the loss is the same to nine digits."""
        flat = "flops" in found.inputs and _may_be_flat(found.result)
        if not np.any(flat):
            return {}
        ranges = _ranges(found, _SAME_LOSS * np.where(flat, found.result.loss, 1.0))
        return {n: r for n, r in ranges.items() if np.any(r.high > _WIDE * r.low)}

    def caveats(self, found: Answered) -> list[str]:
        """A sentence for each size or number of tokens that the loss does not determine."""
        ranges, notes = self.undetermined(found), []
        for name, ends in ranges.items():
            count = int(np.sum(ends.high > _WIDE * ends.low))
            where = (
                f"in {count} of {np.size(ends.low)} plans"
                if found.swept
                else _in_words(name, ends.low, ends.high)
            )
            notes.append(
                f"The loss does not determine the {WORDS[name]} ({where}): there it is the same "
                "to nine digits"
            )
        return notes

    def table(self, found: Answered, document: dict[str, Json]) -> Table:
        """The table of the plan; for a sweep with the first range, as there is no room for all."""
        table = super().table(found, document)
        for name, ends in list(self.ranges(found).items())[: 1 if found.swept else 0]:
            pairs = zip(ends.low, ends.high, strict=True)
            cells = [_in_words(name, low, high) for low, high in pairs]
            values = {"range": questioned("range", cells, search_failed(ends.best.status))}
            added = table_of(values, {"range": f"{WORDS[name]} within {self.within:g}"})
            rows = [[*row, *more] for row, more in zip(table.rows, added.rows, strict=True)]
            table = Table([*table.heads, *added.heads], rows, table.note)
        return table

    def notes(self, found: Answered, document: dict[str, Json]) -> list[str]:
        """The notes on the plan, and the ranges of a single plan."""
        ranges = {} if found.swept else self.ranges(found)
        return super().notes(found, document) + [
            f"{WORDS[name].capitalize()} within {self.within:g} of that loss: "
            f"{_in_words(name, ends.low, ends.high)}."
            for name, ends in ranges.items()
        ]

    def picture(self, found: Answered) -> "Figure":
        """One plan; or the first range against the budget; or without ranges the plans."""
        from jaxlaws.figures.near_optimal import near_optimal_ranges
        from jaxlaws.figures.plans import allocation, single_plan

        title, unit, ranges = self.picture_title(found), found.source.loss_unit, self.ranges(found)
        if not found.swept:
            return single_plan(found.result, draws=found.draws, ranges=ranges, title=title)
        budgets, decades = found.inputs["flops"], found.decades
        for name, ends in ranges.items():
            bands = [(self.within or 0.0, ends)]
            look = {"of": name, "label": WORDS[name], "decades": decades, "unit": unit}
            return near_optimal_ranges(budgets, bands, title=title, **look)
        return allocation(
            budgets, found.result, draws=found.draws, decades=decades, unit=unit, title=title
        )


def _ranges(found: Answered, within: Array) -> dict[str, NearOptimalRange]:
    """The near-optimal range of each free variable that the planning function can bound."""
    planner, settings = found.question.func, found.question.keywords
    bounded = inspect.signature(planner).parameters
    options = {"within": within, **found.inputs, **settings}
    names = [
        name
        for name in WORDS
        if name in found.result.active_bounds
        if f"{name}_bounds" in bounded and options.get(name) is None
        if np.shape(getattr(found.result, name)) == np.shape(found.result.loss)
        if np.isfinite(getattr(found.result, name)).any()
    ]
    with patience("looking for the ends of the ranges …", expected=8.0 * len(names)):
        return {
            name: near_optimal_range(planner, found.source.law, of=name, **options)
            for name in names
        }


def _may_be_flat(plan: Tree) -> Array:
    """Whether the loss may be the same for other sizes, judged by what compute gains."""
    gain = plan.marginal_values.flops < _LEAST_GAIN * plan.loss
    paid = plan.shares.logits + plan.shares.teacher
    spends_all = is_solved(plan.status) & (plan.status != Status.BUDGET_UNSPENT)
    return spends_all & (gain | ((paid > 0) & (paid < _LEAST_SHARE)))


def epochs_of(tokens: NearOptimalRange, num_unique_tokens: Array) -> NearOptimalRange:
    """The range of epochs from that of the tokens; infinite where the search ended on its bound."""
    low, high = (np.maximum(end / num_unique_tokens, 1.0) for end in (tokens.low, tokens.high))
    is_open = np.isclose(tokens.high, DEFAULT_BOUNDS[1], rtol=1e-9)
    return NearOptimalRange(low=low, high=np.where(is_open, np.inf, high), best=tokens.best)


def _in_words(name: str, low: float, high: float) -> str:
    """A range; an end on the default bound is left out, as the range continues beyond it."""
    open_below, open_above = np.isclose((low, high), DEFAULT_BOUNDS, rtol=1e-9)
    open_above = open_above or np.isinf(high)
    if np.isnan(low):
        return "–"
    if open_below:
        return "any" if open_above else f"up to {cell(name, high)}"
    if open_above:
        return f"from {cell(name, low)} on"
    return f"{cell(name, low)} to {cell(name, high)}"
