"""`jaxlaws plan distill --teachers`: existing teachers, ranked for a student."""

import numpy as np

from jaxlaws.annotations import Array, Json, Tree
from jaxlaws.cli.answers.draws import num_draws
from jaxlaws.cli.answers.presentation import Answered, Columns, Presentation
from jaxlaws.cli.output.printing import Table
from jaxlaws.cli.output.table_columns import columns, known, plain_inputs
from jaxlaws.cli.output.wording import cells, distance
from jaxlaws.planning import plan_to_dict


class TeacherRanking(Presentation):
    """A `TeacherChoice`: the teachers from the best on, or the best teacher along a sweep.

    Args:
        title: of tables.
        names: of the teachers.
    """

    entries = "choices"

    def __init__(self, title: str, names: Array) -> None:
        super().__init__(title)
        self.names = names

    def decades(self, found: Answered) -> Array:
        """How far the plan with each teacher lies outside the fitted range, in decades."""
        return found.source.decades(found.result.plans)

    def is_infeasible(self, result: Tree) -> bool:
        """Whether the budget does not pay for distillation from any of the teachers."""
        return bool(result.best < 0)

    def document(self, found: Answered) -> dict[str, Json]:
        """The ranking, the plan with each teacher, and how many draws each teacher wins."""
        choice, shares = found.result, self._shares(found)
        return {
            "asked": plain_inputs(found.inputs),
            "teachers": self.names.tolist(),
            "best": self._best(choice).tolist(),
            "ranking": self.names[choice.ranking].tolist(),
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

    def notes(self, found: Answered) -> list[str]:
        """Whether the best teacher is better than no teacher, and the share of the draws."""
        notes, shares = [], self._shares(found)
        if not found.swept:
            best, gain = str(self._best(found.result)), found.result.gain
            than = (
                f"{abs(gain):.4f} {'lower' if gain >= 0 else 'higher'} than that of training alone"
            )
            notes.append(f"Best teacher: {best}. The loss of its student is {than}.")
            if shares:
                total = num_draws(found.source.ensemble)
                notes.append(f"It is the best teacher in {shares[best]:.0%} of the {total} draws.")
        return [*notes, distance(found.decades)]

    def _single(self, found: Answered) -> Table:
        plans, alone, order = found.result.plans, found.result.supervised, found.result.ranking
        shares = self._shares(found)
        shown = {
            "teacher": lambda row: str(self.names[row]),
            "parameters": cells("size", plans.num_teacher_params),
            "its loss": cells("loss", plans.teacher_loss),
            "student tokens": cells("tokens", plans.num_student_tokens),
            "for its logits": cells("logits", plans.shares.logits),
            "loss": cells("loss", plans.loss),
        }
        if shares:
            shown["share of draws"] = cells("share_of_draws", list(shares.values()))
        rows = [[text(row) for text in shown.values()] for row in order]
        tokens, loss = cells("tokens", [alone.num_tokens])(0), cells("loss", [alone.loss])(0)
        rows.append(["none, trained alone", "–", "–", tokens, "–", loss])
        return Table(list(shown), rows)

    def _columns(self, found: Answered) -> Columns:
        choice, best = found.result, self._best(found.result)
        losses = np.take_along_axis(choice.plans.loss, choice.ranking[..., :1], axis=-1)
        return {
            "best teacher": lambda row: str(best[row]),
            "loss": cells("loss", losses[..., 0]),
            "ahead of the next by": cells("margin", choice.margin),
            "trained alone": cells("loss", choice.supervised.loss),
        }

    def _best(self, choice: Tree) -> Array:
        return np.where(choice.best < 0, "none", self.names[choice.best])

    def _shares(self, found: Answered) -> dict[str, float]:
        """The share of the draws in which each teacher is the best, for a single answer."""
        if found.swept or found.draws is None:
            return {}
        best = found.draws.best
        return {str(name): float(np.mean(best == i)) for i, name in enumerate(self.names)}
