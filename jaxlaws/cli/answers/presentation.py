"""What the command line shows for one kind of plan, and the defaults of all kinds."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from jaxlaws.cli.answers.caveats import ranges_in_words
from jaxlaws.cli.answers.draws import LEVEL, SHARED_LAW, interval, no_draws, num_draws, over_draws
from jaxlaws.cli.answers.free_teacher import is_trained_for_free, without_tokens
from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.output import wording
from jaxlaws.cli.output.progress import patience
from jaxlaws.cli.output.question_marks import with_question_marks, without_good_statuses
from jaxlaws.foundations.annotations import Array, Json, Tree
from jaxlaws.foundations.text.cells import DISTANCE, SHARES, WORDS, cell
from jaxlaws.foundations.text.escaping import figure_text
from jaxlaws.foundations.text.table_columns import columns, flat, known, plain_inputs, table_of
from jaxlaws.foundations.text.tables import Table
from jaxlaws.planning import Costs, Status, is_solved, plan_to_dict
from jaxlaws.planning.plan_dict import with_tokens_per_param

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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

    @property
    def cost(self) -> Costs | None:
        """The prices, whose unit that of budgets and costs is; None where it is FLOPs."""
        return self.question.keywords.get("cost")

    def remarks(self) -> list[str]:
        """What bounds, budget and status of a single plan mean, a sentence each."""
        spent = "money" if hasattr(self.result, "dollars") else "compute"
        spent = spent if self.cost is None else "budget"
        unit = self.source.loss_unit
        return wording.remarks(_plan(self.result), self.inputs, self.cost, spent=spent, unit=unit)

    @functools.cached_property
    def decades(self) -> Array:
        """How far each plan lies outside the fitted range, in decades."""
        return self.kind.decades(self)

    @functools.cached_property
    def draws(self) -> Tree:
        """What the planning function returns for each draw of the fit; None without draws."""
        if self.source.ensemble is None:
            return None
        draws = self.kind.over_draws(self, self.source.ensemble)
        free = is_trained_for_free(self.question, self.inputs)
        return without_tokens(draws) if free else draws

    @property
    def draws_of_single(self) -> Tree:
        """The same for a single answer; None for a sweep, whose draws only pictures show."""
        return None if self.swept else self.draws


class Presentation:
    """What the command line shows for one kind of plan.

    This class shows a plan, or a result whose `plan` (or `smaller`) is a plan. A kind of plan that
    is shown in another way overrides what differs.

    Args:
        title: of tables and pictures, without inputs and law.
        rows: the table of a single plan: what its values are called, by their key in the document.
        columns: the table of a sweep, likewise. By default the same as `rows`, and the decades.
        has_draws: whether single plans are computed for the draws of the fit too.
    """

    picture_of: ClassVar[
        Literal["nothing", "a sweep of --flops", "one plan or a sweep of --flops", "every answer"]
    ] = "nothing"
    entries: ClassVar[str] = "plans"

    def __init__(
        self,
        title: str,
        rows: Mapping[str, str] = WORDS | SHARES | {"status": "status"},
        columns: Mapping[str, str] | None = None,
        *,
        has_draws: bool = True,
    ) -> None:
        self.title, self.rows, self.has_draws = title, rows, has_draws
        self.columns = dict(rows if columns is None else columns) | DISTANCE

    def heading(self, found: Answered) -> str:
        """The title of the table: what is planned, the inputs that are not swept, and the law."""
        goals, prices = wording.goals(found.inputs, found.cost), wording.prices(found.cost)
        parts = [self.title, goals, prices, f"law {found.source.name}"]
        return ", ".join(filter(None, parts))

    def picture_title(self, found: Answered) -> str:
        """The same for a picture."""
        return figure_text(self.heading(found))

    def ask(
        self, question: functools.partial[Tree], source: Source, inputs: Mapping[str, Array]
    ) -> Tree:
        """What the planning function returns."""
        with patience("compiling the planner, which happens once …", once=True, expected=10):
            result = question(source.law, **inputs)
        return without_tokens(result) if is_trained_for_free(question, inputs) else result

    def over_draws(self, found: Answered, ensemble: Tree) -> Tree:
        """What the planning function returns for each draw of the fit."""
        return over_draws(found.question, ensemble, found.inputs)

    def decades(self, found: Answered) -> Array:
        """How far each plan lies outside the fitted range, in decades."""
        return found.source.decades(_plan(found.result))

    def is_infeasible(self, result: Tree) -> bool:
        """Whether a single result contains no plan."""
        plan = _plan(result)
        if hasattr(plan, "status"):
            return bool(plan.status == Status.INFEASIBLE)
        return bool(np.isnan(plan.loss))

    def document(self, found: Answered) -> dict[str, Json]:
        """The answer as a JSON object; a single answer has what the draws of the fit say."""
        intervals = self._intervals(found)
        return {
            "asked": plain_inputs(found.inputs),
            **({} if found.cost is None else {"prices": vars(found.cost)}),
            **plan_to_dict(found.result),
            "extrapolation_decades": known(found.decades),
            **({"intervals": intervals} if intervals else {}),
        }

    def file_columns(self, found: Answered, document: dict[str, Json]) -> dict[str, list[Json]]:
        """The columns of the table that `-o` writes."""
        shape = np.broadcast_shapes(*(np.shape(value) for value in found.inputs.values()))
        return columns({k: v for k, v in document.items() if k != "intervals"}, shape)

    def table(self, found: Answered, document: dict[str, Json]) -> Table:
        """The table for people, of a single plan or of a sweep."""
        values = without_good_statuses(with_question_marks(flat(document)))
        values |= ranges_in_words(document)
        intervals = document.get("intervals", {})
        if found.swept:
            shown = {f"asked.{name}": wording.INPUT_WORDS[name] for name in found.swept}
            names = [name for name in self.columns if name in values and name not in found.inputs]
            shown |= {name: self.columns[name] for name in names}
            return table_of(values, shown, self.entries)
        rows = [
            [words, *(cell(key, each) for each in (values[key], *intervals.get(_last(key), ())))]
            for key, words in self.rows.items()
            if values.get(key)  # not for numbers that are not known, and costs that are zero
        ]
        ends = [f"low ({LEVEL:.0%})", "high"] if intervals else []
        return Table(["", "plan", *ends], rows)

    def lead(self, found: Answered, document: dict[str, Json]) -> str:
        """The answer in a sentence, above the table; empty where the table is the answer."""
        return ""

    def notes(self, found: Answered, document: dict[str, Json]) -> list[str]:
        """Sentences below the table."""
        plan, notes = _plan(found.result), []
        if not found.swept:
            notes = found.remarks()
            notes += self._notes_on_draws(found) if self.has_draws else []
        elif hasattr(plan, "status"):
            notes = wording.counts(plan.status, found.inputs)
        return [*notes, wording.distance(found.decades, found.source.farthest(plan))]

    def caveats(self, found: Answered) -> list[str]:
        """What the loss does not determine, a sentence each."""
        return []

    def warnings(self, found: Answered) -> list[str]:
        """Remarks on a single plan that did not converge or has no finite loss."""
        plan = _plan(found.result)
        if found.swept or is_solved(getattr(plan, "status", Status.CONVERGED)):
            return []
        return found.remarks()

    def picture(self, found: Answered) -> "Figure":
        """The picture that `-o` draws, of what `picture_of` says."""
        raise NotImplementedError(self.picture_of)

    def _intervals(self, found: Answered) -> dict[str, list[float]]:
        """The interval of each number of a single plan, over the draws that have a plan."""
        draws = found.draws_of_single if self.has_draws else None
        if draws is None:
            return {}
        values = with_tokens_per_param({**vars(_plan(draws)), **vars(draws)})
        solved = is_solved(values["status"])
        names = [_last(key) for key in self.rows if _last(key) not in ("status", *found.inputs)]
        numbers = {name: values[name] for name in names if name in values}
        ends = {n: interval(each[solved]) for n, each in numbers.items() if np.ndim(each) == 1}
        return {name: pair for name, pair in ends.items() if pair is not None}

    def _notes_on_draws(self, found: Answered) -> list[str]:
        if found.draws is None:
            return [f"No intervals: {no_draws(found.source)}"]
        notes, total = [], num_draws(found.source.ensemble)
        unsolved = total - int(np.sum(is_solved(_plan(found.draws).status)))
        if unsolved:
            notes.append(f"The intervals leave out {unsolved} of {total} draws without a plan.")
        if found.source.supervised_is_constant:
            notes.append(f"{SHARED_LAW} the intervals.")
        return notes


def _plan(result: Tree) -> Tree:
    return getattr(result, "plan", getattr(result, "smaller", result))


def _last(key: str) -> str:
    return key.rsplit(".")[-1]
