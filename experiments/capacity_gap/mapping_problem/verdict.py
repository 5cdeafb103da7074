"""Whether a curve over teachers turns: a student that first gains from better teachers, then loses.

The turning point is chosen from some trials and judged by the others, so that picking the lowest
of many noisy means does not count as evidence. Both flanks must rise; the larger of their two
p-values stands for the U (an intersection-union test).
"""

import dataclasses
import itertools

import numpy as np


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What the trials say about a U-shape.

    Attributes:
        turn: index of the teacher with the lowest mean error over all trials.
        fall: mean error at the first teacher above that at the turn, on trials that did not
            choose it.
        rise: the same for the last teacher.
        p_value: of the weaker flank, by flipping the trials' signs; 2**-trials at least.
    """

    turn: int
    fall: float
    rise: float
    p_value: float

    @property
    def is_u(self) -> bool:
        """Whether both flanks rise at 95% confidence."""
        return self.p_value < 0.05


def u_shape(errors: np.ndarray) -> Verdict:
    """Judge the errors `(trials, teachers)` of one student, teachers in their order.

    Raises:
        ValueError: fewer than two trials or three teachers.
    """
    errors = np.asarray(errors)
    trials, teachers = errors.shape
    if trials < 2 or teachers < 3:
        raise ValueError(f"expected two trials and three teachers or more, got {errors.shape}")
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
    """Share of all sign patterns whose mean is no lower than the observed one (exact, one side).

    Where trials are symmetric about zero, every pattern is as likely as another.
    """
    signs = np.array(list(itertools.product([-1.0, 1.0], repeat=len(differences))))
    means = signs @ np.abs(differences)
    return float(np.mean(means >= differences.sum() - 1e-12 * np.abs(differences).sum()))
