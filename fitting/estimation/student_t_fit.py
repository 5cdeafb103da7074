"""A fit by Student's t likelihood with its scale."""

from typing import Any

import numpy as np

from fitting.data.predictions import predict
from fitting.data.runs import Runs
from fitting.estimation.results import FitResult
from fitting.estimation.single_fit import fit
from fitting.problem.objectives import StudentT

_SAME_SCALE = 1e-6  # relative
_MOST_ROUNDS = 50
_MOST_STEPS = 10_000


def scale_of(residuals: np.ndarray, dof: float) -> float:
    """The scale at which residuals are likeliest under Student's t: one-dimensional EM.

    >>> round(scale_of(np.array([-1.0, 1.0, -1.0, 1.0]), dof=4.0), 6)
    1.0

    Raises:
        ValueError: so many residuals are zero that the scale is.
    """
    squares = np.square(residuals)
    size = float(np.median(np.abs(residuals))) or float(np.sqrt(squares.mean()))
    if np.mean(squares == 0) >= dof / (dof + 1):
        raise ValueError("the law predicts most runs exactly: there is no scale to fit")
    for _ in range(_MOST_STEPS):
        weights = (dof + 1) / (dof + squares / size**2)
        again = float(np.sqrt(np.mean(weights * squares)))
        if abs(again / size - 1) < _SAME_SCALE / 100:
            return again
        size = again
    return size


def fit_student_t(
    law_type: type[Any], runs: Runs, *, dof: float = 4.0, bootstrap: int = 0, **options: Any
) -> tuple[FitResult, float]:
    """Fit a law and the scale of its noise by Student's t likelihood of log residuals.

    The two are fitted in turn until the scale stays within a millionth.

    Args:
        law_type: the class of the law.
        runs: the table.
        dof: degrees of freedom: few for heavy tails, many for nearly normal noise.
        bootstrap: as in `fit`; the scale is the fit's own in all replicates.
        options: of `fit`, other than the objective.

    Returns:
        The fit and the scale, a relative error of the losses.

    Raises:
        ValueError: dof is not above zero, the law predicts most runs exactly, or as `fit`.
    """
    if not dof > 0:
        raise ValueError(f"expected degrees of freedom above zero, got {dof!r}")
    called = runs.for_law(law_type)
    scale = StudentT().scale
    for _ in range(_MOST_ROUNDS):
        result = fit(law_type, runs, objective=StudentT(scale, dof), **options)
        residuals = np.log(predict(result.law, called.inputs) / called.loss)
        if not np.isfinite(residuals).all():
            break
        before, scale = scale, scale_of(residuals, dof)
        if abs(scale / before - 1) < _SAME_SCALE:
            break
    return fit(
        law_type, runs, objective=StudentT(scale, dof), bootstrap=bootstrap, **options
    ), scale
