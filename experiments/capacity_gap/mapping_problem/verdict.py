"""Statistical test for a U shape: a student that first gains from better teachers, then loses.

The turning point is chosen without the trial on which it is tested, so that the lowest of many
noisy means is not evidence by itself. Both sides of the U must rise. The p-value of the U is the
larger of the two p-values (an intersection-union test).
"""

import dataclasses
import itertools

import numpy as np


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The result of the test for a U shape.

    Attributes:
        turn: index of the teacher with the lowest mean error over all trials.
        fall: mean error at the first teacher minus that at the turning point, on trials that were
            not used to choose the turning point.
        rise: mean error at the last teacher minus that at the turning point, in the same way.
        p_value: p-value of the weaker side, from flips of the trials' signs; at least 2**-trials.
    """

    turn: int
    fall: float
    rise: float
    p_value: float

    @property
    def is_u(self) -> bool:
        """Whether both sides rise at 95% confidence."""
        return self.p_value < 0.05


def u_shape(errors: np.ndarray) -> Verdict:
    """Test the errors of one student for a U shape.

    Args:
        errors: shape `(trials, teachers)`, with the teachers in order of strength.

    Raises:
        ValueError: there are fewer than two trials or three teachers.
    """
    errors = np.asarray(errors)
    trials, teachers = errors.shape
    if trials < 2 or teachers < 3:
        raise ValueError(
            f"expected at least two trials and three teachers, got shape {errors.shape}"
        )
    inner = errors[:, 1:-1]
    others = (inner.sum(0) - inner) / (trials - 1)  # means without each trial
    turns = others.argmin(1)
    lowest = inner[np.arange(trials), turns]
    fall, rise = errors[:, 0] - lowest, errors[:, -1] - lowest
    return Verdict(
        turn=int(errors.mean(0).argmin()),
        fall=float(fall.mean()),
        rise=float(rise.mean()),
        p_value=max(sign_flips(fall), sign_flips(rise)),
    )


def sign_flips(differences: np.ndarray) -> float:
    """Return the share of sign patterns with a mean at least as large as the observed mean.

    This is the exact one-sided test: if trials are symmetric about zero, all sign patterns are
    equally likely.
    """
    signs = np.array(list(itertools.product([-1.0, 1.0], repeat=len(differences))))
    means = signs @ np.abs(differences)
    return float(np.mean(means >= differences.sum() - 1e-12 * np.abs(differences).sum()))
