"""The two compiled programs of a fit: a search by Optax, and a descent that ends at a minimum.

All entries of a batch advance together; under vmap nothing ends early, so a batch goes on until
hardly any entry is left or its steps are used up.
"""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import optax

from fitting.minimiser.damped_steps import Point, bent, damped
from fitting.problem.batched_problem import Batch, BatchedProblem

TOLERANCE = 1e-8  # of the gradient's norm, the cost measured in its slope
_RATE = 0.1  # of Adam, at its start
_ROUNDING = 1e-13  # relative changes of a cost below this are noise
_STRAGGLERS = 0.1  # a batch ends when no more than this share of its batch entries is not done


@functools.partial(jax.jit, static_argnums=2)
def search(problem: BatchedProblem, batch: Batch, num_steps: int) -> tuple[Any, Any]:
    """Adam with a rate that falls to zero, so that it settles even on kinks.

    Returns:
        Vectors and costs.
    """
    optimiser = optax.adam(optax.cosine_decay_schedule(_RATE, num_steps))

    def step(carry: Any, _: None) -> tuple[Any, None]:
        vectors, state = carry
        slopes = batch.at(vectors).map(problem, jax.grad(problem.cost))
        updates, state = optimiser.update(jnp.where(jnp.isfinite(slopes), slopes, 0.0), state)
        return (optax.apply_updates(vectors, updates), state), None

    start = (batch.vectors, optimiser.init(batch.vectors))
    (vectors, _), _ = jax.lax.scan(step, start, length=num_steps)
    return vectors, batch.at(vectors).map(problem, problem.cost)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Sensitivity:
    """How the residuals of batch entries answer to their vectors.

    Attributes:
        residuals: `(num_entries, num_rows)`.
        gram: `J.T J` of the residuals' derivatives J, rows weighted, `(num_entries, num_free,
            num_free)`.
        moves: largest absolute entry of J in each column, `(num_entries, num_free)`.
    """

    residuals: Any
    gram: Any
    moves: Any


@jax.jit
def sensitivity(problem: BatchedProblem, batch: Batch) -> Sensitivity:
    """The residuals of every batch entry where it stands, and how they move."""

    def one(vector: Any, weights: Any, frozen: Any) -> Sensitivity:
        residuals, jacobian = _linearised(lambda v: problem.residuals(v, frozen), vector)
        return Sensitivity(
            residuals,
            (jacobian * weights[None]) @ jacobian.T,
            jnp.max(jnp.abs(jacobian) * (weights > 0)[None], axis=1),
        )

    return batch.map(problem, one)


@jax.jit
def descend(problem: BatchedProblem, batch: Batch, num_steps: Any, bend_every: Any) -> Point:
    """Levenberg-Marquardt steps, each batch entry with its own damping.

    The curvature is Gauss-Newton's with the cost's kinks smoothed, which finds its way from
    afar, or the Hessian, which ends exactly. The law's second derivatives in it cost several
    steps and change slowly, so that they may be some steps old. A step is kept where it lowers
    the cost or, once the cost no longer tells, the gradient.

    Args:
        problem: what the batch entries have in common.
        batch: where they start.
        num_steps: most steps.
        bend_every: steps from one use of the law's second derivatives to the next, 1 for Newton's
            own steps; 0 for Gauss-Newton.
    """
    num_entries, is_newton = len(batch.vectors), bend_every > 0

    def step(state: Any) -> Any:
        trial, kept, bends, damping, count = state
        point, bends = _evaluate(problem, batch.at(trial), bend_every, bends, count)
        margin = _ROUNDING * jnp.abs(kept.costs) + rounding
        norm, trial_norm = (jnp.linalg.norm(p.gradients, axis=-1) for p in (kept, point))
        better = (point.costs < kept.costs - margin) | (
            (point.costs <= kept.costs + margin) & (trial_norm < norm)
        )
        better &= jnp.isfinite(point.costs) & jnp.isfinite(trial_norm)
        kept = jax.tree.map(
            lambda new, old: jnp.where(better.reshape((-1,) + (1,) * (new.ndim - 1)), new, old),
            point,
            kept,
        )
        damping = jnp.where(better, jnp.maximum(damping / 4, 1e-15), jnp.minimum(damping * 5, 1e8))
        move = damped(kept, damping)
        move = jax.lax.cond(
            is_newton, lambda: bent(problem, batch, kept, move, damping), lambda: move
        )
        return kept.vectors + move, kept, bends, damping, count + 1

    def goes_on(state: Any) -> Any:
        _, kept, _, _, count = state
        waiting = jnp.linalg.norm(kept.gradients, axis=-1) > TOLERANCE
        return (count < num_steps) & (jnp.mean(waiting) > _STRAGGLERS)

    # A residual is good to a rounding of its logarithm, and costs at most as much as it is off.
    rounding = jnp.finfo(batch.vectors.dtype).eps * jnp.sum(batch.weights, axis=-1)
    infinite = jnp.full_like(batch.vectors, jnp.inf)
    bends = jnp.zeros((*infinite.shape, infinite.shape[-1]), infinite.dtype)
    rows = jnp.zeros_like(batch.weights)
    slants = jnp.zeros((*infinite.shape, rows.shape[-1]), infinite.dtype)
    nowhere = Point(batch.vectors, infinite[:, 0], infinite, bends, rows, slants, rows)
    damping = jnp.full(num_entries, jnp.where(is_newton, 1e-4, 1e-2))
    start = (batch.vectors, nowhere, bends, damping, 0)
    return jax.lax.while_loop(goes_on, step, start)[1]


