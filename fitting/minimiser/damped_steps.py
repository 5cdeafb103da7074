"""The steps of a descent: from a point's gradient and curvature to where it is tried next."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from fitting.problem.batched_problem import Batch, BatchedProblem


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Point:
    """Where the batch entries stand.

    Attributes:
        vectors: `(num_entries, num_free)`.
        costs: `(num_entries,)`, in slopes of the objective.
        gradients: of the cost, `(num_entries, num_free)`.
        curvatures: what a step takes for the Hessian, `(num_entries, num_free, num_free)`.
        residuals: `(num_entries, num_rows)`.
        slants: derivatives of the residuals, `(num_entries, num_free, num_rows)`.
        stiffness: second derivative of the cost by each residual, `(num_entries, num_rows)`.
    """

    vectors: Any
    costs: Any
    gradients: Any
    curvatures: Any
    residuals: Any
    slants: Any
    stiffness: Any


def damped(point: Point, damping: Any) -> Any:
    """The damped step of each batch entry; none where the curvature does not allow one."""
    diagonal = jnp.abs(jnp.diagonal(point.curvatures, axis1=-2, axis2=-1))
    added = damping[:, None] * diagonal + jnp.finfo(damping.dtype).tiny
    factor = jax.lax.linalg.cholesky(
        point.curvatures + jax.vmap(jnp.diag)(added), symmetrize_input=False
    )
    halfway, move = -point.gradients[..., None], None
    for transposed in (False, True):
        halfway = move = jax.lax.linalg.triangular_solve(
            factor, halfway, left_side=True, lower=True, transpose_a=transposed
        )
    move = jnp.where(jnp.isfinite(move[..., 0]), move[..., 0], 0.0)
    # No coefficient changes by more than a few times its size at once.
    longest = jnp.max(jnp.abs(move) / jnp.maximum(point.vectors, 2.0), axis=-1, keepdims=True)
    return move / jnp.maximum(longest, 1.0)


def bent(problem: BatchedProblem, batch: Batch, kept: Point, move: Any, damping: Any) -> Any:
    """Newton's step, shortened where the cost has kinks and bent as the residuals are.

    Were the residuals linear, the cost along the step would be known at hardly any price, and so
    how far to go. Where they are not, runs that a kink holds leave it, which in a narrow curved
    valley forbids all but tiny steps; a second step takes them back (the second-order correction
    of constrained optimisation).
    """
    objective, unit = problem.objective, problem.objective.slope()

    def pull(residuals: Any) -> Any:
        return jax.grad(lambda r: jnp.sum(objective.costs(r)))(residuals) / unit

    def shortened(_: Any, weights: Any, frozen: Any, kept: Point, move: Any) -> Any:
        change = kept.slants.T @ move
        bend = move @ kept.curvatures @ move - jnp.dot(kept.stiffness, jnp.square(change))

        def rise(share: Any) -> Any:
            pulls = pull(kept.residuals + share * change) - pull(kept.residuals)
            return kept.gradients @ move + jnp.dot(weights * pulls, change) + share * bend

        def first_past(shares: Any) -> Any:
            return jnp.argmax(jax.vmap(rise)(shares) > 1e-6 * jnp.abs(kept.gradients @ move))

        # To a factor of two, then to a sixteenth of that; the whole step where it is not too far.
        halves = 0.5 ** jnp.arange(8.0, -1.0, -1.0)
        high = halves[first_past(halves)]
        parts = high * (1 + jnp.arange(1.0, 9.0) / 8) / 2
        share = parts[first_past(parts)] - high / 32
        return move * jnp.where(rise(1.0) > 1e-6 * jnp.abs(kept.gradients @ move), share, 1.0)

    def missed(vector: Any, _: Any, frozen: Any, kept: Point, move: Any, shifts: Any) -> Any:
        there = problem.residuals(vector, frozen) + (0.0 if shifts is None else shifts)
        return kept.slants @ (kept.stiffness * (there - kept.residuals - kept.slants.T @ move))

    move = batch.map(problem, shortened, kept, move)
    misses = batch.at(kept.vectors + move).map(problem, missed, kept, move, batch.shifts)
    back = damped(dataclasses.replace(kept, gradients=misses), damping)
    scale = jnp.abs(jnp.diagonal(kept.curvatures, axis1=-2, axis2=-1))
    is_small = jnp.sum(scale * back**2, axis=-1) <= jnp.sum(scale * move**2, axis=-1)
    return move + jnp.where(is_small[:, None], back, 0.0)
