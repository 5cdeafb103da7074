"""`jaxlaws plan crossover`: the budgets at which the better of two methods changes."""

import functools
from collections.abc import Mapping

import jax
import numpy as np

from jaxlaws.annotations import Array, Json, Tree
from jaxlaws.cli.answers.draws import LEVEL, interval, num_draws
from jaxlaws.cli.answers.presentation import Answered, Presentation
from jaxlaws.cli.answers.wording import cell, distance
from jaxlaws.cli.output.printing import Table
from jaxlaws.cli.output.progress import patience
from jaxlaws.cli.output.table_columns import known
from jaxlaws.planning import Method, Status, extrapolation_decades

_METHODS = {"SUPERVISED": "train alone", "DISTILLATION": "distil", "NONE": "neither"}
_MAX_DRAWS = 200  # each is computed at some hundreds of budgets


class CrossoverBudgets(Presentation):
    """`Crossings` of one student or several: a row for each better method.

    Args:
        title: of tables.
        scenario: name of the scenario.
    """

    def __init__(self, title: str, scenario: str) -> None:
        super().__init__(f"{title}, scenario {scenario}")
        self.scenario = scenario

    def over_draws(
        self, question: functools.partial[Tree], ensemble: Tree, inputs: Mapping[str, Array]
    ) -> Tree:
        """The crossings of the first draws, all at once."""
        some = jax.tree.map(lambda leaf: leaf[:_MAX_DRAWS], ensemble)
        with patience(f"planning with {num_draws(some)} draws of the fit …"):
            return question(some, **inputs)

    def is_infeasible(self, result: Tree) -> bool:
        """False: no crossing is an answer too."""
        return False

    def decades(self, found: Answered) -> Array:
        """How far a model trained alone at each crossing lies outside the fitted range."""
        inputs, budgets = found.inputs, found.result.flops
        sizes = np.asarray(inputs["num_student_params"])[..., None]
        flops_per_token = 3 * np.asarray(found.question.keywords["forward_flops"](sizes))
        tokens = budgets / inputs["num_students"] / flops_per_token
        tokens = tokens - inputs["num_inference_tokens"] / 3
        sizes = np.where(np.isfinite(tokens), sizes, np.nan)
        runs = {"num_params": sizes, "num_student_params": sizes}
        runs |= {"num_tokens": tokens, "num_student_tokens": tokens}
        decades = extrapolation_decades(runs, found.source.fitted_range)
        return np.where(np.isfinite(budgets), decades, np.nan)

    def document(self, found: Answered) -> dict[str, Json]:
        """The crossings, and for a single student the crossings of the draws."""
        document = {"scenario": self.scenario, **super().document(found)}
        if self._has_shares(found):
            first, *crossings = self._shares(found)
            document["draws"] = {"first": first, "crossings": crossings}
        return document

    def document_of_draws(self, found: Answered) -> dict[str, Json]:
        """Nothing: the document has the draws."""
        return {}

    def file_columns(self, found: Answered, document: dict[str, Json]) -> dict[str, list[Json]]:
        """A row for each range of budgets with one better method."""
        rows = self._rows(found)
        return {name: [row[name] for row in rows] for name in rows[0]}

    def table(self, found: Answered) -> Table:
        """A row for each range of budgets with one better method."""
        heads = ["student parameters", "from FLOPs on", "better", "loss there", "status"]
        if self._has_shares(found):
            heads += [f"low ({LEVEL:.0%})", "high", "share of draws"]
        rows = [
            [
                cell("num_student_params", row["num_student_params"]),
                "the least" if row["from_flops"] is None else cell("flops", row["from_flops"]),
                _METHODS[row["better"]],
                cell("loss", row["loss"]),
                row["status"],
                *(cell(n, row[n]) for n in ("low", "high", "share_of_draws") if n in row),
            ]
            for row in self._rows(found)
        ]
        return Table(heads, rows)

    def notes(self, found: Answered) -> list[str]:
        """How far the crossings lie outside the fitted range, and what the draws leave out."""
        crossed = np.isfinite(found.result.flops)
        if not crossed.any():
            notes = ["There is no crossing between 1e17 and 1e28 FLOPs."]
        else:
            known_decades = found.decades[np.isfinite(found.decades)]
            notes = [distance(known_decades if known_decades.size else np.nan)]
        if self._has_shares(found) and found.source.supervised_is_constant:
            notes.append(
                "All draws share one supervised law: its uncertainty is not in the intervals."
            )
        return notes

    def warnings(self, found: Answered) -> list[str]:
        """None: each row has its status."""
        return []

    def _has_shares(self, found: Answered) -> bool:
        return not found.swept and found.draws is not None

    def _shares(self, found: Answered) -> list[dict[str, Json]]:
        """The share of the draws that begin as the law does, then where each crossing lies in them.

        The second crossing to distilling is compared with the second such crossing of each draw
        that has one.
        """
        law, draws = found.result, found.draws
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

    def _rows(self, found: Answered) -> list[dict[str, Json]]:
        """The first method of each student, and each crossing."""
        result, rows = found.result, []
        flops, to, loss = (np.atleast_2d(part) for part in (result.flops, result.to, result.loss))
        decades = known(np.atleast_2d(found.decades))
        for index, size in enumerate(np.atleast_1d(found.inputs["num_student_params"])):
            status = Status(int(np.atleast_1d(result.status)[index])).name
            first = np.atleast_1d(result.first)[index]
            crossings = [
                (float(flops[index, n]), float(loss[index, n]), to[index, n], decades[index][n])
                for n in np.flatnonzero(np.isfinite(flops[index]))
            ]
            rows += [
                {
                    "num_student_params": float(size),
                    "from_flops": budget,
                    "loss": level,
                    "better": Method(int(method)).name,
                    "status": status,
                    "extrapolation_decades": outside,
                }
                for budget, level, method, outside in [(None, None, first, None), *crossings]
            ]
        if self._has_shares(found):
            rows = [{**row, **s} for row, s in zip(rows, self._shares(found), strict=True)]
        return rows
