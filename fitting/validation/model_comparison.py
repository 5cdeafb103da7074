"""Several laws compared on the same runs: by information criteria and by hold-out errors."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, Unpack

import numpy as np

from fitting.data.runs import Runs
from fitting.estimation.options import FitChanges, FitOptions
from fitting.estimation.results import FitResult
from fitting.estimation.single_fit import fit
from fitting.problem.likelihood import deviance
from fitting.problem.objectives import LogSquares
from fitting.validation.cross_validation import k_fold, pooled_errors
from fitting.validation.hold_outs import (
    ERROR_COLUMNS,
    ERRORS_ARE,
    HoldOut,
    error_cells,
    error_summary,
)
from jaxlaws.foundations.annotations import Json
from jaxlaws.foundations.law import Law, outcomes_of
from jaxlaws.foundations.text.cards import Card, Displayed
from jaxlaws.foundations.text.tables import Table

_NUM_DRAWS = 2000


class Validation(Protocol):
    """A function that makes the hold-outs of a law, such as `k_fold`."""

    def __call__(
        self, law_type: type[Law], runs: Runs, *, options: FitOptions
    ) -> Sequence[HoldOut]:
        """Hold out parts of the runs in turn."""
        ...


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class ComparedLaw(Displayed):
    """One law of a comparison.

    Attributes:
        name: name of the law.
        fit: the fit to all runs.
        num_free: number of free coefficients, plus one for the spread of the residuals.
            Coefficients of a sub-law are not counted, because the sub-law is fitted to other runs.
        aicc: Akaike's information criterion with the correction for few runs; infinite if there
            are too few runs.
        bic: the Bayesian information criterion.
        errors: predicted minus measured loss of runs held out, in per cent of the measured loss,
            `(num_predictions,)`.
        difference: mean absolute error minus that of the first law, in per cent, and the low and
            the high end of its bootstrap interval; zeros for the first law.
    """

    name: str
    fit: FitResult
    num_free: int
    aicc: float
    bic: float
    errors: np.ndarray
    difference: tuple[float, float, float]

    def summary(self) -> dict[str, Json]:
        """The comparison of this law as a JSON object."""
        value, low, high = self.difference
        return {
            "law": self.name,
            "status": self.fit.status.name,
            "num_free": self.num_free,
            "aicc": self.aicc,
            "bic": self.bic,
            "errors": error_summary(self.errors),
            "difference": {"value": value, "low": low, "high": high},
        }

    def _card(self) -> Card:
        value, low, high = self.difference
        cells = [str(self.num_free), f"{self.aicc:.1f}", f"{self.bic:.1f}"]
        cells += [*error_cells(self.errors), f"{value:+.2f} ({low:+.2f} to {high:+.2f})"]
        heads = ["free", "AICc", "BIC", *ERROR_COLUMNS, "mean minus first law's (%)"]
        rows = [list(pair) for pair in zip(heads, cells, strict=True)]
        title = f"{self.name}, compared with other laws: {self.fit.status.name}"
        return Card(title, Table(["", "value"], rows), [ERRORS_ARE])


def compare_laws(
    law_types: Mapping[str, type[Law]],
    runs: Runs,
    *,
    validation: Validation = k_fold,
    level: float = 0.9,
    options: FitOptions = FitOptions(objective=LogSquares()),
    **changes: Unpack[FitChanges],
) -> list[ComparedLaw]:
    """Fit several laws to the same runs, and hold out the same runs from each.

    An information criterion is the deviance plus a penalty for each coefficient, with the
    likelihood that goes with the objective. Only differences between laws have a meaning.
    Hold-out errors need no likelihood; with `roll_out` they measure extrapolation.

    Args:
        law_types: the classes of the laws by name. The others are compared with the first.
        runs: the table. All laws must use the same rows of it.
        validation: makes the hold-outs of a law, with the signature of `k_fold`.
        level: level of the intervals of differences.
        options: how to fit, the same for all laws; by default with the objective `LogSquares()`.
            The seed is also the seed of hold-outs and intervals.
        changes: single options by name, which replace those of `options`.

    Returns:
        One `ComparedLaw` per law, in the given order. The intervals are of a paired bootstrap of
        the predictions; the law is not fitted again for each draw.

    Raises:
        ValueError: there are fewer than two laws, the laws use different rows, or a law predicts
            every run exactly; further as `fit`.
        TypeError: the objective has no likelihood; further as `fit`.
        DataError: as `fit`.
    """
    options = options.replaced(**changes)
    if len(law_types) < 2:
        raise ValueError(f"expected two laws or more, got {', '.join(law_types) or 'none'}")
    rows = {name: runs.for_law(each).rows.tolist() for name, each in law_types.items()}
    if len({tuple(each) for each in rows.values()}) > 1:
        counts = ", ".join(f"{name} {len(each)}" for name, each in rows.items())
        raise ValueError(
            f"{runs.source}: the laws use different rows (numbers of rows: {counts}). Compare laws "
            "with the same inputs, or leave out the rows that some of the laws cannot use"
        )
    compared: list[ComparedLaw] = []
    for name, law_type in law_types.items():
        whole = fit(law_type, runs, options=options)
        errors = pooled_errors(validation(law_type, runs, options=options))["law"]
        criteria = information_criteria(whole)
        compared.append(
            ComparedLaw(
                name=name,
                fit=whole,
                num_free=criteria.num_free,
                aicc=criteria.aicc,
                bic=criteria.bic,
                errors=errors,
                difference=_difference(errors, compared[0].errors, level, options.seed)
                if compared
                else (0.0, 0.0, 0.0),
            )
        )
    return compared


class InformationCriteria(NamedTuple):
    """The information criteria of a fit, with the likelihood that goes with its objective."""

    aic: float
    aicc: float  # corrected for few runs (Hurvich and Tsai 1989); infinite for too few
    bic: float
    num_free: int  # of coefficients, plus one for the spread of the residuals
    num_rows: int  # of outcomes of all runs


def information_criteria(result: FitResult) -> InformationCriteria:
    """The information criteria of a fit.

    Raises:
        TypeError: the objective has no likelihood.
        ValueError: the law predicts every run exactly.
    """
    num_rows = result.num_runs * max(1, len(outcomes_of(result.law)))
    num_free = len(result.identifiability.names) + 1
    lost = deviance(result.options.objective, result.objective, num_rows)
    spare = num_rows - num_free - 1
    return InformationCriteria(
        aic=lost + 2 * num_free,
        aicc=lost + 2 * num_free * num_rows / spare if spare > 0 else math.inf,
        bic=lost + num_free * math.log(num_rows),
        num_free=num_free,
        num_rows=num_rows,
    )


def _difference(
    errors: np.ndarray, first: np.ndarray, level: float, seed: int
) -> tuple[float, float, float]:
    each = np.abs(errors) - np.abs(first)
    rng = np.random.default_rng(seed)
    means = [rng.choice(each, len(each)).mean() for _ in range(_NUM_DRAWS)]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(each.mean()), float(low), float(high)
