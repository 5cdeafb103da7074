"""The rows of a fit: one for each run, or for each outcome of each run."""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from fitting.data.runs import Runs
from jaxlaws.foundations.annotations import Array
from jaxlaws.foundations.errors import DataError
from jaxlaws.foundations.law import Law

_MOST_REPORTED = 5


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Observations:
    """The rows of a fit. The rows of a run, one for each outcome, follow each other.

    Attributes:
        inputs: values of each input of the law, `(num_rows,)`.
        loss: outcomes, `(num_rows,)`.
        weights: weight of each row, that of its run, 1 on average, `(num_rows,)`.
        num_outcomes: number of rows of each run.
    """

    inputs: Mapping[str, np.ndarray]
    loss: np.ndarray
    weights: np.ndarray
    num_outcomes: int

    @classmethod
    def of(cls, runs: Runs, law_type: type[Law], weights: str | None) -> "Observations":
        """The rows of some runs, which `Runs.for_law` has chosen for the law.

        Args:
            runs: the runs.
            law_type: the class of the law.
            weights: the column with the weight of each run; None: all runs count alike.

        Raises:
            ValueError: there is no such column, or a weight is not a finite number above zero.
        """
        num = len(runs.outcome_titles)
        each = np.ones(len(runs)) if weights is None else _checked_weights(runs, weights)
        return cls(
            inputs={name: np.repeat(runs.inputs[name], num) for name in law_type.input_names},
            loss=np.ravel(runs.loss),
            weights=np.repeat(each, num),
            num_outcomes=num,
        )


def refuse_outcomes(runs: Runs, residuals: Callable[[Array, Array], Array], objective: str) -> None:
    """Raise an error if an objective is not defined for some outcomes, such as log residuals at 0.

    Args:
        runs: the runs.
        residuals: the residuals of the objective, from predicted and observed outcomes.
        objective: the name of the objective.

    Raises:
        DataError: a residual is not finite though the prediction equals the outcome.
    """
    losses = runs.loss.reshape(len(runs), -1)
    wrong = np.argwhere(~np.isfinite(np.asarray(residuals(losses, losses))))
    if len(wrong):
        shown = [
            f"row {runs.rows[run]}, column {runs.outcome_titles[outcome]}: {losses[run, outcome]:g}"
            for run, outcome in wrong[:_MOST_REPORTED]
        ]
        more = [f"and {len(wrong) - len(shown)} more"] if len(wrong) > len(shown) else []
        raise DataError(
            "\n  ".join(
                [
                    f"{runs.source}: the objective {objective} is not defined for these outcomes:",
                    *shown,
                    *more,
                    "Log residuals need outcomes above zero. For outcomes of any sign use least "
                    "squares: objective=Squares(), or --objective squares",
                ]
            )
        )


def _checked_weights(runs: Runs, column: str) -> np.ndarray:
    """Weights of runs, scaled to mean one, `(num_runs,)`."""
    values = runs.column(column)
    numbers = np.full(len(runs), np.nan) if values.dtype.kind == "U" else values
    wrong = ~((numbers > 0) & (numbers < np.inf))
    if wrong.any():
        row, value = runs.rows[wrong][0], values[wrong][0]
        raise ValueError(
            f"{runs.source}: weights are finite numbers above zero; row {row} of column "
            f"{column!r} has {value}"
        )
    return values / values.mean()
