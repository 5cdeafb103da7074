"""The paper's laws in plain NumPy, for brute force."""


def trained_loss(law, num_params, num_tokens):
    """Eq. 1, of the supervised law of a distillation law."""
    s = law.supervised
    return s.E + (s.A / num_params**s.alpha + s.B / num_tokens**s.beta) ** s.gamma


def student_loss(law, num_params, num_tokens, teacher_loss):
    """Eq. 8."""
    own = trained_loss(law, num_params, num_tokens)
    weak = (teacher_loss / (own * law.d1)) ** (1 / law.f1)
    gain = teacher_loss**-law.c0 * (1 + weak) ** (-law.c1 * law.f1)
    term = (law.A / num_params**law.alpha + law.B / num_tokens**law.beta) ** law.gamma
    return teacher_loss + gain * term
