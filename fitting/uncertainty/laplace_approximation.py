"""Laplace's approximation: draws of a law from the curvature of a fit at its end."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fitting.data.runs import Runs
from fitting.estimation.results import FitResult
from fitting.minimiser.multi_start import laws_of
from fitting.problem.batched_problem import Batch, BatchedProblem, Fixed
from fitting.problem.likelihood import spread
from fitting.problem.objectives import Huber, Objective
from fitting.uncertainty.refit_problem import around
from jaxlaws.precision import float64


def laplace(
    result: FitResult,
    runs: Runs,
    *,
    num_draws: int = 1000,
    objective: Objective = Huber(1e-3),
    weights: str | None = None,
    seed: int = 0,
) -> Any:
    """Draw laws from the normal distribution that the exact Hessian of a fit tells.

    Unconstrained numbers are drawn, so that every coefficient stays in its domain. Their
    covariance is `tau H**-1 n / (n - k)`, with H the Hessian of the sum over runs, tau the spread
    that goes with the objective (`likelihood`), n runs and k free coefficients: exact for least
    squares and a linear law. With Huber's cost and a small delta, the Hessian rests on the few
    runs within delta of the law, and the bootstrap is to be preferred. Sub-laws and frozen
    coefficients are the same in all draws.

    Args:
        result: the fit.
        runs: the runs that it was fitted to.
        num_draws: number of draws.
        objective: what the fit minimised.
        weights: the column of weights that it was given; a run counts as so many, one on average.
        seed: of the draws.

    Returns:
        A batched law, each leaf with a leading axis `(num_draws,)`, NumPy float64.

    Raises:
        ValueError: the curvature is not positive in all directions, so that the runs leave some
            combination of coefficients open; or the runs or objective are not those of the fit.
        TypeError: no likelihood goes with the objective.
    """
    with float64():
        setting = around(result, runs, objective, weights)
        problem, num_runs = setting.problem, setting.num_runs
        vector = problem.parameters.vector(result.law, problem.scales)
        hessian = _hessian(problem, vector, jnp.asarray(setting.weights), Fixed(setting.frozen))
        eigenvalues, columns = np.linalg.eigh(np.asarray(hessian) * float(objective.slope()))
        if not eigenvalues[0] > 1e-12 * eigenvalues[-1]:
            names = problem.parameters.names
            moved = ", ".join(n for n, x in zip(names, columns[:, 0], strict=True) if abs(x) > 0.1)
            raise ValueError(
                f"the curvature does not hold {moved}: there is no normal approximation; use the "
                "bootstrap or freeze a coefficient"
            )
        tau = spread(objective, result.objective, num_runs)
        tau *= num_runs / (num_runs - len(eigenvalues))
        normal = np.random.default_rng(seed).normal(size=(num_draws, len(eigenvalues)))
        vectors = np.asarray(vector) + (normal * np.sqrt(tau / eigenvalues)) @ columns.T
        rows = np.tile(setting.weights, (num_draws, 1))
        return laws_of(problem, Batch(vectors, rows, setting.frozen))


@jax.jit
def _hessian(
    problem: BatchedProblem, vector: jax.Array, weights: jax.Array, fixed: Fixed
) -> jax.Array:
    return jax.hessian(problem.cost)(vector, weights, fixed)
