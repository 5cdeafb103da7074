"""Laplace's approximation: draws of a law from the Hessian at the end of a fit."""

import jax
import numpy as np

from fitting.data.runs import Runs
from fitting.estimation.results import FitResult
from fitting.minimiser.multi_start import laws_of
from fitting.problem.batched_problem import Batch, BatchedProblem, Fixed
from fitting.uncertainty.refit_problem import FitProblem
from jaxlaws.foundations.annotations import Array
from jaxlaws.foundations.law import Law
from jaxlaws.precision import float64

_SINGULAR = 1e-12  # smallest eigenvalue of the Hessian, relative to the largest
_MENTIONED = 0.1  # component of a singular direction along a coefficient, to name it


def laplace(
    result: FitResult,
    runs: Runs,
    *,
    num_draws: int = 1000,
    seed: int = 0,
) -> Law:
    """Draw laws from the normal distribution with the exact Hessian of a fit.

    The draws are of unconstrained numbers, so that every coefficient stays in its domain. Their
    covariance is `tau H**-1 n / (n - k)`, where H is the Hessian of the objective, tau the spread
    of the residuals (see `likelihood`), n the number of rows and k the number of free coefficients.
    It is exact for least squares and a linear law. With Huber's cost and a small delta, the Hessian
    depends only on the few runs within delta of the law: prefer the bootstrap. Sub-laws and
    frozen coefficients are the same in all draws.

    Args:
        result: the fit.
        runs: the runs of the fit.
        num_draws: number of draws.
        seed: seed of the draws.

    Returns:
        A batched law: each leaf has a leading axis `(num_draws,)` and is a NumPy float64 array.

    Raises:
        ValueError: the Hessian is singular or not positive, so that the runs do not determine some
            combination of coefficients; or the runs are not the runs of the fit.
        TypeError: the objective has no likelihood.
    """
    with float64():
        fitted = FitProblem.of(result, runs)
        problem, num_rows = fitted.problem, fitted.num_rows
        hessian = _hessian(problem, fitted.vector, fitted.weights, Fixed(fitted.frozen))
        eigenvalues, columns = np.linalg.eigh(
            np.asarray(hessian) * float(problem.objective.slope())
        )
        if not eigenvalues[0] > _SINGULAR * eigenvalues[-1]:
            along = zip(problem.parameters.names, columns[:, 0], strict=True)
            names = ", ".join(name for name, x in along if abs(x) > _MENTIONED)
            raise ValueError(
                f"the Hessian is singular along {names}: no Laplace approximation exists. Use the "
                "bootstrap, or freeze one of these coefficients"
            )
        tau = float(problem.spread) * num_rows / (num_rows - len(eigenvalues))
        normal = np.random.default_rng(seed).normal(size=(num_draws, len(eigenvalues)))
        vectors = fitted.vector + (normal * np.sqrt(tau / eigenvalues)) @ columns.T
        rows = np.tile(fitted.weights, (num_draws, 1))
        return laws_of(problem, Batch(vectors, rows, fitted.frozen))


@jax.jit
def _hessian(problem: BatchedProblem, vector: Array, weights: Array, fixed: Fixed) -> Array:
    return jax.hessian(problem.cost)(vector, weights, fixed)
