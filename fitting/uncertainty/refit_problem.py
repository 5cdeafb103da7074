"""A fit's minimisation set up again around its result, for what is asked of its surroundings."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from fitting.data.runs import Runs
from fitting.estimation.results import FitResult
from fitting.problem.batched_problem import BatchedProblem, pad_rows
from fitting.problem.likelihood import spread
from fitting.problem.objectives import Objective
from fitting.problem.parameters import Parameters

_SAME = 1e-6  # relative difference of the objective by which a fit is known again


@dataclasses.dataclass(frozen=True, eq=False)
class Around:
    """What `around` gives.

    Attributes:
        problem: the minimisation, in centred units.
        frozen: coefficients and sub-laws that do not move, in the user's units.
        weights: one for each run, zero for padded rows.
        num_runs: number of runs.
    """

    problem: BatchedProblem
    frozen: Mapping[str, Any]
    weights: np.ndarray
    num_runs: int


def around(
    result: FitResult,
    runs: Runs,
    objective: Objective,
    weights: str | None,
    *,
    also_frozen: tuple[str, ...] = (),
) -> Around:
    """Set up the minimisation that a fit came from, in a float64 context.

    Args:
        result: the fit.
        runs: those that it was fitted to.
        objective: what was minimised.
        weights: the column of the runs' weights; None: they count alike.
        also_frozen: free coefficients to hold where the fit left them.

    Raises:
        ValueError: the fit is not that of these runs, objective and weights, or it is one of
            several groups.
    """
    law_type = type(result.law)
    called = runs.for_law(law_type)
    inputs = {name: called.inputs[name] for name in law_type.input_names}
    residuals = objective.residuals(result.law.loss(**inputs), called.loss)
    each = called.weights(weights)
    total = float(each @ np.asarray(objective.costs(residuals)))
    if len(called) != result.num_runs or abs(total / result.objective - 1) > _SAME:
        raise ValueError(
            f"the fit had {result.num_runs} runs and the objective {result.objective:.6g}; these "
            f"{len(called)} runs give {total:.6g} by {objective!r}: pass the runs, the objective "
            "and the weights of the fit; a fit of groups has a bootstrap only"
        )
    held = {*result.frozen, *result.stages, *also_frozen}
    frozen = {
        field.name: getattr(result.law, field.name)
        for field in dataclasses.fields(law_type)
        if field.name in held
    }
    parameters = Parameters.of(law_type, frozen, result.restraints)
    priors = {n: p for n, p in result.restraints.priors.items() if n not in also_frozen}
    problem = BatchedProblem.pose(parameters, objective, inputs, called.loss, frozen, priors=priors)
    return Around(
        problem=dataclasses.replace(problem, spread=spread(objective, total, len(called))),
        frozen=frozen,
        weights=pad_rows(each, fill=0.0),
        num_runs=len(called),
    )
