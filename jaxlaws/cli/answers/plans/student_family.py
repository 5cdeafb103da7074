"""`jaxlaws plan distill --student 1B,3B,8B`: students of several sizes that share one teacher."""

from collections.abc import Sequence

import numpy as np

from jaxlaws.annotations import Array, Json
from jaxlaws.cli.answers.presentation import Answered, Columns, Presentation
from jaxlaws.cli.output.printing import Table
from jaxlaws.cli.output.table_columns import columns
from jaxlaws.cli.output.wording import WORDS, cell, cells
from jaxlaws.planning import extrapolation_decades
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
        self.sizes = [format_quantity(size) for size in sizes]

    def decades(self, found: Answered) -> Array:
        """The distance to the fitted range of the student that is farthest, in decades."""
        plan = found.result
        runs = {name: vars(plan)[name] for name in ("num_student_params", "num_student_tokens")}
        runs["teacher_loss"] = plan.teacher_loss[..., None]
        decades = extrapolation_decades(runs, found.source.fitted_range)
        return np.fmax.reduce(np.broadcast_to(decades, plan.student_losses.shape), axis=-1)

    def document(self, found: Answered) -> dict[str, Json]:
        """The plan; the sizes of the students are among the inputs."""
        document = super().document(found)
        document["asked"] |= {"num_student_params": found.question.keywords["num_student_params"]}
        return document

    def file_columns(self, found: Answered, document: dict[str, Json]) -> dict[str, list[Json]]:
        """A row for each budget and student."""
        plan = {k: v for k, v in document.items() if k not in ("asked", "intervals")}
        budget = {"budget": document["asked"]["flops"]}
        return columns(budget | plan, found.result.student_losses.shape)

    def _single(self, found: Answered) -> Table:
        tokens, losses = found.result.num_student_tokens, found.result.student_losses
        rows = []
        for index, size in enumerate(self.sizes):
            student = f"student {index + 1} of {size} parameters"
            rows.append([f"{student}: tokens", cell("tokens", tokens[index])])
            rows.append([f"{student}: loss", cell("loss", losses[index])])
        table = super()._single(found)
        return Table(table.heads, [*rows, *table.rows])

    def _columns(self, found: Answered) -> Columns:
        losses = found.result.student_losses.T
        own = {
            f"loss, {n}": cells("loss", loss) for n, loss in zip(self.sizes, losses, strict=True)
        }
        return own | super()._columns(found)
