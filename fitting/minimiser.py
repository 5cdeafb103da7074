"""Many minimisations in one batched program: Optax searches, Gauss-Newton and Newton finish.

A lane is one minimisation: its own starting vector, its own weight on each run. All lanes of a
block advance together in one compiled program; lanes that are not done when a block ends are
gathered into fewer blocks and go on. Blocks have one size, and rows are padded to a class of sizes
with weight zero, so that another table or another number of lanes needs no new compilation.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from fitting.objectives import Objective
from fitting.parameters import Parameters

TOLERANCE = 1e-8  # of the gradient's norm, the cost measured in its slope
_BLOCK = 256
_ROWS = 64
_CELLS = 2**22  # most numbers in the Jacobians of a block
_ROUNDING = 1e-13  # relative changes of a cost below this are noise
_STRAGGLERS = 0.1  # a block ends when no more than this share of its lanes is not done


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["objective", "inputs", "observed", "scales"],
    meta_fields=["parameters", "paired"],
)
@dataclasses.dataclass(frozen=True, eq=False)
class Problem:
    """What all lanes have in common.

    Attributes:
        parameters: which coefficients are free.
        objective: what is minimised.
        inputs: centred, `(num_rows,)` each.
        observed: losses, `(num_rows,)`.
        scales: of the units.
        paired: whether each lane has frozen coefficients of its own.
    """

    parameters: Parameters
    objective: Objective
    inputs: Mapping[str, Any]
    observed: Any
    scales: Mapping[str, Any]
    paired: bool = False

    def residuals(self, vector: jax.Array, frozen: Any) -> jax.Array:
        """Residual of each row, `(num_rows,)`."""
        law = self.parameters.law(vector, frozen, self.scales)
        return self.objective.residuals(law.loss(**self.inputs), self.observed)

    def cost(self, vector: jax.Array, weights: jax.Array, frozen: Any) -> jax.Array:
        """The objective, measured in its slope."""
        costs = self.objective.costs(self.residuals(vector, frozen))
        return jnp.sum(weights * costs) / self.objective.slope()


@functools.partial(
    jax.tree_util.register_dataclass, data_fields=["vectors", "weights", "frozen"], meta_fields=[]
)
@dataclasses.dataclass(frozen=True, eq=False)
class Lanes:
    """The minimisations of a batch.

    Attributes:
        vectors: where they start, `(num_lanes, num_free)`, unconstrained.
        weights: of each row, `(num_lanes, num_rows)`.
        frozen: coefficients that do not move; with a leading axis over the lanes where the
            problem is paired.
    """

    vectors: Any
    weights: Any
    frozen: Mapping[str, Any]


@dataclasses.dataclass(frozen=True, eq=False)
class Minima:
    """Where the lanes ended: vectors, costs (in slopes) and norms of the gradient."""

    vectors: np.ndarray
    costs: np.ndarray
    gradients: np.ndarray

    @property
    def converged(self) -> np.ndarray:
        """Whether each lane's gradient vanishes."""
        return np.isfinite(self.costs) & (self.gradients < TOLERANCE)

    def with_lower(self, others: "Minima", lanes: np.ndarray) -> "Minima":
        """These minima, with others of the given lanes in their place where those are lower."""
        chosen = others.costs < self.costs[lanes]
        changed = {}
        for field in dataclasses.fields(self):
            array = getattr(self, field.name).copy()
            array[lanes[chosen]] = getattr(others, field.name)[chosen]
            changed[field.name] = array
        return Minima(**changed)


def pad_rows(values: np.ndarray, fill: float | None = None) -> np.ndarray:
    """Pad the last axis to a class of sizes, with `fill` or the first value repeated."""
    extra = -values.shape[-1] % _ROWS
    first = values[..., :1] if fill is None else np.full_like(values[..., :1], fill)
    return np.concatenate([values, *[first] * extra], axis=-1)


