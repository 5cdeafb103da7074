"""`jaxlaws plan distill --teachers`: existing teachers, ranked for a student."""

from typing import TYPE_CHECKING

import numpy as np

from jaxlaws.cli.answers.draws import num_draws
from jaxlaws.cli.answers.presentation import Answered, Presentation
from jaxlaws.cli.output.question_marks import failed, questioned, with_question_marks
from jaxlaws.cli.output.wording import distance
from jaxlaws.foundations.annotations import Array, Json, Tree
from jaxlaws.foundations.text.cells import WORDS, cell
from jaxlaws.foundations.text.table_columns import columns, known, plain_inputs, table_of
from jaxlaws.foundations.text.tables import Table
from jaxlaws.planning import Status, plan_to_dict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = {  # for each teacher
    "teacher": "teacher",
    "num_teacher_params": WORDS["num_teacher_params"],
    "teacher_loss": WORDS["teacher_loss"],
    "num_student_tokens": "student tokens",
    "shares.logits": "logits",
    "loss": "loss",
}
_SWEEP = {
    "best": "best",
    "margin": "margin",
    "gain": "gain",
    "supervised.loss": "loss, train",
}


class TeacherRanking(Presentation):
    """A `TeacherChoice`: the teachers from the best on, or the best teacher along a sweep.

    Args:
        title: of tables.
        names: of the teachers.
    """

    entries = "choices"
    picture_of = "one plan or a sweep of --flops"

    def __init__(self, title: str, names: Array) -> None:
        super().__init__(title)
        self.names, self.columns = names, _SWEEP

    def decades(self, found: Answered) -> Array:
        """How far the plan with each teacher lies outside the fitted range, in decades."""
        return found.source.decades(found.result.plans)

    def is_infeasible(self, result: Tree) -> bool:
        """Whether the budget does not pay for distillation from any of the teachers."""
        return bool(np.all(result.plans.status == Status.INFEASIBLE))

    def document(self, found: Answered) -> dict[str, Json]:
        """The ranking, the plan with each teacher, and how many draws each teacher wins."""
        choice, draws, names = found.result, found.draws_of_single, self.names
        shares = {}
        if draws is not None:
            shares = {str(name): float(np.mean(draws.best == i)) for i, name in enumerate(names)}
        return {
            "asked": plain_inputs(found.inputs),
            "teachers": names.tolist(),
            "best": np.where(choice.best < 0, "none", names[choice.best]).tolist(),
            "ranking": names[choice.ranking].tolist(),
            "margin": known(choice.margin),
            "gain": known(choice.gain),
            "plans": plan_to_dict(choice.plans),
            "supervised": plan_to_dict(choice.supervised),
            "extrapolation_decades": known(found.decades),
            **({"probabilities": shares} if shares else {}),
        }

    def file_columns(self, found: Answered, document: dict[str, Json]) -> dict[str, list[Json]]:
        """A row for each budget or student, and each teacher."""
        shape = np.shape(found.result.ranking)
        rows = document["asked"] | {
            "teacher": np.broadcast_to(self.names, shape).tolist(),
            "rank": (np.argsort(found.result.ranking, axis=-1) + 1).tolist(),
            **{name: value for name, value in document["plans"].items() if name != "flops"},
            "flops_spent": document["plans"]["flops"],
            "extrapolation_decades": document["extrapolation_decades"],
        }
        return columns(rows, shape)

    def table(self, found: Answered, document: dict[str, Json]) -> Table:
        """The ranking with a row for training alone; the best teacher along a sweep."""
        if found.swept:
            unsure = failed(document["plans"]["status"]).any(axis=-1)
            return super().table(
                found, document | {"best": questioned("best", document["best"], unsure)}
            )
        values, shown = with_question_marks(self.file_columns(found, document)), _COLUMNS
        if shares := document.get("probabilities"):
            values["share_of_draws"] = list(shares.values())
            shown = _COLUMNS | {"share_of_draws": "draws"}
        values = {name: [values[name][n] for n in found.result.ranking] for name in shown}
        table, alone = table_of(values, shown), document["supervised"]
        tokens = cell("num_tokens", alone["num_tokens"])
        loss = cell("loss", with_question_marks(alone)["loss"])
        last = ["none, trained alone", "–", "–", tokens, "–", loss, *["–"] * bool(shares)]
        return Table(table.heads, [*table.rows, last], table.note)

    def picture(self, found: Answered) -> "Figure":
        """The loss of the student of each teacher, for one budget or along a sweep."""
        from jaxlaws.figures.catalogue import teacher_catalogue

        return teacher_catalogue(
            found.result,
            self.names.tolist(),
            flops=found.inputs["flops"] if found.swept else None,
            decades=found.decades,
            unit=found.source.loss_unit,
            title=self.picture_title(found),
        )

    def lead(self, found: Answered, document: dict[str, Json]) -> str:
        """The best teacher, and whether it is better than no teacher."""
        if found.swept:
            return ""
        words, gain = f"Best teacher: {document['best']}.", document["gain"]
        if gain is None:
            return words
        than = "lower" if gain >= 0 else "higher"
        by = f"{abs(gain):.4f} {found.source.loss_unit}".rstrip()
        return f"{words} The loss of its student is {by} {than} than without a teacher."

    def notes(self, found: Answered, document: dict[str, Json]) -> list[str]:
        """The share of the draws in which the best teacher is the best."""
        notes = []
        if shares := document.get("probabilities"):
            total, best = num_draws(found.source.ensemble), document["best"]
            notes.append(
                f"{best} is the best teacher in {shares.get(best, 0.0):.0%} of {total} draws."
            )
        return [*notes, distance(found.decades, found.source.farthest(found.result.plans))]
