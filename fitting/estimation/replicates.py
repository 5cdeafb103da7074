"""Fits of resampled tables, each from the end of the fit to the table itself."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from fitting.estimation.freezing import draws_of, values_of
from fitting.estimation.options import Frozen
from fitting.minimiser.identifiability import Judgement, judge
from fitting.minimiser.multi_start import laws_of
from fitting.minimiser.refitting import refit
from fitting.problem.batched_problem import Batch, BatchedProblem, pad_rows
from jaxlaws.foundations.law import Law


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Replicates:
    """Fits of resampled tables.

    Attributes:
        problem: the problem of the fit.
        start: where the fit ended, `(num_free,)`.
        frozen: numbers, laws and fits that do not move.
        noise: standard deviation of the residuals of the fit.
    """

    problem: BatchedProblem
    start: np.ndarray
    frozen: Mapping[str, Frozen]
    noise: float

    def fit(
        self, weights: np.ndarray, shifts: np.ndarray | None = None, *, paired: bool = True
    ) -> tuple[Law, Judgement, np.ndarray]:
        """Fit every table.

        Args:
            weights: weight of each run, `(num_tables, num_runs)`.
            shifts: numbers added to the residuals, `(num_tables, num_runs)`; None for zeros.
            paired: whether each table uses its own draw of the frozen fits.

        Returns:
            The batched law of all tables, how each fit ended, and their free numbers,
            `(num_tables, num_free)`.
        """
        num_tables = len(weights)
        draws = draws_of(self.frozen, num_tables) if paired else None
        problem = dataclasses.replace(self.problem, paired=draws is not None)
        batch = Batch(
            np.tile(self.start, (num_tables, 1)),
            pad_rows(weights, fill=0.0),
            draws or values_of(self.frozen),
            None if shifts is None else pad_rows(shifts, fill=0.0),
        )
        minima = refit(problem, batch)
        batch = batch.at(minima.vectors)
        judgement = judge(problem, batch, minima, self.noise)
        return laws_of(problem, batch), judgement, minima.vectors
