"""Directions for the steps of a minimiser in which a law is well conditioned near a point."""

import numpy as np

from fitting.minimiser.multi_start import jacobians_of
from fitting.problem.batched_problem import Batch, BatchedProblem

_SHORTEST = 1e-100  # relative length of a column: shorter ones are rounding
_LEAST = 1e-8  # relative singular value; changes along smaller ones are not made larger


def suitable_directions(problem: BatchedProblem, entry: Batch) -> np.ndarray:
    """Directions along which a unit step changes the residuals by one, and independently.

    They are the right singular vectors of the Jacobian of the residuals. A minimiser that steps
    along them needs no units of the coefficients, and solves problems with a condition number up to
    1e8 as least squares does.

    Args:
        problem: the problem.
        entry: a batch with one entry, at whose vector the directions are suitable.

    Returns:
        The directions, a column each, `(num_free, num_free)`.
    """
    weights = np.asarray(entry.weights[0])
    jacobian = (jacobians_of(problem, entry)[0] * np.sqrt(weights)).T
    jacobian = np.where(np.isfinite(jacobian), jacobian, 0.0)
    lengths = np.linalg.norm(jacobian, axis=0)
    lengths = np.maximum(lengths, _SHORTEST * lengths.max()) if lengths.any() else lengths + 1
    _, singular, rows = np.linalg.svd(jacobian / lengths, full_matrices=False)
    singular = np.maximum(singular, _LEAST * singular[0]) if singular[0] > 0 else singular + 1
    return (rows.T / lengths[:, None]) / singular


def along_axes(basis: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Gradients along the axes, from those along directions, both `(num_entries, num_free)`.

    Args:
        basis: the directions, a column each, `(num_free, num_free)`.
        gradients: along the directions; those that are not finite count as zero.
    """
    gradients = np.where(np.isfinite(gradients), gradients, 0.0)
    # Directions can have very different lengths along the axes, and lengths of their own.
    axes = np.max(np.abs(basis), axis=1)
    lengths = np.max(np.abs(basis / axes[:, None]), axis=0)
    scaled = basis / axes[:, None] / lengths[None]
    return np.linalg.lstsq(scaled.T, (gradients / lengths).T)[0].T / axes
