"""`jaxlaws plan distill --unique-tokens`: a student on tokens that may have to be repeated."""

import numpy as np

from jaxlaws.cli.answers.plans.size_and_tokens import SizeAndTokens, epochs_of
from jaxlaws.cli.answers.presentation import Answered
from jaxlaws.foundations.annotations import Json, Tree
from jaxlaws.foundations.text.table_columns import known

MOST_EPOCHS = 4.0
_CAVEAT = (
    "The distillation law counts a repeated token as a new one, so the student sees each token at "
    f"most {MOST_EPOCHS:g} times. Up to there this is nearly right: in supervised training, 4 "
    "epochs are worth 93% of as many new tokens (Muennighoff et al. 2023), and the runs behind the "
    "law were repeated as often. No law of distillation covers more epochs; for supervised "
    "training use plan train --law muennighoff2023 --unique-tokens"
)


class StudentOnLimitedData(SizeAndTokens):
    """A `DistillationPlan` with the epochs of the student.

    Args:
        title: of tables and pictures.
        within: as for `SizeAndTokens`.
        num_unique_tokens: distinct tokens that are available to the student.
    """

    def __init__(self, title: str, within: float | None, num_unique_tokens: float) -> None:
        super().__init__(title, within)
        self.num_unique_tokens = num_unique_tokens

    def ranges(self, found: Answered) -> dict[str, Tree]:
        """The near-optimal ranges, and that of the epochs."""
        ranges = super().ranges(found)
        if "num_student_tokens" not in ranges:
            return ranges
        tokens = ranges["num_student_tokens"]
        return ranges | {"num_epochs": epochs_of(tokens, self.num_unique_tokens)}

    def document(self, found: Answered) -> dict[str, Json]:
        """The plan, its distinct tokens and its epochs."""
        document, available = super().document(found), self.num_unique_tokens
        tokens = found.result.num_student_tokens
        document["asked"]["num_unique_tokens"] = available
        return document | {
            "num_unique_tokens": known(np.minimum(tokens, available)),
            "num_epochs": known(np.maximum(tokens / available, 1.0)),
        }

    def caveats(self, found: Answered) -> list[str]:
        """Why there are no more epochs, and the caveats of every plan."""
        return [_CAVEAT, *super().caveats(found)]
