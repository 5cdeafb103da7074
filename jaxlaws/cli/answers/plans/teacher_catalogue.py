"""`jaxlaws plan distill --teachers`: existing teachers, ranked for a student."""

import numpy as np

from jaxlaws.annotations import Array, Json, Tree
from jaxlaws.cli.answers.draws import num_draws
from jaxlaws.cli.answers.presentation import Answered, Columns, Presentation
from jaxlaws.cli.answers.wording import cell, cells, distance
from jaxlaws.cli.output.printing import Table
from jaxlaws.cli.output.table_columns import columns, known, plain_inputs
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
        """The ranking, and the plan with each teacher."""
        choice = found.result
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
        }

    def document_of_draws(self, found: Answered) -> dict[str, Json]:
        """The share of the draws in which each teacher is the best."""
        return {} if found.draws is None else {"probabilities": self._shares(found)}

    def file_columns(self, found: Answered, document: dict[str, Json]) -> dict[str, list[Json]]:
        """A row for each budget or student, and each teacher."""
        plans = document["plans"]
        shape = np.shape(found.result.ranking)
        given = {name: v for name, v in document["asked"].items() if name != "num_student_params"}
        rows = {
            **given,
            "teacher": np.broadcast_to(self.names, shape).tolist(),
            "rank": (np.argsort(found.result.ranking, axis=-1) + 1).tolist(),
            **{name: value for name, value in plans.items() if name != "flops"},
            "flops_spent": plans["flops"],
            "extrapolation_decades": document["extrapolation_decades"],
        }
        return columns(rows, shape)

    def single(self, found: Answered) -> Table:
        """A row for each teacher, from the best on, and a row for training alone."""
        plans, alone = found.result.plans, found.result.supervised
        shares = {} if found.draws is None else self._shares(found)
        rows = [
            [
                str(self.names[place]),
                cell("size", plans.num_teacher_params[place]),
                cell("loss", plans.teacher_loss[place]),
                cell("tokens", plans.num_student_tokens[place]),
                cell("logits", plans.shares.logits[place]),
                cell("loss", plans.loss[place]),
                *([cell("share_of_draws", shares[str(self.names[place])])] if shares else []),
            ]
            for place in found.result.ranking
        ]
        tokens, loss = cell("tokens", alone.num_tokens), cell("loss", alone.loss)
        rows.append(["none, trained alone", "–", "–", tokens, "–", loss])
        heads = ["teacher", "parameters", "its loss", "student tokens", "for its logits", "loss"]
        return Table(heads + (["share of draws"] if shares else []), rows)

    def columns(self, found: Answered) -> Columns:
        """The best teacher, and the loss without a teacher."""
        choice, best = found.result, self._best(found.result)
        losses = np.take_along_axis(choice.plans.loss, choice.ranking[..., :1], axis=-1)
        return {
            "best teacher": lambda row: str(best[row]),
            "loss": cells("loss", losses[..., 0]),
            "ahead of the next by": cells("margin", choice.margin),
            "trained alone": cells("loss", choice.supervised.loss),
        }

    def notes(self, found: Answered) -> list[str]:
        """Whether the best teacher is better than no teacher, and the share of the draws."""
        if found.swept:
            return [distance(found.decades)]
        best, gain = str(self._best(found.result)), found.result.gain
        if gain >= 0:
            notes = [f"Best: {best}. The loss is {gain:.4f} lower than that of training alone."]
        else:
            notes = [f"Best teacher: {best}. Training alone gives a loss {-gain:.4f} lower."]
        if found.draws is not None:
            share, total = self._shares(found)[best], num_draws(found.source.ensemble)
            notes.append(
                f"It is the best of the teachers in {share:.0%} of the fit's {total} draws."
            )
        return [*notes, distance(found.decades)]

    def _best(self, choice: Tree) -> Array:
        return np.where(choice.best < 0, "none", self.names[choice.best])

    def _shares(self, found: Answered) -> dict[str, float]:
        best = found.draws.best
        return {str(name): float(np.mean(best == i)) for i, name in enumerate(self.names)}
