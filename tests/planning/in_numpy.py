"""The paper's laws in plain NumPy, for brute force."""

import numpy as np


def trained_loss(law, num_params, num_tokens):
    """Eq. 1, of the supervised law of a distillation law."""
    s = law.supervised
    return s.E + (s.A / num_params**s.alpha + s.B / num_tokens**s.beta) ** s.gamma


def student_loss(law, num_params, num_tokens, teacher_loss):
    """Eq. 8; its limit, and the form beyond it, for laws with `kappa` and with `w`."""
    own = trained_loss(law, num_params, num_tokens)
    lacking = (law.A / num_params**law.alpha + law.B / num_tokens**law.beta) ** law.gamma
    if not hasattr(law, "kappa"):
        weak = (teacher_loss / (own * law.d1)) ** (1 / law.f1)
        return teacher_loss + teacher_loss**-law.c0 * (1 + weak) ** (-law.c1 * law.f1) * lacking
    bracket = np.exp(-law.kappa * np.exp(np.minimum(np.log(teacher_loss / own) / law.f1, 35.0)))
    gained = 0.0
    if hasattr(law, "w"):
        endless = trained_loss(law, num_params, np.inf)
        gained = (1 - bracket) * law.w * np.sqrt(np.maximum(1 - endless / own, 0.0))
    return teacher_loss + teacher_loss**-law.c0 * (bracket * lacking - gained)
