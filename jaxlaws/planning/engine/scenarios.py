"""Who pays for the teacher (Busbridge et al. 2025, Sec. 5.3)."""

from typing import Any

import numpy as np

from jaxlaws.precision import is_traced
from jaxlaws.pytree import pytree


@pytree
class Scenario:
    """The share of the teacher's cost that the budget is charged with, each from 0 to 1.

    Attributes:
        logits: of its inference on the student's tokens.
        pretraining: of its training.
    """

    logits: Any
    pretraining: Any


FREE_TEACHER = Scenario(logits=0.0, pretraining=0.0)  # a teacher of any loss, at no cost
TEACHER_INFERENCE = Scenario(logits=1.0, pretraining=0.0)  # it exists; its logits are paid for
TEACHER_PRETRAINING = Scenario(logits=0.0, pretraining=1.0)  # logits stored, or used many times
TEACHER_PRETRAINING_AND_INFERENCE = Scenario(logits=1.0, pretraining=1.0)  # for this student only


def check_scenario(scenario: Any) -> None:
    """Check that a scenario is one, with shares in [0, 1].

    Raises:
        TypeError: it is something else.
        ValueError: a share is out of range.
    """
    if not isinstance(scenario, Scenario):
        raise TypeError(f"scenario must be a Scenario such as FREE_TEACHER, got {scenario!r}")
    check_share("logits", scenario.logits)
    check_share("pretraining", scenario.pretraining)


def kind_of(scenario: Scenario) -> str:
    """What is known to be free, as far as anything is: a traced share may be any.

    Returns:
        `"free teacher"`, `"free tokens"` where its logits are paid for, or `"all paid"`.
    """
    if is_traced(scenario.pretraining) or np.any(np.asarray(scenario.pretraining) != 0):
        return "all paid"
    if is_traced(scenario.logits) or np.any(np.asarray(scenario.logits) != 0):
        return "free tokens"
    return "free teacher"


def check_share(name: str, share: Any) -> None:
    """Check that a share of a cost lies in [0, 1], as far as it is known.

    Raises:
        ValueError: it does not.
    """
    if not is_traced(share) and not np.all((np.asarray(share) >= 0) & (np.asarray(share) <= 1)):
        raise ValueError(f"the share of {name} that is charged must lie in [0, 1], got {share}")