def minimise(
    problem: Problem,
    lanes: Lanes,
    *,
    search_steps: int = 0,
    polish: bool = True,
    most_passes: int = 8,
    is_worth_it: Callable[[Minima], np.ndarray] = lambda minima: np.ones(len(minima.costs), bool),
) -> Minima:
    """Minimise every lane.

    Args:
        problem: what they have in common.
        lanes: their starts and weights.
        search_steps: steps of Optax before the polish.
        polish: whether Gauss-Newton and Newton steps follow.
        most_passes: how often lanes that are not done are taken up again.
        is_worth_it: which lanes to take up again after the second pass.

    Returns:
        The end of each lane, in order; where a lane never had a finite cost, that cost is infinite.
    """
    vectors = np.array(lanes.vectors)
    if search_steps:
        searched = Minima(*in_blocks(problem, lanes, functools.partial(_search, search_steps)))
        if not polish:
            return searched
        vectors = searched.vectors
    costs = np.full(len(vectors), np.inf)
    gradients = np.full(len(vectors), np.inf)
    todo = np.arange(len(vectors))
    for number in range(most_passes):
        rest = take(problem, dataclasses.replace(lanes, vectors=vectors), todo)
        vectors[todo], costs[todo], gradients[todo] = in_blocks(problem, rest, _polish)
        minima = Minima(vectors, costs, gradients)
        again = ~minima.converged & np.isfinite(costs)
        if number:
            again &= is_worth_it(minima)
        todo = np.flatnonzero(again)
        if not len(todo):
            break
    return Minima(vectors, costs, gradients)


def take(problem: Problem, lanes: Lanes, chosen: np.ndarray) -> Lanes:
    """Some lanes of a batch."""
    frozen = lanes.frozen
    if problem.paired:
        frozen = jax.tree.map(lambda leaf: np.asarray(leaf)[chosen], frozen)
    return Lanes(np.asarray(lanes.vectors)[chosen], np.asarray(lanes.weights)[chosen], frozen)


def in_blocks(problem: Problem, lanes: Lanes, program: Any) -> list[np.ndarray]:
    """Run a compiled program on all lanes, block by block.

    Args:
        problem: what the lanes have in common.
        lanes: any number of them; the last is repeated to fill a block.
        program: `program(problem, lanes)` gives arrays with a leading axis over the lanes.

    Returns:
        The program's arrays for all lanes.
    """
    num_lanes, num_free = lanes.vectors.shape
    size = _BLOCK
    while size > 1 and size * num_free * lanes.weights.shape[1] > _CELLS:
        size //= 2
    ended = []
    for first in range(0, num_lanes, size):
        chosen = np.minimum(np.arange(first, first + size), num_lanes - 1)
        block = program(problem, take(problem, lanes, chosen))
        ended.append([np.asarray(leaf)[: num_lanes - first] for leaf in block])
    return [np.concatenate(parts) for parts in zip(*ended, strict=True)]


def map_lanes(problem: Problem, lanes: Lanes, function: Any) -> Any:
    """`function(vector, weights, frozen)` of every lane."""
    axes = (0, 0, 0 if problem.paired else None)
    return jax.vmap(function, in_axes=axes)(lanes.vectors, lanes.weights, lanes.frozen)


@functools.partial(jax.jit, static_argnums=0)
def _search(num_steps: int, problem: Problem, lanes: Lanes) -> tuple[Any, Any, Any]:
    """Adam with a rate that falls to zero, so that it settles even on Huber's kinks."""
    optimiser = optax.adam(optax.cosine_decay_schedule(0.1, num_steps))

    def gradient(vectors: Any) -> tuple[Any, Any]:
        now = dataclasses.replace(lanes, vectors=vectors)
        return map_lanes(problem, now, jax.value_and_grad(problem.cost))

    def step(carry: Any, _: None) -> tuple[Any, None]:
        vectors, state = carry
        slope = gradient(vectors)[1]
        updates, state = optimiser.update(jnp.where(jnp.isfinite(slope), slope, 0.0), state)
        return (optax.apply_updates(vectors, updates), state), None

    start = (lanes.vectors, optimiser.init(lanes.vectors))
    (vectors, _), _ = jax.lax.scan(step, start, length=num_steps)
    costs, slopes = gradient(vectors)
    return vectors, costs, jnp.linalg.norm(slopes, axis=-1)


def _polish(problem: Problem, lanes: Lanes) -> tuple[Any, Any, Any]:
    near = _descend(_gauss_newton, 40, 1e-2, problem, lanes)
    return _descend(_newton, 25, 1e-4, problem, dataclasses.replace(lanes, vectors=near[0]))


