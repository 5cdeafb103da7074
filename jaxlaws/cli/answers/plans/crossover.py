"""`jaxlaws plan crossover`: the budgets at which the better of two methods changes."""

import jax
import numpy as np

from jaxlaws.cli.answers.draws import LEVEL, SHARED_LAW, interval, num_draws
from jaxlaws.cli.answers.presentation import Answered, Presentation
from jaxlaws.cli.output.progress import patience
from jaxlaws.cli.output.question_marks import with_question_marks, without_good_statuses
from jaxlaws.cli.output.wording import ask_again, distance, in_unit
from jaxlaws.foundations.annotations import Array, Json, Tree
from jaxlaws.foundations.quantities import format_flops
from jaxlaws.foundations.text.table_columns import known, table_of
from jaxlaws.foundations.text.tables import Table
from jaxlaws.planning import Costs, Method, Status, extrapolation_decades

_MAX_DRAWS = 200  # each is computed at some hundreds of budgets


_COLUMNS = {
    "num_student_params": "student parameters",
    "from_flops": "from (FLOPs)",
    "low": f"low ({LEVEL:.0%})",
    "high": "high",
    "better": "better",
    "loss": "loss",
    "status": "status",
    "share_of_draws": "draws",
}


class CrossoverBudgets(Presentation):
    """`Crossings` of one student or several: a row for each better method.

    Args:
        scenario: name of the scenario.
    """

    def __init__(self, scenario: str) -> None:
        super().__init__(f"distil or train alone? Scenario {scenario}", has_draws=False)
        self.scenario = scenario

    def over_draws(self, found: Answered, ensemble: Tree) -> Tree:
        """The crossings of the first draws, all at once."""
        some = jax.tree.map(lambda leaf: leaf[:_MAX_DRAWS], ensemble)
        count = num_draws(some)
        expected = 5 + 0.1 * count
        with patience(f"planning with {count} draws of the fit …", expected=expected):
            return found.question(some, **found.inputs)

    def is_infeasible(self, result: Tree) -> bool:
        """False: no crossing is an answer too."""
        return False

    def decades(self, found: Answered) -> Array:
        """How far a model trained alone at each crossing lies outside the fitted range."""
        decades = extrapolation_decades(self._alone(found), found.source.fitted_range)
        return np.where(np.isfinite(found.result.flops), decades, np.nan)

    def _alone(self, found: Answered) -> dict[str, Array]:
        """Size and tokens of a model trained alone at each crossing."""
        inputs, budgets, cost = found.inputs, found.result.flops, found.cost or Costs()
        sizes = np.asarray(inputs["num_student_params"])[..., None]
        forward = np.asarray(found.question.keywords["forward_flops"](sizes))
        serving = cost.serving * forward * inputs["num_inference_tokens"]
        rest = budgets / inputs["num_students"] - serving
        tokens = rest / (3 * cost.training * forward + cost.token)
        sizes = np.where(np.isfinite(tokens), sizes, np.nan)
        runs = {"num_params": sizes, "num_student_params": sizes}
        return runs | {"num_tokens": tokens, "num_student_tokens": tokens}

    def document(self, found: Answered) -> dict[str, Json]:
        """The crossings of the law. For a single student, also those of the draws."""
        document = super().document(found) | {"scenario": self.scenario}
        if shares := _shares(found):
            document["draws"] = {"first": shares[0], "crossings": shares[1:]}
        return document

    def file_columns(self, found: Answered, document: dict[str, Json]) -> dict[str, list[Json]]:
        """A row for each range of budgets with one better method."""
        rows = _rows(found)
        return {name: [row[name] for row in rows] for name in rows[0]}

    def table(self, found: Answered, document: dict[str, Json]) -> Table:
        """A row for each range of budgets with one better method."""
        values = with_question_marks(self.file_columns(found, document))
        values = without_good_statuses(values)
        return table_of(values, {name: words for name, words in _COLUMNS.items() if name in values})

    def notes(self, found: Answered, document: dict[str, Json]) -> list[str]:
        """How far the crossings lie outside the fitted range, and what the draws leave out."""
        price = 1.0 if found.cost is None else found.cost.training
        low, high = (format_flops(end * price) for end in (1e17, 1e28))
        notes = [f"There is no crossing between {low} and {in_unit(high, found.cost)}."]
        if np.isfinite(found.result.flops).any():
            decades = found.decades[np.isfinite(found.decades)]
            farthest = found.source.farthest(self._alone(found))
            decades = decades if decades.size else np.nan
            notes = [distance(decades, farthest), *ask_again(found.source.name, decades)]
        if "draws" in document and found.source.supervised_is_constant:
            notes.append(f"{SHARED_LAW} the intervals.")
        return notes

    def warnings(self, found: Answered) -> list[str]:
        """None: each row has its status."""
        return []


def _shares(found: Answered) -> list[dict[str, Json]]:
    """The share of the draws that begin as the law does, then where each crossing lies in them.

    The second crossing to distilling is compared with the second such crossing of each draw that
    has one. Only for a single student.
    """
    law, draws = found.result, found.draws_of_single
    if draws is None:
        return []
    begins = float(np.mean(draws.first == law.first))
    shares: list[dict[str, Json]] = [{"low": None, "high": None, "share_of_draws": begins}]
    for place in np.flatnonzero(np.isfinite(law.flops)):
        alike = draws.to == law.to[place]
        nth = np.sum(law.to[: place + 1] == law.to[place])
        here = alike & (np.cumsum(alike, axis=-1) == nth)
        low, high = interval(draws.flops[here]) or (None, None)
        share = float(np.mean(here.any(axis=-1)))
        shares.append({"low": low, "high": high, "share_of_draws": share})
    return shares


def _rows(found: Answered) -> list[dict[str, Json]]:
    """The first method of each student, and each crossing."""
    result, shares, rows = found.result, _shares(found), []
    flops, to, loss = (np.atleast_2d(part) for part in (result.flops, result.to, result.loss))
    decades = known(np.atleast_2d(found.decades))
    for index, size in enumerate(np.atleast_1d(found.inputs["num_student_params"])):
        crossings = [(None, None, np.atleast_1d(result.first)[index], None)]
        crossings += [
            (float(flops[index, n]), float(loss[index, n]), to[index, n], decades[index][n])
            for n in np.flatnonzero(np.isfinite(flops[index]))
        ]
        rows += [
            {
                "num_student_params": float(size),
                "from_flops": budget,
                "loss": level,
                "better": Method(int(method)).name,
                "status": Status(int(np.atleast_1d(result.status)[index])).name,
                "extrapolation_decades": outside,
            }
            for budget, level, method, outside in crossings
        ]
    return [row | share for row, share in zip(rows, shares or [{}] * len(rows), strict=True)]
