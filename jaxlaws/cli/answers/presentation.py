"""What the command line shows for one kind of plan, and the defaults of all kinds."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from jaxlaws.annotations import Array, Json, Tree
from jaxlaws.cli.answers.draws import LEVEL, NO_DRAWS, interval, num_draws, over_draws
from jaxlaws.cli.answers.wording import (
    COST_WORDS,
    INPUT_WORDS,
    WORDS,
    cell,
    cells,
    counts,
    decades_cells,
    distance,
    goals,
    is_solved,
    remarks,
)
from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.output.printing import Table
from jaxlaws.cli.output.table_columns import columns, known, plain_inputs, table_of
from jaxlaws.planning import Status, plan_to_dict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Columns = Mapping[str, Callable[[int], str]]


@dataclasses.dataclass(frozen=True, eq=False)
class Answered:
    """What a planning function returned, and for which inputs.

    Attributes:
        kind: how the result is shown.
        question: the planning function with its settings.
        inputs: its inputs by name: numbers, or arrays of one length for a sweep.
        source: the law.
        result: what the planning function returned.
    """

    kind: "Presentation"
    question: functools.partial[Tree]
    inputs: Mapping[str, Array]
    source: Source
    result: Tree

    @property
    def swept(self) -> list[str]:
        """The names of the inputs that are arrays; empty for a single answer."""
        return [name for name, value in self.inputs.items() if np.ndim(value)]

    @property
    def num_answers(self) -> int:
        """Number of answers: the length of the sweep, or 1."""
        return max(np.size(value) for value in self.inputs.values())

    @functools.cached_property
    def decades(self) -> Array:
        """How far each plan lies outside the fitted range, in decades."""
        return self.kind.decades(self)

    @functools.cached_property
    def draws(self) -> Tree:
        """What the planning function returns for each draw of the fit; None without draws."""
        if self.source.ensemble is None:
            return None
        return self.kind.over_draws(self.question, self.source.ensemble, self.inputs)


class Presentation:
    """What the command line shows for one kind of plan.

    This class shows a plan that has numbers and possibly a status. A kind of plan that is shown
    in another way overrides what differs. The methods take an `Answered`; for a sweep the leaves
    of its result have an axis.

    Args:
        title: of tables and pictures, without inputs and law.
        words: what the numbers to show are called, by field of the plan.
        has_draws: whether single plans are computed for the draws of the fit too.
    """

    picture_of: ClassVar[Literal["nothing", "a sweep of --flops", "every answer"]] = "nothing"
    entries: ClassVar[str] = "plans"

    def __init__(
        self, title: str, *, words: Mapping[str, str] = WORDS, has_draws: bool = True
    ) -> None:
        self.title, self.words, self.has_draws = title, words, has_draws

    def fields(self, result: Tree) -> Mapping[str, Array]:
        """The fields of the plan by name."""
        return vars(result)

    def over_draws(
        self, question: functools.partial[Tree], ensemble: Tree, inputs: Mapping[str, Array]
    ) -> Tree:
        """What the planning function returns for each draw of the fit."""
        return over_draws(question, ensemble, inputs)

    def decades(self, found: Answered) -> Array:
        """How far each plan lies outside the fitted range, in decades."""
        return found.source.decades(found.result)

    def is_infeasible(self, result: Tree) -> bool:
        """Whether a single result contains no plan."""
        plan = self.fields(result)
        if "status" in plan:
            return bool(plan["status"] == Status.INFEASIBLE)
        return bool(np.isnan(plan["loss"]))

    # The document, for --json, and the table for -o.

    def document(self, found: Answered) -> dict[str, Json]:
        """The answer as a JSON object, without what only the draws tell."""
        return {
            "asked": plain_inputs(found.inputs),
            **plan_to_dict(found.result),
            "extrapolation_decades": known(found.decades),
        }

    def document_of_draws(self, found: Answered) -> dict[str, Json]:
        """What the draws of the fit tell of a single answer, for the JSON object."""
        intervals = self.intervals(found)
        return {"intervals": intervals} if intervals else {}

    def file_columns(self, found: Answered, document: dict[str, Json]) -> dict[str, list[Json]]:
        """The columns of the table that `-o` writes."""
        return columns(document, (found.num_answers,) if found.swept else ())

    def intervals(self, found: Answered) -> dict[str, list[float]]:
        """The interval of each number of a single plan, over the draws that have a plan."""
        if found.draws is None or not self.has_draws:
            return {}
        plans = self.fields(found.draws)
        solved = is_solved(plans["status"])
        ends = {
            name: interval(plans[name][solved])
            for name in self.words
            if name in plans and name not in found.inputs
        }
        return {name: pair for name, pair in ends.items() if pair is not None}

    # The table for people.

    def heading(self, found: Answered) -> str:
        """The title of the table: what is planned, the inputs that are not swept, and the law."""
        parts = [self.title, goals(found.inputs), f"law {found.source.name}"]
        return ", ".join(filter(None, parts))

    def table(self, found: Answered) -> Table:
        """The table of a single plan or of a sweep."""
        if not found.swept:
            return self.single(found)
        shown = {INPUT_WORDS[name]: cells(name, found.inputs[name]) for name in found.swept}
        shown |= self.columns(found)
        return table_of(shown, found.num_answers, self.entries)

    def single(self, found: Answered) -> Table:
        """The table of a single plan."""
        plan, intervals = self.fields(found.result), self.intervals(found)
        rows = [
            [words, cell(name, plan[name]), *(cell(name, end) for end in intervals.get(name, ()))]
            for name, words in self.words.items()
            if np.isfinite(plan.get(name, np.nan))
        ]
        for name, share in plan.get("shares", {}).items():
            if share > 0:
                rows.append([f"compute for {COST_WORDS[name]}", cell(name, share)])
        if "status" in plan:
            rows.append(["status", Status(int(plan["status"])).name])
        ends = [f"low ({LEVEL:.0%})", "high"] if intervals else []
        return Table(["", "plan", *ends], rows)

    def columns(self, found: Answered) -> Columns:
        """The columns of the table of a sweep, beside those of the inputs."""
        plans, statuses = self.fields(found.result), found.result
        shown = {
            words: cells(name, plans[name])
            for name, words in self.words.items()
            if name in plans and name not in found.inputs
        }
        if "status" in plans:
            statuses = plans["status"]
            shown["status"] = lambda row: Status(int(statuses[row])).name
        return {**shown, "decades outside": decades_cells(found.decades)}

    def notes(self, found: Answered) -> list[str]:
        """Sentences below the table."""
        plan = self.fields(found.result)
        if found.swept:
            unsolved = counts(plan["status"], found.inputs) if "status" in plan else []
            return [*unsolved, distance(found.decades)]
        on_draws = self._notes_on_draws(found) if self.has_draws else []
        return [*remarks(plan, found.inputs), *on_draws, distance(found.decades)]

    def _notes_on_draws(self, found: Answered) -> list[str]:
        if found.draws is None:
            return [f"No intervals: {NO_DRAWS}"]
        notes, total = [], num_draws(found.source.ensemble)
        solved = int(np.sum(is_solved(self.fields(found.draws)["status"])))
        if solved < total:
            notes.append(
                f"{total - solved} of {total} draws of the fit have no solved plan; "
                "the intervals leave them out."
            )
        if found.source.supervised_is_constant:
            notes.append(
                "All draws share one supervised law: its uncertainty is not in the intervals."
            )
        return notes

    def warnings(self, found: Answered) -> list[str]:
        """Remarks on a single plan that did not converge or has no finite loss."""
        plan = self.fields(found.result)
        if found.swept or "status" not in plan or is_solved(plan["status"]):
            return []
        return remarks(plan, found.inputs)

    def picture(self, found: Answered) -> "Figure":
        """The picture that `-o` draws, of what `picture_of` says."""
        raise NotImplementedError(self.picture_of)