def _gauss_newton(problem: Problem, vector: Any, weights: Any, frozen: Any) -> tuple[Any, Any, Any]:
    """Cost, gradient and the curvature of the cost with its kinks smoothed.

    A run's cost is replaced by the parabola that touches it on both sides: of curvature
    `slope / residual`, which for Huber's cost lies above it everywhere.
    """
    basis = jnp.eye(len(vector), dtype=vector.dtype)
    residuals, jacobian = jax.vmap(
        lambda tangent: jax.jvp(lambda v: problem.residuals(v, frozen), (vector,), (tangent,)),
        out_axes=(None, 0),
    )(basis)
    slope = jax.grad(lambda r: jnp.sum(problem.objective.costs(r)))
    slopes, curvature_at_zero = jax.jvp(slope, (residuals,), (jnp.ones_like(residuals),))
    is_zero = residuals == 0
    curvature = jnp.where(is_zero, curvature_at_zero, slopes / jnp.where(is_zero, 1.0, residuals))
    unit = problem.objective.slope()
    cost = jnp.sum(weights * problem.objective.costs(residuals)) / unit
    return (
        cost,
        jacobian @ (weights * slopes) / unit,
        (jacobian * (weights * curvature / unit)[None]) @ jacobian.T,
    )


def _newton(problem: Problem, vector: Any, weights: Any, frozen: Any) -> tuple[Any, Any, Any]:
    """Cost, gradient and Hessian."""
    evaluate = jax.value_and_grad(lambda v: problem.cost(v, weights, frozen))
    (cost, gradient), (_, hessian) = jax.vmap(
        lambda tangent: jax.jvp(evaluate, (vector,), (tangent,)), out_axes=((None, None), (0, 0))
    )(jnp.eye(len(vector), dtype=vector.dtype))
    return cost, gradient, hessian


@functools.partial(jax.jit, static_argnums=(0, 1))
def _descend(
    model: Any, num_steps: int, damping: float, problem: Problem, lanes: Lanes
) -> tuple[Any, Any, Any]:
    """Levenberg-Marquardt steps on a quadratic model, each lane with its own damping.

    A step is taken where it lowers the cost, or, once the cost no longer tells, the gradient.
    """
    num_lanes, num_free = lanes.vectors.shape
    dtype = lanes.vectors.dtype

    def step(state: Any) -> Any:
        trial, vector, cost, gradient, curvature, damping, count = state
        evaluated = map_lanes(
            problem, dataclasses.replace(lanes, vectors=trial), functools.partial(model, problem)
        )
        margin = _ROUNDING * jnp.abs(cost)
        norm, trial_norm = (jnp.linalg.norm(g, axis=-1) for g in (gradient, evaluated[1]))
        better = (evaluated[0] < cost - margin) | (
            (evaluated[0] <= cost + margin) & (trial_norm < norm)
        )
        better &= jnp.isfinite(evaluated[0]) & jnp.isfinite(trial_norm)

        def keep(new: Any, old: Any) -> Any:
            return jnp.where(better.reshape((-1,) + (1,) * (new.ndim - 1)), new, old)

        vector = keep(trial, vector)
        cost, gradient, curvature = map(keep, evaluated, (cost, gradient, curvature))
        damping = jnp.where(better, jnp.maximum(damping / 4, 1e-15), jnp.minimum(damping * 5, 1e8))
        diagonal = jnp.abs(jnp.diagonal(curvature, axis1=-2, axis2=-1))
        added = damping[:, None] * diagonal + jnp.finfo(dtype).tiny
        damped = curvature + jax.vmap(jnp.diag)(added)
        move = -jnp.linalg.solve(damped, gradient[..., None])[..., 0]
        move = jnp.where(jnp.isfinite(move), move, 0.0)
        # No coefficient changes by more than a few times its size at once.
        longest = jnp.max(jnp.abs(move) / jnp.maximum(vector, 2.0), axis=-1, keepdims=True)
        move /= jnp.maximum(longest, 1.0)
        return vector + move, vector, cost, gradient, curvature, damping, count + 1

    def goes_on(state: Any) -> Any:
        _, _, _, gradient, _, _, count = state
        waiting = jnp.mean(jnp.linalg.norm(gradient, axis=-1) > TOLERANCE)
        return (count < num_steps) & (waiting > _STRAGGLERS)

    start = (
        lanes.vectors,
        lanes.vectors,
        jnp.full(num_lanes, jnp.inf, dtype),
        jnp.full((num_lanes, num_free), jnp.inf, dtype),
        jnp.zeros((num_lanes, num_free, num_free), dtype),
        jnp.full(num_lanes, damping, dtype),
        0,
    )
    _, vector, cost, gradient, _, _, _ = jax.lax.while_loop(goes_on, step, start)
    return vector, cost, jnp.linalg.norm(gradient, axis=-1)