def _evaluate(
    problem: BatchedProblem, batch: Batch, bend_every: Any, bends: Any, count: Any
) -> tuple[Point, Any]:
    """Where the batch entries stand, and their cost's curvature by the law's second derivatives."""
    objective, unit = problem.objective, problem.objective.slope()
    num_free, is_newton = batch.vectors.shape[-1], bend_every > 0
    basis = jnp.eye(num_free, dtype=batch.vectors.dtype)

    def linear(vector: Any, weights: Any, frozen: Any, shifts: Any) -> Any:
        residuals, jacobian = _linearised(lambda v: problem.residuals(v, frozen), vector)
        if shifts is not None:
            residuals += shifts
        slopes, second = jax.jvp(
            jax.grad(lambda r: jnp.sum(objective.costs(r))),
            (residuals,),
            (jnp.ones_like(residuals),),
        )
        # For the smoothed cost: the parabola that touches a run's cost at both +r and -r.
        smooth = jnp.where(residuals == 0, second, slopes / jnp.where(residuals == 0, 1, residuals))
        second = weights * jnp.where(is_newton, second, smooth) / unit
        pull = weights * slopes / unit
        cost = jnp.sum(weights * objective.costs(residuals)) / unit
        gradient = jacobian @ pull
        curvature = (jacobian * second[None]) @ jacobian.T
        pulls = [pull]
        if problem.has_deviations:
            missed, slant = _linearised(lambda v: problem.deviations(v, frozen), vector)
            share = problem.spread / unit
            pulls.append(share * missed)
            cost += 0.5 * share * jnp.sum(jnp.square(missed))
            gradient += slant @ pulls[1]
            curvature += share * slant @ slant.T
        return (cost, gradient, curvature, residuals, jacobian, second), pulls

    def bend(vector: Any, weights: Any, frozen: Any, pulls: Any) -> Any:
        def pulled(v: Any) -> Any:
            total = jnp.dot(pulls[0], problem.residuals(v, frozen))
            if problem.has_deviations:
                total += jnp.dot(pulls[1], problem.deviations(v, frozen))
            return total

        _, along = jax.linearize(jax.grad(pulled), vector)
        return jax.lax.map(along, basis)

    (costs, gradients, curvatures, *rows), pulls = batch.map(problem, linear, batch.shifts)
    bends = jax.lax.cond(
        is_newton & (count % jnp.maximum(bend_every, 1) == 0),
        lambda: batch.map(problem, bend, pulls),
        lambda: bends,
    )
    return Point(batch.vectors, costs, gradients, curvatures + bends, *rows), bends


def _linearised(function: Any, vector: Any) -> tuple[Any, Any]:
    """Values of a function, `(num_values,)`, and their derivatives `(num_free, num_values)`."""
    return jax.vmap(lambda tangent: jax.jvp(function, (vector,), (tangent,)), out_axes=(None, 0))(
        jnp.eye(len(vector), dtype=vector.dtype)
    )
