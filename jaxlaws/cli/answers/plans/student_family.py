"""`jaxlaws plan distill --student 1B,3B,8B`: students of several sizes that share one teacher."""

from jaxlaws.cli.answers.plans.size_and_tokens import SizeAndTokens
from jaxlaws.cli.answers.presentation import Answered
from jaxlaws.foundations.annotations import Json
from jaxlaws.foundations.text.cells import DISTANCE, SHARES, WORDS
from jaxlaws.foundations.text.table_columns import columns

_TEACHER = {n: WORDS[n] for n in ("num_teacher_params", "num_teacher_tokens", "teacher_loss")}
_COLUMNS = {"student_losses": "student losses", **_TEACHER, "loss": "mean loss"}
_STATUS = {"status": "status"}
_STUDENTS = {n: WORDS[n] for n in ("num_student_params", "num_student_tokens")}


class StudentFamily(SizeAndTokens):
    """A `FamilyPlan`: the shared teacher, and the tokens and the loss of each student.

    Args:
        title: of tables and pictures.
        within: as for `SizeAndTokens`; the ranges are those of the teacher.
    """

    def __init__(self, title: str, within: float | None = None) -> None:
        super().__init__(title, within)
        self.rows = _STUDENTS | _COLUMNS | SHARES | _STATUS
        self.columns = _COLUMNS | _STATUS | DISTANCE

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
