"""The compiled programs of a broad search: a scan of one number, and steps to a minimum."""

import jax
import jax.numpy as jnp

from fitting.minimiser.broad_search.least_squares import LeastSquares
from fitting.minimiser.damped_steps import cholesky, solve_factored
from jaxlaws.foundations.annotations import Array, Tree

_SOLVED = 1e-12  # relative change of the cost by a step
_STUCK = 1e10  # damping


@jax.jit
def scan(
    squares: LeastSquares, vectors: Array, costs: Array, places: Array, grids: Array
) -> tuple[Array, Array]:
    """Move one number of each entry to the best place of a grid, where that lowers the cost."""

    def one(vector: Array, cost: Array, place: Array, grid: Array) -> tuple[Array, Array]:
        found = jax.vmap(lambda number: squares.solved(vector.at[place].set(number)))(grid)
        best = jnp.argmin(found.cost)
        better = found.cost[best] < cost
        vector = jnp.where(better, found.vector[best], vector)
        return vector, jnp.where(better, found.cost[best], cost)

    return jax.vmap(one)(vectors, costs, places, grids)


@jax.jit
def refine(squares: LeastSquares, vectors: Array, num_steps: Array) -> tuple[Array, Array]:
    """Levenberg-Marquardt steps of the nonlinear numbers; the linear part is solved after each."""
    places, num_free = squares.form.nonlinear, vectors.shape[1]
    directions, identity = jnp.eye(num_free)[places], jnp.eye(len(places))

    def move(trial: Array, best: Tree, damping: Array) -> Tree:
        solved, jacobian = squares.solved_with_jacobian(trial, directions)
        better = (solved.cost < best[1]) & jnp.all(jnp.isfinite(jacobian))
        gain = jnp.where(better, best[1] - solved.cost, jnp.inf)
        new = solved.vector, solved.cost, solved.deviations, jacobian
        best = jax.tree.map(lambda a, b: jnp.where(better, a, b), new, best)
        damping = jnp.where(better, jnp.maximum(damping * 0.2, 1e-14), damping * 5)
        vector, cost, deviations, jacobian = best
        lengths = jnp.sqrt(jnp.sum(jnp.square(jacobian), axis=1))
        lengths = jnp.where(lengths > 0, lengths, 1.0)
        scaled = jacobian / lengths[:, None]
        factor = cholesky(scaled @ scaled.T + damping * identity)
        step = -solve_factored(factor, (scaled @ deviations)[:, None])[:, 0] / lengths
        step = jnp.where(jnp.isfinite(step), step, 0.0)
        done = (gain <= _SOLVED * cost) | (damping > _STUCK)
        return vector.at[places].add(step), best, damping, done

    def step(state: Tree) -> Tree:
        trials, best, damping, done, count = state
        *moved, now_done = jax.vmap(move)(trials, best, damping)
        kept = jax.tree.map(
            lambda old, new: jnp.where(done.reshape((-1,) + (1,) * (old.ndim - 1)), old, new),
            [trials, best, damping],
            moved,
        )
        return *kept, done | now_done, count + 1

    def continues(state: Tree) -> Array:
        return (state[4] < num_steps) & ~jnp.all(state[3])

    rows = jnp.zeros((len(vectors), len(squares.weights)))
    jacobians = jnp.zeros((len(vectors), len(places), rows.shape[1]))
    nowhere = vectors, jnp.full(len(vectors), jnp.inf), rows, jacobians
    damping, done = jnp.full(len(vectors), 1e-2), jnp.zeros(len(vectors), bool)
    end = jax.lax.while_loop(continues, step, (vectors, nowhere, damping, done, 0))
    vectors, costs, *_ = end[1]
    return vectors, costs
