"""The compiled programs of a fit: a search by Optax, and a descent that ends at a minimum.

All entries of a batch advance together. Under vmap no entry ends early, so a batch continues
until almost all entries are at a minimum or the steps are used up.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from fitting.minimiser.damped_steps import Point, corrected_step, damped_step, directions_of, moved
from fitting.problem.batched_problem import Batch, BatchedProblem, Fixed
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.concurrency import compiled_for_batches

TOLERANCE = 1e-8  # of the gradient's norm; the cost is divided by the slope of the objective
_RATE = 0.1  # initial learning rate of Adam
_ROUNDING = 1e-13  # relative changes of a cost below this are noise
_STRAGGLERS = 0.1  # a batch ends when at most this share of its entries is not at a minimum


@functools.partial(compiled_for_batches, static=(2,))
def search(problem: BatchedProblem, batch: Batch, num_steps: int) -> tuple[jax.Array, jax.Array]:
    """Run Adam with a learning rate that falls to zero, so that it settles even on kinks.

    Returns:
        Vectors, `(num_entries, num_free)`, and costs, `(num_entries,)`.
    """
    optimiser = optax.adam(optax.cosine_decay_schedule(_RATE, num_steps))

    def step(carry: Tree, _: None) -> tuple[Tree, None]:
        vectors, state = carry
        gradients = batch.at(vectors).map(problem, jax.grad(problem.cost))
        finite = jnp.where(jnp.isfinite(gradients), gradients, 0.0)
        updates, state = optimiser.update(finite, state)
        return (optax.apply_updates(vectors, updates), state), None

    start = (batch.vectors, optimiser.init(batch.vectors))
    (vectors, _), _ = jax.lax.scan(step, start, length=num_steps)
    return vectors, batch.at(vectors).map(problem, problem.cost)


@compiled_for_batches
def descend(problem: BatchedProblem, batch: Batch, num_steps: Array, hessian_every: Array) -> Point:
    """Take Levenberg-Marquardt steps; every batch entry has its own damping.

    The curvature is that of Gauss-Newton with smoothed kinks, which works far from the minimum,
    or the Hessian, which converges exactly. The part of the Hessian with the second derivatives
    of the law costs as much as several steps and changes slowly, so it may be some steps old. A
    step is accepted where it lowers the cost or, where the change of the cost is only rounding,
    the gradient.

    Args:
        problem: what the batch entries have in common.
        batch: the batch, with the vectors to start from.
        num_steps: the largest number of steps.
        hessian_every: number of steps between computations of the second derivatives of the law:
            1 for Newton's method, 0 for Gauss-Newton.
    """
    num_entries, is_newton = len(batch.vectors), hessian_every > 0

    def step(state: Tree) -> Tree:
        trial, kept, law_hessians, damping, count = state
        point, law_hessians = _evaluate(
            problem, batch.at(trial), hessian_every, law_hessians, count
        )
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
        move = damped_step(problem, kept, damping)
        move = jax.lax.cond(
            is_newton, lambda: corrected_step(problem, batch, kept, move, damping), lambda: move
        )
        return moved(problem, kept.vectors, move), kept, law_hessians, damping, count + 1

    def continues(state: Tree) -> jax.Array:
        _, kept, _, _, count = state
        is_waiting = jnp.linalg.norm(kept.gradients, axis=-1) > TOLERANCE
        return (count < num_steps) & (jnp.mean(is_waiting) > _STRAGGLERS)

    # The rounding error of a residual is that of a logarithm, and the slope of its cost at most 1.
    rounding = jnp.finfo(batch.vectors.dtype).eps * jnp.sum(batch.weights, axis=-1)
    infinite = jnp.full_like(batch.vectors, jnp.inf)
    law_hessians = jnp.zeros((*infinite.shape, infinite.shape[-1]), infinite.dtype)
    rows = jnp.zeros_like(batch.weights)
    jacobians = jnp.zeros((*infinite.shape, rows.shape[-1]), infinite.dtype)
    nowhere = Point(batch.vectors, infinite[:, 0], infinite, law_hessians, rows, jacobians, rows)
    damping = jnp.full(num_entries, jnp.where(is_newton, 1e-4, 1e-2))
    start = (batch.vectors, nowhere, law_hessians, damping, 0)
    return jax.lax.while_loop(continues, step, start)[1]


def _evaluate(
    problem: BatchedProblem,
    batch: Batch,
    hessian_every: Array,
    law_hessians: jax.Array,
    count: jax.Array,
) -> tuple[Point, jax.Array]:
    """The point of a batch, and the part of the curvature with the law's second derivatives."""
    objective, unit = problem.objective, problem.objective.slope()
    is_newton = hessian_every > 0
    directions = directions_of(problem).astype(batch.vectors.dtype)

    def first_order(
        vector: jax.Array, weights: jax.Array, fixed: Fixed, shifts: jax.Array | None
    ) -> tuple[tuple[jax.Array, ...], list[jax.Array]]:
        residuals, jacobian = _linearised(lambda v: problem.residuals(v, fixed), vector, directions)
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
            deviations, of_deviations = _linearised(
                lambda v: problem.deviations(v, fixed), vector, directions
            )
            share = problem.spread / unit
            pulls.append(share * deviations)
            cost += 0.5 * share * jnp.sum(jnp.square(deviations))
            gradient += of_deviations @ pulls[1]
            curvature += share * of_deviations @ of_deviations.T
        return (cost, gradient, curvature, residuals, jacobian, second), pulls

    def law_hessian(
        vector: jax.Array, weights: jax.Array, fixed: Fixed, pulls: list[jax.Array]
    ) -> jax.Array:
        def pulled(v: jax.Array) -> jax.Array:
            total = jnp.dot(pulls[0], problem.residuals(v, fixed))
            if problem.has_deviations:
                total += jnp.dot(pulls[1], problem.deviations(v, fixed))
            return total

        _, along = jax.linearize(jax.grad(pulled), vector)
        hessian = jax.lax.map(along, directions)
        return hessian if problem.basis is None else hessian @ problem.basis

    (costs, gradients, curvatures, *rows), pulls = batch.map(problem, first_order, batch.shifts)
    law_hessians = jax.lax.cond(
        is_newton & (count % jnp.maximum(hessian_every, 1) == 0),
        lambda: batch.map(problem, law_hessian, pulls),
        lambda: law_hessians,
    )
    return Point(batch.vectors, costs, gradients, curvatures + law_hessians, *rows), law_hessians


def _linearised(
    function: Callable[[jax.Array], jax.Array], vector: jax.Array, directions: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Values of a function, `(num_values,)`, and their derivatives along some directions.

    The derivatives are `(num_directions, num_values)`.
    """
    return jax.vmap(lambda tangent: jax.jvp(function, (vector,), (tangent,)), out_axes=(None, 0))(
        directions
    )
