"""What a fit's runs tell about its coefficients, and what they leave open."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fitting.minimiser import Lanes, Minima, Problem, in_blocks, map_lanes
from fitting.status import Status
from jaxlaws.pytree import Domain

# No measured loss is good to better than this, whatever the residuals of a fit say.
_LEAST_NOISE = 1e-3
# A direction is flat where its standard error passes this, in e-folds: a 90% interval that
# spans more than four decades.
FLAT = 3.0
_AT_EDGE = 1e-6


@dataclasses.dataclass(frozen=True, eq=False)
class Identifiability:
    """The curvature of the fit at its end, in relative changes of the coefficients.

    Attributes:
        names: the free coefficients.
        eigenvalues: `(num_free,)` ascending: information about each direction, the inverse square
            of its standard error in e-folds (relative change) of the coefficients, which are
            measured in centred units.
        directions: `(num_free, num_free)`, a row for each eigenvalue, a column for each name.
        notes: the same in words.
    """

    names: tuple[str, ...]
    eigenvalues: np.ndarray
    directions: np.ndarray
    notes: tuple[str, ...] = ()


@jax.jit
def curvature(problem: Problem, lanes: Lanes) -> tuple[Any, Any, Any]:
    """What tells how well each lane's coefficients are known.

    Returns:
        Residuals `(num_lanes, num_rows)`; the matrix `J.T J` of their derivatives by the relative
        change of each coefficient, `(num_lanes, num_free, num_free)`; and the largest such
        derivative of each coefficient, `(num_lanes, num_free)`.
    """

    def one(vector: Any, weights: Any, frozen: Any) -> tuple[Any, Any, Any]:
        residuals, jacobian = jax.vmap(
            lambda tangent: jax.jvp(lambda v: problem.residuals(v, frozen), (vector,), (tangent,)),
            out_axes=(None, 0),
        )(jnp.eye(len(vector), dtype=vector.dtype))
        steps = jnp.stack(
            [_step(domain, vector[i]) for i, (_, domain) in enumerate(problem.parameters.free)]
        )
        jacobian *= steps[:, None]
        moves = jnp.max(jnp.abs(jacobian) * (weights > 0)[None], axis=1)
        return residuals, (jacobian * weights[None]) @ jacobian.T, moves

    return map_lanes(problem, lanes, one)


def _step(domain: Domain, number: Any) -> Any:
    """How far the unconstrained number moves while its coefficient changes by one e-fold."""
    if domain is Domain.POSITIVE:
        return jax.nn.softplus(number) / jax.nn.sigmoid(number)
    if domain is Domain.UNIT_INTERVAL:
        return 1.0
    return jnp.maximum(jnp.abs(number), 1e-3)


def at_edge(problem: Problem, coefficients: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Which coefficients sit at the edge of their domain, `(..., num_free)`.

    There the coefficient is close to the edge and the predictions do not feel it any more.
    """
    near = np.zeros(coefficients.shape, dtype=bool)
    for i, (_, domain) in enumerate(problem.parameters.free):
        value = coefficients[..., i]
        if domain is Domain.POSITIVE:
            near[..., i] = value < _AT_EDGE
        elif domain is Domain.UNIT_INTERVAL:
            near[..., i] = np.minimum(value, 1 - value) < _AT_EDGE
    return near & (moves < _AT_EDGE)


def information(
    matrix: np.ndarray, noise: float, edges: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues (ascending) and directions (rows) of the information about the coefficients.

    Args:
        matrix: `J.T J` of `curvature`, `(..., num_free, num_free)`.
        noise: standard deviation of the residuals.
        edges: coefficients at an edge, `(..., num_free)`; nothing is open about them, and they
            are left out (their own eigenvalue is infinite).
    """
    inside = ~edges[..., :, None] & ~edges[..., None, :]
    values, vectors = np.linalg.eigh(np.where(inside, matrix / noise**2, 0.0))
    vectors = np.swapaxes(vectors, -1, -2)
    of_edges = np.sum(vectors**2 * edges[..., None, :], axis=-1) > 0.5
    return np.where(of_edges, np.inf, np.maximum(values, 0.0)), vectors


@dataclasses.dataclass(frozen=True, eq=False)
class Judgement:
    """How lanes ended: `Status` of each, and what it rests on."""

    status: np.ndarray
    residuals: np.ndarray
    eigenvalues: np.ndarray
    directions: np.ndarray
    edges: np.ndarray
    noise: float


def judge(problem: Problem, lanes: Lanes, minima: Minima, noise: float | None = None) -> Judgement:
    """Judge the end of every lane.

    Args:
        problem: what the lanes have in common.
        lanes: their weights and frozen coefficients.
        minima: where they ended.
        noise: standard deviation of the residuals; None: estimated, robustly, from the first lane.
    """
    ended = dataclasses.replace(lanes, vectors=minima.vectors)
    residuals, matrix, moves = in_blocks(problem, ended, curvature)
    if noise is None:
        size = np.abs(residuals[0][lanes.weights[0] > 0])
        noise = max(1.4826 * float(np.median(size)), _LEAST_NOISE)
    edges = at_edge(problem, np.asarray(problem.parameters.coefficients(minima.vectors)), moves)
    finite = np.isfinite(minima.costs) & np.all(np.isfinite(matrix), axis=(-1, -2))
    eigenvalues, directions = information(
        np.where(finite[:, None, None], matrix, 0.0), noise, edges
    )
    flat = np.min(eigenvalues, axis=-1) < 1.0 / FLAT**2
    status = np.full(len(edges), Status.CONVERGED)
    for applies, told in (
        (edges.any(axis=-1), Status.ON_BOUND),
        (flat, Status.FLAT_DIRECTION),
        (~minima.converged & ~flat, Status.NOT_CONVERGED),
        (~finite, Status.NON_FINITE),
    ):
        status[applies] = told
    return Judgement(status, residuals, eigenvalues, directions, edges, noise)


def in_words(
    names: tuple[str, ...], eigenvalues: np.ndarray, directions: np.ndarray, edges: np.ndarray
) -> tuple[str, ...]:
    """The flat directions and the coefficients at an edge, of one lane."""
    notes = [
        f"{name} is at the edge of its domain" for name, at in zip(names, edges, strict=True) if at
    ]
    for value, direction in zip(eigenvalues, directions, strict=True):
        if value >= 1.0 / FLAT**2:
            continue
        moved = [
            f"{name} {'up' if part > 0 else 'down'}"
            for name, part in sorted(
                zip(names, direction, strict=True), key=lambda pair: -abs(pair[1])
            )
            if abs(part) > 0.1
        ]
        notes.append(
            f"{moved[0].split()[0]} does not move the predictions"
            if len(moved) == 1
            else f"these trade off without moving the predictions: {', '.join(moved)}"
        )
    return tuple(notes)
