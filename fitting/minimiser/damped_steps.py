"""The steps of a descent: from the gradient and the curvature at a point to the next trial."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from fitting.problem.batched_problem import Batch, BatchedProblem, Fixed
from jaxlaws.foundations.annotations import Array
from jaxlaws.foundations.concurrency import compiled_for_batches
from jaxlaws.foundations.domain_checks import EDGES
from jaxlaws.pytree import Domain
from jaxlaws.trees import register_dataclass

_LEAST_DAMPING = 1e-14


@register_dataclass
@dataclasses.dataclass(frozen=True)
class Point:
    """The state of all batch entries at one step.

    Attributes:
        vectors: `(num_entries, num_free)`.
        costs: `(num_entries,)`, divided by the slope of the objective.
        gradients: of the cost along the directions of the problem, `(num_entries, num_free)`.
        curvatures: the Hessian of the cost along these directions, or its approximation,
            `(num_entries, num_free, num_free)`.
        residuals: `(num_entries, num_rows)`.
        jacobians: derivatives of the residuals along the directions, `(num_entries, num_free,
            num_rows)`.
        row_curvatures: second derivative of the cost with respect to each residual,
            `(num_entries, num_rows)`.
    """

    vectors: jax.Array
    costs: jax.Array
    gradients: jax.Array
    curvatures: jax.Array
    residuals: jax.Array
    jacobians: jax.Array
    row_curvatures: jax.Array


def directions_of(problem: BatchedProblem) -> jax.Array:
    """The directions of the steps, a row each, `(num_free, num_free)`."""
    return jnp.eye(len(problem.parameters.free)) if problem.basis is None else problem.basis.T


def moved(problem: BatchedProblem, vectors: jax.Array, steps: jax.Array) -> jax.Array:
    """Vectors after steps along the directions, both `(..., num_free)`."""
    return vectors + (steps if problem.basis is None else steps @ problem.basis.T)


def damped_step(problem: BatchedProblem, point: Point, damping: jax.Array) -> jax.Array:
    """The Levenberg-Marquardt step of each batch entry along the directions of the problem.

    It is zero where the damped curvature is not positive definite.

    Args:
        problem: what the batch entries have in common.
        point: the current point.
        damping: added to the diagonal of the curvature, relative to it, `(num_entries,)`.
    """
    step = _solve(point, damping)
    step = jnp.where(jnp.isfinite(step), step, 0.0)
    # No coefficient changes by more than a few times its size at once.
    is_real = np.array([number.edges == EDGES[Domain.REAL] for number in problem.parameters.free])
    sizes = jnp.where(is_real, jnp.abs(point.vectors), point.vectors)
    change = step if problem.basis is None else step @ problem.basis.T
    longest = jnp.max(jnp.abs(change) / jnp.maximum(sizes, 2.0), axis=-1, keepdims=True)
    return step / jnp.maximum(longest, 1.0)


@compiled_for_batches
def possible_gain(point: Point) -> jax.Array:
    """How much lower the minimum of the quadratic approximation of each cost is.

    It is infinite where the curvature is not positive definite.
    """
    step = _solve(point, jnp.full(len(point.costs), _LEAST_DAMPING))
    gain = -0.5 * jnp.sum(step * point.gradients, axis=-1)
    return jnp.where(jnp.isfinite(gain), gain, jnp.inf)


def _solve(point: Point, damping: jax.Array) -> jax.Array:
    diagonal = jnp.abs(jnp.diagonal(point.curvatures, axis1=-2, axis2=-1))
    added = damping[:, None] * diagonal + jnp.finfo(damping.dtype).tiny
    factor = cholesky(point.curvatures + jax.vmap(jnp.diag)(added))
    return solve_factored(factor, -point.gradients[..., None])[..., 0]


def cholesky(matrix: jax.Array) -> jax.Array:
    """The lower factor of positive definite matrices, `(..., n, n)`; NaN where they are not."""
    return jax.lax.linalg.cholesky(matrix, symmetrize_input=False)


def solve_factored(factor: jax.Array, right: jax.Array) -> jax.Array:
    """Solve systems with a Cholesky factor, for each column of the right-hand sides."""
    for transposed in (False, True):
        right = jax.lax.linalg.triangular_solve(
            factor, right, left_side=True, lower=True, transpose_a=transposed
        )
    return right


def corrected_step(
    problem: BatchedProblem, batch: Batch, point: Point, step: jax.Array, damping: jax.Array
) -> jax.Array:
    """Newton's step with a line search and a second-order correction.

    The cost has a kink where a residual is zero. The line search shortens the step with linear
    residuals, for which the cost along the step is cheap to compute. Real residuals are curved, so
    a straight step moves runs off their kinks, and then only tiny steps lower the cost. A second
    step puts these runs back on their kinks (second-order correction of constrained optimisation).

    Args:
        problem: what the batch entries have in common.
        batch: the batch; its vectors are not used.
        point: the current point.
        step: the damped Newton step, `(num_entries, num_free)`.
        damping: the damping of the step, `(num_entries,)`.
    """
    objective, slope = problem.objective, problem.objective.slope()

    def pull(residuals: jax.Array) -> jax.Array:
        return jax.grad(lambda r: jnp.sum(objective.costs(r)))(residuals) / slope

    def shorten(
        _: jax.Array, weights: jax.Array, fixed: Fixed, point: Point, step: jax.Array
    ) -> jax.Array:
        change = point.jacobians.T @ step
        law_part = step @ point.curvatures @ step - jnp.dot(
            point.row_curvatures, jnp.square(change)
        )

        def slope_at(share: Array) -> jax.Array:
            """The derivative of the cost after this share of the step."""
            pulls = pull(point.residuals + share * change) - pull(point.residuals)
            return point.gradients @ step + jnp.dot(weights * pulls, change) + share * law_part

        def first_rising(shares: jax.Array) -> jax.Array:
            """The least of increasing shares at which the cost rises; if none, the least of all."""
            is_rising = jax.vmap(slope_at)(shares) > 1e-6 * jnp.abs(point.gradients @ step)
            least = jnp.min(jnp.where(is_rising, shares, jnp.inf))
            return jnp.where(jnp.isfinite(least), least, shares[0])

        # To a factor of two, then to a sixteenth of that; the whole step where it is not too far.
        halves = 0.5 ** jnp.arange(8.0, -1.0, -1.0)
        high = first_rising(halves)
        parts = high * (1 + jnp.arange(1.0, 9.0) / 8) / 2
        share = first_rising(parts) - high / 32
        is_too_far = slope_at(1.0) > 1e-6 * jnp.abs(point.gradients @ step)
        return step * jnp.where(is_too_far, share, 1.0)

    def error_of_linear_residuals(
        vector: jax.Array,
        _: jax.Array,
        fixed: Fixed,
        point: Point,
        step: jax.Array,
        shifts: jax.Array | None,
    ) -> jax.Array:
        there = problem.residuals(vector, fixed) + (0.0 if shifts is None else shifts)
        error = there - point.residuals - point.jacobians.T @ step
        return point.jacobians @ (point.row_curvatures * error)

    step = batch.map(problem, shorten, point, step)
    errors = batch.at(moved(problem, point.vectors, step)).map(
        problem, error_of_linear_residuals, point, step, batch.shifts
    )
    back = damped_step(problem, dataclasses.replace(point, gradients=errors), damping)
    scale = jnp.abs(jnp.diagonal(point.curvatures, axis1=-2, axis2=-1))
    is_small = jnp.sum(scale * back**2, axis=-1) <= jnp.sum(scale * step**2, axis=-1)
    return step + jnp.where(is_small[:, None], back, 0.0)
