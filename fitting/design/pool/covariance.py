"""What is known of the losses of a pool: factors whose products are covariances."""

import jax
import jax.numpy as jnp
import numpy as np

from fitting.design.pool.trend import likeness, spread_places
from fitting.problem.batched_problem import Batch, BatchedProblem, Fixed
from jaxlaws.foundations.annotations import Array

_LEAST = 1e-12  # eigenvalue, relative to the largest
_MOST_PLACES = 128
_DEVIATION = 0.5  # from linear losses, for slopes of one


@jax.jit
def factors_of_optima(
    problem: BatchedProblem, batch: Batch, shares: Array, noise: Array, rows: Array
) -> jax.Array:
    """Factors of the covariance of the predictions for all rows, `(num_factors, num_rows)`.

    The covariance, the product of two columns, is that of a mixture of normal distributions, one at
    each optimum, with the covariance of Gauss-Newton: the mean covariance within the optima, and
    the covariance between them (Li et al. 2026). It is finite where every row has a weight, however
    small.

    Args:
        problem: the problem.
        batch: an entry for each optimum, all with the same weights.
        shares: the probability of each optimum, `(num_optima,)`.
        noise: the standard deviation of the residuals.
        rows: which rows are not padding, `(num_rows,)`.
    """

    def at(vector: Array, weights: Array, fixed: Fixed) -> tuple[jax.Array, jax.Array]:
        predicted = problem.residuals(vector, fixed)
        jacobian = jax.jacfwd(lambda v: problem.residuals(v, fixed))(vector).T * rows[None]
        is_finite = jnp.all(jnp.isfinite(jacobian)) & jnp.all(jnp.isfinite(predicted))
        jacobian = jnp.where(is_finite, jacobian, 0.0)
        lengths = jnp.sqrt(jnp.sum(jnp.square(jacobian), axis=1, keepdims=True))
        jacobian = jacobian / jnp.where(lengths > 0, lengths, 1.0)
        information = (jacobian * weights[None] / noise**2) @ jacobian.T
        values, columns = jnp.linalg.eigh(information)
        values = jnp.maximum(values, _LEAST * values[-1] + jnp.finfo(values.dtype).tiny)
        return predicted * rows, (columns / jnp.sqrt(values)[None]).T @ jacobian

    predicted, spread = batch.map(problem, at)
    is_finite = jnp.all(jnp.isfinite(predicted), axis=1)
    predicted = jnp.where(is_finite[:, None], predicted, 0.0)
    shares = jnp.where(is_finite, shares, 0.0)
    shares = shares / jnp.sum(shares)
    apart = (predicted - (shares @ predicted)[None]) * jnp.sqrt(shares)[:, None]
    spread = (spread * jnp.sqrt(shares)[:, None, None]).reshape(-1, spread.shape[-1])
    return jnp.concatenate([apart, spread])


def factors_before_a_fit(axes: np.ndarray, known: np.ndarray, noise: float) -> np.ndarray:
    """Factors of a covariance of the losses of runs, from how near their inputs are.

    Losses are linear in the axes, with unknown slopes, and deviate smoothly. The deviations are
    exact for up to 128 runs that are spread over all, and follow from these for the others
    (Nyström).

    Args:
        axes: the inputs in standard deviations, `(num_runs, num_inputs)`.
        known: the places of runs whose losses are known.
        noise: of these losses, for slopes of one.

    Returns:
        `(num_factors, num_runs)`.
    """
    few = axes[spread_places(axes, _MOST_PLACES)]
    values, columns = np.linalg.eigh(likeness(few, few))
    root = columns / np.sqrt(np.maximum(values, _LEAST * values[-1]))
    deviations = _DEVIATION * root.T @ likeness(few, axes)
    factors = np.concatenate([np.ones((1, len(axes))), axes.T, deviations])
    seen = factors[:, known]
    left = np.linalg.inv(np.eye(len(factors)) + seen @ seen.T / noise**2)
    values, columns = np.linalg.eigh(left)
    return (columns * np.sqrt(np.maximum(values, 0.0))).T @ factors
