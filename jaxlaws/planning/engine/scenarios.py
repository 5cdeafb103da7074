"""Which costs of the teacher the budget is charged with (Busbridge et al. 2025, Sec. 5.3)."""

import enum

import numpy as np

from jaxlaws.foundations.annotations import Array
from jaxlaws.precision import in_jax
from jaxlaws.pytree import pytree, static


class ChargedCosts(enum.IntEnum):
    """Which costs of the teacher may be charged. It decides the form of the problem to solve."""

    NOTHING = enum.auto()
    LOGITS_ONLY = enum.auto()
    PRETRAINING = enum.auto()  # and possibly the logits as well


@pytree
class Scenario:
    """The share of each of the teacher's costs that the budget is charged with, from 0 to 1.

    Attributes:
        logits: share of the teacher's inference on the student's tokens.
        pretraining: share of the teacher's training.
        charged: which costs may be charged. None: those whose share is not zero; a traced share may
            have any value.
    """

    logits: Array
    pretraining: Array
    charged: ChargedCosts | None = static(default=None)


# The teacher costs nothing, so that its loss may be any loss from the irreducible loss up.
FREE_TEACHER = Scenario(logits=0.0, pretraining=0.0)

# The teacher exists already: the budget is charged with its logits only.
TEACHER_INFERENCE = Scenario(logits=1.0, pretraining=0.0)

# The logits are stored, or many students use them: the budget is charged with the training only.
TEACHER_PRETRAINING = Scenario(logits=0.0, pretraining=1.0)

# The teacher serves this student alone: the budget is charged with its training and its logits.
TEACHER_PRETRAINING_AND_INFERENCE = Scenario(logits=1.0, pretraining=1.0)


def charged_costs(scenario: Scenario) -> ChargedCosts:
    """Which costs of the teacher a scenario may charge."""
    if scenario.charged is not None:
        return scenario.charged
    if _may_be_charged(scenario.pretraining):
        return ChargedCosts.PRETRAINING
    if _may_be_charged(scenario.logits):
        return ChargedCosts.LOGITS_ONLY
    return ChargedCosts.NOTHING


def _may_be_charged(share: Array) -> bool:
    return in_jax(share) or bool(np.any(np.asarray(share) != 0))


def check_scenario(scenario: object) -> None:
    """Check that an argument is a scenario with shares in [0, 1].

    Raises:
        TypeError: the argument is not a `Scenario`.
        ValueError: a share is outside [0, 1].
    """
    if not isinstance(scenario, Scenario):
        raise TypeError(f"scenario must be a Scenario such as FREE_TEACHER, got {scenario!r}")
    check_share("logits", scenario.logits)
    check_share("pretraining", scenario.pretraining)


def check_share(name: str, share: Array) -> None:
    """Check that a share of a cost lies in [0, 1]. A traced share is not checked.

    Raises:
        ValueError: the share is outside [0, 1].
    """
    if not in_jax(share) and not np.all((np.asarray(share) >= 0) & (np.asarray(share) <= 1)):
        raise ValueError(
            f"the share of the {name} cost that is charged must lie in [0, 1], got {share}"
        )
