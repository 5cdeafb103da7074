"""`jaxlaws plan distill --student 1B,3B,8B`: students of several sizes that share one teacher."""

from collections.abc import Sequence

import numpy as np

from jaxlaws.annotations import Array, Json
from jaxlaws.cli.answers.presentation import Answered, Columns, Presentation
from jaxlaws.cli.answers.wording import WORDS, cell, cells
from jaxlaws.cli.output.printing import Table
from jaxlaws.cli.output.table_columns import columns, known
from jaxlaws.planning import extrapolation_decades, plan_to_dict
from jaxlaws.quantities import format_quantity

_OF_TEACHER = ("num_teacher_params", "num_teacher_tokens", "teacher_loss")


class StudentFamily(Presentation):
    """A `FamilyPlan`: the shared teacher, and the tokens and the loss of each student.

    Args:
        title: of tables.
        sizes: parameters of each student.
    """

    def __init__(self, title: str, sizes: Sequence[float]) -> None:
        super().__init__(title, words={n: WORDS[n] for n in _OF_TEACHER} | {"loss": "mean loss"})
        self.sizes = sizes

    def decades(self, found: Answered) -> Array:
        """The distance to the fitted range of the student that is farthest, in decades."""
        result = found.result
        runs = {name: vars(result)[name] for name in ("num_student_params", "num_student_tokens")}
        runs["teacher_loss"] = result.teacher_loss[..., None]
        decades = extrapolation_decades(runs, found.source.fitted_range)
        return np.fmax.reduce(np.broadcast_to(decades, result.student_losses.shape), axis=-1)

    def document(self, found: Answered) -> dict[str, Json]:
        """The inputs, the sizes of the students among them, and the plan."""
        document = super().document(found)
        document["asked"]["num_student_params"] = list(self.sizes)
        return document

    def file_columns(self, found: Answered, document: dict[str, Json]) -> dict[str, list[Json]]:
        """A row for each budget and student."""
        rows = {
            "budget": document["asked"]["flops"],
            **plan_to_dict(found.result),
            "extrapolation_decades": known(found.decades),
        }
        return columns(rows, found.result.student_losses.shape)

    def single(self, found: Answered) -> Table:
        """The tokens and the loss of each student, then the teacher."""
        plan = found.result
        rows = []
        for index, size in enumerate(self.sizes):
            student = f"student {index + 1} of {format_quantity(size)} parameters"
            rows.append([f"{student}: tokens", cell("tokens", plan.num_student_tokens[index])])
            rows.append([f"{student}: loss", cell("loss", plan.student_losses[index])])
        table = super().single(found)
        return Table(table.heads, [*rows, *table.rows])

    def columns(self, found: Answered) -> Columns:
        """The teacher and the mean loss, and the loss of each student."""
        losses = {
            f"loss, {format_quantity(size)}": cells("loss", found.result.student_losses[:, index])
            for index, size in enumerate(self.sizes)
        }
        return {**losses, **super().columns(found)}
