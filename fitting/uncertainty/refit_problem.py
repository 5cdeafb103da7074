"""The minimisation problem of a finished fit, set up again to explore the minimum."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from fitting.data.observations import Observations
from fitting.data.runs import Runs
from fitting.estimation.results import FitResult
from fitting.problem.batched_problem import BatchedProblem, pad_rows
from fitting.problem.coefficient_names import value_of
from fitting.problem.likelihood import deviance, spread
from fitting.problem.parameters import Parameters
from jaxlaws.foundations.annotations import Tree

_SAME_OBJECTIVE = 1e-6  # relative difference


@dataclasses.dataclass(frozen=True, eq=False)
class FitProblem:
    """The minimisation problem that a fit has solved.

    Attributes:
        problem: the problem in centred units; its `spread` is the spread of the fit's residuals.
        frozen: coefficients and sub-laws that do not move, in the user's units.
        weights: weight of each run, `(num_rows,)`; zero for padded rows.
        num_rows: number of rows: of runs, or of outcomes of all runs.
        vector: the free numbers of the fit, `(num_free,)`; infinite on a bound.
        total: the objective of the fit, the sum over rows.
        deviance: the deviance of the fit, with the squared deviations from its priors; NaN if no
            likelihood was requested.
    """

    problem: BatchedProblem
    frozen: Mapping[str, Tree]
    weights: np.ndarray
    num_rows: int
    vector: np.ndarray
    total: float
    deviance: float

    @classmethod
    def of(cls, result: FitResult, runs: Runs, *, has_likelihood: bool = True) -> "FitProblem":
        """Set up the problem of a fit to some runs, in a float64 context.

        Args:
            result: the fit.
            runs: its runs.
            has_likelihood: whether to compute the spread of the residuals and the deviance.

        Raises:
            ValueError: the fit was to other runs, or to groups of runs.
            TypeError: the objective has no likelihood.
        """
        law, law_type, objective = result.law, type(result.law), result.options.objective
        called = runs.for_law(law_type)
        rows = Observations.of(called, law_type, result.options.weights)
        inputs = {name: called.inputs[name] for name in law_type.input_names}
        residuals = objective.residuals(np.ravel(law.loss(**inputs)), rows.loss)
        total = float(rows.weights @ np.asarray(objective.costs(residuals)))
        if (
            len(called) != result.num_runs
            or not abs(total / result.objective - 1) <= _SAME_OBJECTIVE
        ):
            raise ValueError(
                f"the fit had {result.num_runs} runs and the objective {result.objective:.6g}, "
                f"but these {len(called)} runs give {total:.6g}: pass the runs of the fit. "
                "A fit to groups of runs has bootstrap intervals only"
            )
        frozen = {name: value_of(law, name) for name in (*result.frozen, *result.stages)}
        parameters = Parameters.of(law_type, frozen, result.restraints)
        priors = result.restraints.priors
        problem = BatchedProblem.pose(
            parameters, objective, rows.inputs, rows.loss, frozen, priors=priors
        )
        found = np.nan
        if has_likelihood:
            squares = [np.square(prior.deviation(value_of(law, n))) for n, prior in priors.items()]
            found = deviance(objective, total, len(rows.loss)) + float(np.sum(squares))
            spread_of_fit = spread(objective, total, len(rows.loss))
            problem = dataclasses.replace(problem, spread=spread_of_fit)
        return cls(
            problem=problem,
            frozen=frozen,
            weights=pad_rows(rows.weights, fill=0.0),
            num_rows=len(rows.loss),
            vector=np.asarray(parameters.vector(law, problem.scales)),
            total=total,
            deviance=found,
        )
