"""Limit forms of laws, for runs that prefer a coefficient without end."""

from collections.abc import Mapping

import jax
import numpy as np

from fitting.minimiser.identifiability import noise_of, typical_outcome
from fitting.problem.objectives import Objective
from jaxlaws.foundations.law import Law
from jaxlaws.laws.distillation_exponential import DistillationExponential
from jaxlaws.laws.distillation_limit import DistillationLimit

# Differences between predictions, in units of the noise, that a fit of the limit form may remove.
_ALIKE = 3.0

LIMIT_IN_WORDS = (
    "the runs do not distinguish gamma from infinity: as gamma grows and alpha goes to zero, the "
    "power of the sum, (A / N**alpha + B / D**beta)**gamma, becomes an exponential, "
    "A / N**alpha * exp(B / D**beta), with other A, alpha and B"
)


def limit_form(
    law: Law, inputs: Mapping[str, np.ndarray], observed: np.ndarray, objective: Objective
) -> Law | None:
    """The limit form of a fitted law, where its predictions are near those of the law, else None.

    Whether it fits the runs as well, a fit of the limit form decides.

    Args:
        law: the fitted law.
        inputs: values of each input of the law, `(num_rows,)`.
        observed: outcomes, `(num_rows,)`.
        objective: the objective, whose residuals are compared with their noise.
    """
    is_batch = any(map(np.ndim, jax.tree.leaves(law)))  # a fit of groups
    if not isinstance(law, DistillationLimit) or is_batch:
        return None
    limit = _at_infinite_gamma(law, inputs["num_student_params"])

    def residuals(of: Law) -> np.ndarray:
        return np.asarray(objective.residuals(of.loss(**inputs), observed))

    here, there = residuals(law), residuals(limit)
    noise = noise_of(here, typical_outcome(objective, observed))
    return limit if np.all(np.abs(there - here) < _ALIKE * noise) else None


def _at_infinite_gamma(law: DistillationLimit, num_params: np.ndarray) -> DistillationExponential:
    """The law that `law` tends to where the size term is much larger than the token term.

    With `A / N**alpha = exp((log K - a log N) / gamma)`, the power of the sum is
    `K / N**a * (1 + t)**gamma`, where `t = B / D**beta * N**alpha / A`. As gamma grows and alpha
    falls, `N**alpha` tends to a constant and `(1 + t)**gamma` to `exp(gamma t)`.
    """
    middle = np.exp(np.mean(np.log(num_params)))
    return DistillationExponential(
        supervised=law.supervised,
        A=np.exp(law.gamma * np.log(law.A)),
        alpha=law.gamma * law.alpha,
        B=law.gamma * law.B * middle**law.alpha / law.A,
        beta=law.beta,
        c0=law.c0,
        kappa=law.kappa,
        f1=law.f1,
    )
