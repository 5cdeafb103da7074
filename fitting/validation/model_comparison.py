"""Laws side by side on the same runs: likelihood, information criteria, held-out errors."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from fitting.data.runs import Runs
from fitting.estimation.results import FitResult
from fitting.estimation.single_fit import fit
from fitting.problem.likelihood import deviance
from fitting.problem.objectives import LogSquares, Objective
from fitting.validation.cross_validation import k_fold, pooled
from fitting.validation.hold_outs import HoldOut, sizes_of

# Hold-outs of a law: any of `cross_validation` with its choices bound.
Validation = Callable[..., Sequence[HoldOut]]

_DRAWS = 2000


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Compared:
    """One law of a comparison.

    Attributes:
        name: the law.
        fit: its fit to all runs.
        num_free: free coefficients and the noise's spread. Those of a first stage are not among
            them: it is fitted to other runs than the likelihood is of.
        aicc: Akaike's criterion, corrected for few runs; infinite where there are too few.
        bic: the Bayesian criterion.
        errors: on held-out runs, predicted above measured in per cent, `(num_predictions,)`.
        difference: mean absolute error minus that of the first law, in per cent, with the ends
            of its interval over resampled predictions; zeros for the first law.
    """

    name: str
    fit: FitResult
    num_free: int
    aicc: float
    bic: float
    errors: np.ndarray
    difference: tuple[float, float, float]

    def summary(self) -> dict[str, Any]:
        """The law's row as a JSON object."""
        value, low, high = self.difference
        return {
            "law": self.name,
            "status": self.fit.status.name,
            "num_free": self.num_free,
            "aicc": self.aicc,
            "bic": self.bic,
            "errors": sizes_of(self.errors),
            "difference": {"value": value, "low": low, "high": high},
        }


def compare_laws(
    law_types: Mapping[str, type[Any]],
    runs: Runs,
    *,
    validation: Validation = k_fold,
    objective: Objective = LogSquares(),
    level: float = 0.9,
    seed: int = 0,
    **options: Any,
) -> list[Compared]:
    """Fit several laws to the same runs and hold the same runs out of each.

    The criteria are differences in log likelihood with a price on coefficients, by the likelihood
    that goes with the objective; only their differences between laws mean anything. Held-out
    errors tell the same without a likelihood; under `roll_out` they tell about extrapolation.

    Args:
        law_types: the classes of laws by name, the first that the others are measured against.
        runs: the table; every law must call for the same rows of it.
        validation: makes the hold-outs of a law, called as `k_fold` is.
        objective: what is minimised.
        level: of the intervals on differences.
        seed: of fits, hold-outs and intervals.
        options: of `fit`, the same for all laws.

    Returns:
        A `Compared` each, in the order given. Intervals are of the paired bootstrap of held-out
        predictions, each hold-out's fit as it is.

    Raises:
        ValueError: fewer than two laws, laws that call for different rows, a law that predicts
            every run exactly; further as `fit`.
        TypeError: no likelihood goes with the objective.
    """
    if len(law_types) < 2:
        raise ValueError(f"expected two laws or more, got {', '.join(law_types) or 'none'}")
    rows = {name: runs.for_law(each).rows.tolist() for name, each in law_types.items()}
    if len({tuple(each) for each in rows.values()}) > 1:
        told = ", ".join(f"{name} {len(each)}" for name, each in rows.items())
        raise ValueError(f"{runs.source}: the laws call for different rows ({told}): no comparison")
    compared: list[Compared] = []
    for name, law_type in law_types.items():
        whole = fit(law_type, runs, objective=objective, seed=seed, **options)
        held = validation(law_type, runs, objective=objective, seed=seed, **options)
        errors = pooled(held)["law"]
        num_free = len(whole.identifiability.names) + 1
        lost = deviance(objective, whole.objective, whole.num_runs)
        compared.append(
            Compared(
                name=name,
                fit=whole,
                num_free=num_free,
                aicc=aicc(lost, num_free, whole.num_runs),
                bic=lost + num_free * math.log(whole.num_runs),
                errors=errors,
                difference=_difference(errors, compared[0].errors, level, seed)
                if compared
                else (0.0, 0.0, 0.0),
            )
        )
    return compared


def aicc(deviance: float, num_free: int, num_runs: int) -> float:
    """Akaike's criterion with its correction for few runs (Hurvich and Tsai 1989).

    >>> aicc(100.0, 4, 45)
    109.0
    >>> aicc(100.0, 4, 5)
    inf
    """
    if num_runs <= num_free + 1:
        return math.inf
    return deviance + 2 * num_free * num_runs / (num_runs - num_free - 1)


def _difference(
    errors: np.ndarray, first: np.ndarray, level: float, seed: int
) -> tuple[float, float, float]:
    each = np.abs(errors) - np.abs(first)
    rng = np.random.default_rng(seed)
    means = [rng.choice(each, len(each)).mean() for _ in range(_DRAWS)]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(each.mean()), float(low), float(high)
