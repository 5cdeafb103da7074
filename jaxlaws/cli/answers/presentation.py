"""What the command line shows for one kind of plan, and the defaults of all kinds."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from jaxlaws.annotations import Array, Json, Tree
from jaxlaws.cli.answers.draws import LEVEL, NO_DRAWS, SHARED_LAW, interval, num_draws, over_draws
from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.output import wording
from jaxlaws.cli.output.printing import Table
from jaxlaws.cli.output.table_columns import columns, known, plain_inputs, table_of
from jaxlaws.cli.output.wording import WORDS, cell, cells, is_solved
from jaxlaws.planning import Status, plan_to_dict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Columns = dict[str, Callable[[int], str]]


@dataclasses.dataclass(frozen=True, eq=False)
class Answered:
    """What a planning function returned, and for which inputs.

    Attributes:
        kind: how the result is shown.
        question: the planning function with its settings.
        inputs: its inputs by name: numbers, or arrays of one length for a sweep.
        source: the law.
        result: what the planning function returned. For a sweep its leaves have an axis.
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
    in another way overrides what differs.

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
        plan = self._fields(result)
        if "status" in plan:
            return bool(plan["status"] == Status.INFEASIBLE)
        return bool(np.isnan(plan.get("loss", 0)))

    def document(self, found: Answered) -> dict[str, Json]:
        """The answer as a JSON object; a single answer has what the draws of the fit say."""
        intervals = self._intervals(found)
        return {
            "asked": plain_inputs(found.inputs),
            **plan_to_dict(found.result),
            "extrapolation_decades": known(found.decades),
            **({"intervals": intervals} if intervals else {}),
        }

    def file_columns(self, found: Answered, document: dict[str, Json]) -> dict[str, list[Json]]:
        """The columns of the table that `-o` writes."""
        shape = np.broadcast_shapes(*(np.shape(value) for value in found.inputs.values()))
        return columns({k: v for k, v in document.items() if k != "intervals"}, shape)

    def heading(self, found: Answered) -> str:
        """The title of the table: what is planned, the inputs that are not swept, and the law."""
        parts = [self.title, wording.goals(found.inputs), f"law {found.source.name}"]
        return ", ".join(filter(None, parts))

    def table(self, found: Answered) -> Table:
        """The table for people, of a single plan or of a sweep."""
        if not found.swept:
            return self._single(found)
        swept = {name: found.inputs[name] for name in found.swept}
        shown = {wording.INPUT_WORDS[name]: cells(name, swept[name]) for name in swept}
        length = max(len(values) for values in swept.values())
        return table_of(shown | self._columns(found), length, self.entries)

    def notes(self, found: Answered) -> list[str]:
        """Sentences below the table."""
        plan, notes = self._fields(found.result), []
        if not found.swept:
            notes = wording.remarks(plan, found.inputs)
            notes += self._notes_on_draws(found) if self.has_draws else []
        elif "status" in plan:
            notes = wording.counts(plan["status"], found.inputs)
        return [*notes, wording.distance(found.decades)]

    def warnings(self, found: Answered) -> list[str]:
        """Remarks on a single plan that did not converge or has no finite loss."""
        plan = self._fields(found.result)
        if found.swept or "status" not in plan or is_solved(plan["status"]):
            return []
        return wording.remarks(plan, found.inputs)

    def picture(self, found: Answered) -> "Figure":
        """The picture that `-o` draws, of what `picture_of` says."""
        raise NotImplementedError(self.picture_of)

    def _fields(self, result: Tree) -> Mapping[str, Array]:
        return vars(result)

    def _single(self, found: Answered) -> Table:
        plan, intervals = self._fields(found.result), self._intervals(found)
        rows = [
            [words, cell(name, plan[name]), *(cell(name, end) for end in intervals.get(name, ()))]
            for name, words in self.words.items()
            if np.isfinite(plan.get(name, np.nan))
        ]
        shares = plan.get("shares", {}).items()
        rows += [
            [f"compute for {wording.COST_WORDS[name]}", cell(name, share)]
            for name, share in shares
            if share > 0
        ]
        if "status" in plan:
            rows.append(["status", Status(int(plan["status"])).name])
        ends = [f"low ({LEVEL:.0%})", "high"] if intervals else []
        return Table(["", "plan", *ends], rows)

    def _columns(self, found: Answered) -> Columns:
        """The columns of a sweep, beside those of the inputs: the cell of each row."""
        plans = self._fields(found.result)
        shown = {
            words: cells(name, plans[name])
            for name, words in self.words.items()
            if name in plans and name not in found.inputs
        }
        if "status" in plans:
            shown["status"] = lambda row: Status(int(plans["status"][row])).name
        return {**shown, "decades outside": cells("decades", found.decades)}

    def _intervals(self, found: Answered) -> dict[str, list[float]]:
        """The interval of each number of a single plan, over the draws that have a plan."""
        if found.swept or not self.has_draws or found.draws is None:
            return {}
        plans = self._fields(found.draws)
        names = [name for name in self.words if name in plans and name not in found.inputs]
        solved = is_solved(plans["status"])
        ends = {name: interval(plans[name][solved]) for name in names}
        return {name: pair for name, pair in ends.items() if pair is not None}

    def _notes_on_draws(self, found: Answered) -> list[str]:
        if found.draws is None:
            return [f"No intervals: {NO_DRAWS}"]
        notes, total = [], num_draws(found.source.ensemble)
        unsolved = total - int(np.sum(is_solved(self._fields(found.draws)["status"])))
        if unsolved:
            notes.append(f"The intervals leave out {unsolved} of {total} draws without a plan.")
        if found.source.supervised_is_constant:
            notes.append(f"{SHARED_LAW} the intervals.")
        return notes
