"""Directions for the steps of a minimiser in which a law is well conditioned near a point."""

import numpy as np

from fitting.minimiser.multi_start import linearised_residuals
from fitting.problem.batched_problem import Batch, BatchedProblem
from fitting.problem.objectives import Squares

_SHORTEST = 1e-100  # relative length of a column: shorter ones are rounding
_NO_EFFECT = 1e-30  # of the residuals, by a change of a number by its own size
_LEAST = 1e-8  # relative singular value; changes along smaller ones are not made larger


def suitable_directions(
    problem: BatchedProblem, entry: Batch, *, all_move: bool = False
) -> np.ndarray:
    """Directions along which a unit step changes the residuals by one unit, and independently.

    The unit is 1 for log residuals, and the size of the outcomes for residuals in units of the loss,
    so that a small gradient means the same for outcomes of all sizes.

    They are the right singular vectors of the Jacobian of the residuals. A minimiser that steps
    along them needs no units of the coefficients, and solves problems with a condition number up to
    1e8 as least squares does.

    A number that cannot change the residuals, such as the exponent of a term that vanishes, does
    not move: its steps would be so long that the others could hardly move.

    Args:
        problem: the problem.
        entry: a batch with one entry, at whose vector the directions are suitable.
        all_move: whether all numbers move.

    Returns:
        The directions, a column each, `(num_free, num_free)`.
    """
    root = np.sqrt(np.asarray(entry.weights[0]))
    (residuals,), (derivatives,) = linearised_residuals(problem, entry)
    jacobian = (derivatives * root).T
    jacobian = np.where(np.isfinite(jacobian), jacobian, 0.0)
    lengths = np.linalg.norm(jacobian, axis=0)
    by_itself = lengths * np.maximum(np.abs(np.asarray(entry.vectors[0])), 1.0)
    moves = all_move | (by_itself >= _NO_EFFECT * np.linalg.norm(residuals * root))
    jacobian = np.where(moves, jacobian, 0.0)
    lengths = np.maximum(lengths, _SHORTEST * lengths.max()) if lengths.any() else lengths + 1
    _, singular, rows = np.linalg.svd(jacobian / lengths, full_matrices=False)
    singular = np.maximum(singular, _LEAST * singular[0]) if singular[0] > 0 else singular + 1
    objective = problem.objective
    unit = objective.size_of_outcomes() if isinstance(objective, Squares) else 1.0
    return np.where(moves[:, None], (rows.T / lengths[:, None]) / singular * unit, 0.0)


def along_axes(basis: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Gradients along the axes, from those along directions, both `(num_entries, num_free)`.

    Args:
        basis: the directions, a column each, `(num_free, num_free)`.
        gradients: along the directions; those that are not finite count as zero.
    """
    gradients = np.where(np.isfinite(gradients), gradients, 0.0)
    # Directions can have very different lengths along the axes, and lengths of their own.
    axes = np.max(np.abs(basis), axis=1)
    axes = np.where(axes > 0, axes, 1.0)
    lengths = np.max(np.abs(basis / axes[:, None]), axis=0)
    lengths = np.where(lengths > 0, lengths, 1.0)
    scaled = basis / axes[:, None] / lengths[None]
    return np.linalg.lstsq(scaled.T, (gradients / lengths).T)[0].T / axes
