"""Something implausible in a table."""

import dataclasses

# The size and the tokens of the two kinds of runs.
PAIRS = (("num_params", "num_tokens"), ("num_student_params", "num_student_tokens"))
# How many runs a statement about all of them needs.
FEWEST_RUNS = 5


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something implausible in a table.

    Attributes:
        name: of the check.
        message: what is implausible, and the remedy.
        refuses: whether the table is likely wrong, not only unusual.
    """

    name: str
    message: str
    refuses: bool
