"""Simple predictions that a fitted law should not be worse than."""

from collections.abc import Mapping

import numpy as np

from fitting.minimiser.local_optima import SAME_OBJECTIVE
from fitting.problem.objectives import Objective

_NOTHING = 1e-6  # of the objective of the best constant: a fit as close as this is good


def better_baseline(
    objective: Objective,
    inputs: Mapping[str, np.ndarray],
    observed: np.ndarray,
    weights: np.ndarray,
    total: float,
    num_free: int,
) -> str | None:
    """A simple prediction with a lower objective than a fit, in words, or None.

    The predictions are the best constant, a linear model in the logarithms of the inputs, and the
    mean of each group of runs with the same value of an input. Only those with at most as many
    numbers as the law count.

    Args:
        objective: the objective of the fit.
        inputs: inputs of the law, `(num_rows,)` each.
        observed: outcomes, `(num_rows,)`.
        weights: weight of each row, `(num_rows,)`.
        total: the objective of the fit.
        num_free: the number of free coefficients of the law.
    """
    constant = np.ones((len(observed), 1))
    if not total > _NOTHING * _lowest(objective, constant, observed, weights):
        return None
    designs = {"the best constant": constant}
    varied = {name: values for name, values in inputs.items() if np.ptp(values) > 0}
    logs = [np.log(x) if np.all(x > 0) else x for x in varied.values()]
    designs["a linear model in the logarithms of the inputs"] = np.column_stack([constant, *logs])
    for name, values in varied.items():
        distinct, group = np.unique(values, return_inverse=True)
        if len(distinct) <= num_free:
            designs[f"the mean of the runs at each {name}"] = np.eye(len(distinct))[group]
    for words, design in designs.items():
        if design.shape[1] <= num_free:
            lowest = _lowest(objective, design, observed, weights)
            if lowest < total * (1 - SAME_OBJECTIVE):
                return f"{words} (objective {lowest:.6g} instead of {total:.6g})"
    return None


def _lowest(
    objective: Objective, design: np.ndarray, observed: np.ndarray, weights: np.ndarray
) -> float:
    """The lower objective of least squares of the outcomes and of their logarithms."""
    root = np.sqrt(weights)

    def fitted(target: np.ndarray) -> np.ndarray:
        return design @ np.linalg.lstsq(design * root[:, None], target * root, rcond=None)[0]

    with np.errstate(all="ignore"):
        found = [fitted(observed)]
        if np.all(observed > 0):
            found.append(np.exp(fitted(np.log(observed))))
        totals = [
            float(weights @ np.asarray(objective.costs(objective.residuals(each, observed))))
            for each in found
        ]
    return min((total for total in totals if np.isfinite(total)), default=np.inf)
