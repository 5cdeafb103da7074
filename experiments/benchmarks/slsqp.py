"""Distillation plans with the SLSQP of SciPy, in log variables from ten starts."""

import numpy as np
from scipy.optimize import minimize

from jaxlaws.laws.distillation import Distillation


def plan_with_slsqp(law: Distillation, flops: float, num_student_params: float) -> float:
    """Return the lowest loss with the teacher's training and inference charged.

    Costs are `6 N D` for training and `2 N` per token for inference. The variables are the logs of
    the teacher's size and tokens and of the student's tokens. Gradients are SciPy's finite
    differences; ftol is 1e-12.
    """
    s = law.supervised

    def supervised(n: float, d: float) -> float:
        return s.E + (s.A / n**s.alpha + s.B / d**s.beta) ** s.gamma

    def loss(logs: np.ndarray) -> float:
        teacher, student_tokens, teacher_tokens = np.exp(logs)
        taught = supervised(teacher, teacher_tokens)
        alone = supervised(num_student_params, student_tokens)
        weak = np.logaddexp(0, (np.log(taught) - np.log(law.d1 * alone)) / law.f1)
        resources = law.A / num_student_params**law.alpha + law.B / student_tokens**law.beta
        return taught + taught**-law.c0 * np.exp(-law.c1 * law.f1 * weak) * resources**law.gamma

    def left(logs: np.ndarray) -> float:
        teacher, student_tokens, teacher_tokens = np.exp(logs)
        cost = (6 * num_student_params + 2 * teacher) * student_tokens
        return np.log(flops) - np.log(cost + 6 * teacher * teacher_tokens)

    random = np.random.default_rng(0)
    best = np.inf
    for _ in range(10):
        share = random.uniform(0.1, 0.6)
        teacher = num_student_params * 10 ** random.uniform(-0.5, 1)
        start = np.log(
            [teacher, share * flops / (8 * num_student_params), share * flops / (6 * teacher)]
        )
        found = minimize(
            loss,
            start,
            method="SLSQP",
            bounds=[(np.log(1e3), np.log(1e17))] * 3,
            constraints={"type": "ineq", "fun": left},
            options={"ftol": 1e-12, "maxiter": 300},
        )
        if left(found.x) >= -1e-9:
            best = min(best, found.fun)
    return best
