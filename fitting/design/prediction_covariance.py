"""What is known of the losses that a law predicts: their covariance over the optima of a fit."""

import jax
import jax.numpy as jnp
import numpy as np

from fitting.problem.batched_problem import Batch, BatchedProblem, Fixed
from jaxlaws.foundations.annotations import Array

_LEAST = 1e-12  # eigenvalue, relative to the largest


@jax.jit
def covariance_of_optima(
    problem: BatchedProblem, batch: Batch, shares: Array, noise: Array, rows: Array
) -> jax.Array:
    """The covariance of the predictions for all rows, `(num_rows, num_rows)`.

    It is that of a mixture of normal distributions, one at each optimum, with the covariance of
    Gauss-Newton: the mean covariance within the optima, and the covariance between them (Li et al.
    2026). It is finite where every row has a weight, however small.

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
    return apart.T @ apart + spread.T @ spread


def covariance_before_a_fit(inputs: dict[str, np.ndarray], length: float = 2.0) -> np.ndarray:
    """A covariance of the losses of runs, from how near their inputs are, `(num_runs, num_runs)`.

    Inputs above zero count by their logarithm. The distance is in standard deviations of each
    input; the correlation of two runs is `exp(-(distance / length)**2 / 2)`.
    """
    columns = [np.log(x) if np.all(x > 0) else x for x in inputs.values()]
    sizes = [float(np.std(each)) for each in columns]
    axes = np.stack([x / size for x, size in zip(columns, sizes, strict=True) if size > 0], axis=1)
    squares = np.sum(np.square(axes[:, None] - axes[None]), axis=-1)
    return np.exp(-0.5 * squares / length**2)
