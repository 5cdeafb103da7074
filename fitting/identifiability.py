"""What a fit's runs tell about its coefficients, and what they leave open."""

import dataclasses

import numpy as np

from fitting.minimiser import Minima
from fitting.parameters import Parameters
from fitting.status import Status
from jaxlaws.pytree import Domain

# No measured loss is good to better than this, whatever the residuals of a fit say.
_LEAST_NOISE = 1e-3
# A direction is flat where its standard error passes this many e-folds of the coefficients: its
# 90% interval then spans more than four decades.
_FLAT = 3.0
# A coefficient this close to an edge of its domain, in centred units, sits there if taking it
# to the edge would move no prediction by more than the noise.
_NEAR = 1e-2
# A gradient along a direction counts as none below this, in pulls of one run; along a flat one,
# which may lead to infinity, where an e-fold gains less than this share of the objective.
_NO_PULL = 0.1
_NO_GAIN = 1e-3


@dataclasses.dataclass(frozen=True, eq=False)
class Identifiability:
    """The curvature of the fit at its end, by relative changes of the coefficients.

    Attributes:
        names: the free coefficients.
        eigenvalues: `(num_free,)` ascending: information about each direction, which is the
            inverse square of its standard error in e-folds of the coefficients (in centred
            units; log odds for those of the unit interval). Infinite for one at an edge.
        directions: `(num_free, num_free)`, a row for each eigenvalue, a column for each name.
        notes: what is flat or at an edge, in words.
    """

    names: tuple[str, ...]
    eigenvalues: np.ndarray
    directions: np.ndarray
    notes: tuple[str, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class Judgement:
    """How lanes ended, and what that rests on.

    Attributes:
        status: `Status` of each lane, `(num_lanes,)`.
        eigenvalues: as in `Identifiability`, `(num_lanes, num_free)`.
        directions: `(num_lanes, num_free, num_free)`.
        at_edge: which coefficients are at the edge of their domain, `(num_lanes, num_free)`.
    """

    status: np.ndarray
    eigenvalues: np.ndarray
    directions: np.ndarray
    at_edge: np.ndarray

    def describe(self, names: tuple[str, ...], lane: int = 0) -> Identifiability:
        """One lane's, with words."""
        eigenvalues, directions = self.eigenvalues[lane], self.directions[lane]
        notes = [
            f"{name} cannot be told from the edge of its domain"
            for name, at in zip(names, self.at_edge[lane], strict=True)
            if at
        ]
        for direction in directions[_is_flat(eigenvalues)]:
            order = np.argsort(-np.abs(direction))
            moved = [i for i in order if abs(direction[i]) > 0.1]
            told = ", ".join(f"{names[i]} {'up' if direction[i] > 0 else 'down'}" for i in moved)
            notes.append(
                f"{names[moved[0]]} does not move the predictions"
                if len(moved) == 1
                else f"these trade off without moving the predictions: {told}"
            )
        return Identifiability(names, eigenvalues, directions, tuple(notes))


def noise_of(residuals: np.ndarray) -> float:
    """A robust standard deviation of residuals; the least that there can be if none is finite."""
    sizes = np.abs(residuals[np.isfinite(residuals)])
    return max(1.4826 * float(np.median(sizes)), _LEAST_NOISE) if len(sizes) else _LEAST_NOISE


def judge(parameters: Parameters, minima: Minima, noise: float) -> Judgement:
    """Judge the end of every lane.

    Args:
        parameters: of the lanes' vectors.
        minima: where they ended.
        noise: standard deviation of the residuals.
    """
    per_fold, near_edge = _measures(parameters, minima.vectors)
    at_edge = near_edge & (minima.moves * per_fold < noise)
    finite = np.isfinite(minima.costs) & np.all(np.isfinite(minima.gram), axis=(-1, -2))
    inside = ~at_edge[:, :, None] & ~at_edge[:, None, :] & finite[:, None, None]
    gram = np.where(inside, minima.gram, 0.0) * per_fold[:, :, None] * per_fold[:, None, :]
    eigenvalues, columns = np.linalg.eigh(gram / noise**2)
    directions = np.swapaxes(columns, -1, -2)
    of_edges = np.sum(directions**2 * at_edge[:, None, :], axis=-1) > 0.5
    eigenvalues = np.where(of_edges, np.inf, np.maximum(eigenvalues, 0.0))
    is_flat = _is_flat(eigenvalues)
    flat = is_flat.any(axis=-1)
    # Change of the cost by an e-fold along each direction, and the most that counts as none.
    slopes = np.where(finite[:, None], minima.gradients, 0.0) * per_fold
    gains = np.abs(np.sum(directions * slopes[:, None, :], axis=-1))
    pulled = _NO_PULL * noise * np.sqrt(np.where(of_edges, 0.0, eigenvalues))
    nothing = _NO_GAIN * minima.costs[:, None]
    settled = np.all(gains <= np.where(is_flat | of_edges, nothing, pulled), axis=-1)
    status = np.full(finite.shape, Status.CONVERGED)
    for applies, told in (
        (at_edge.any(axis=-1), Status.ON_BOUND),
        (flat, Status.FLAT_DIRECTION),
        (~minima.converged & ~(flat & settled), Status.NOT_CONVERGED),
        (~finite, Status.NON_FINITE),
    ):
        status[applies] = told
    return Judgement(status, eigenvalues, directions, at_edge)


def _is_flat(eigenvalues: np.ndarray) -> np.ndarray:
    return eigenvalues < 1 / _FLAT**2


def _measures(parameters: Parameters, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far each unconstrained number moves while its coefficient changes by one e-fold.

    Also which coefficients are near an edge of their domain; both `(num_lanes, num_free)`.
    """
    per_fold = np.ones(vectors.shape)
    near_edge = np.zeros(vectors.shape, dtype=bool)
    for i, (_, domain) in enumerate(parameters.free):
        number = vectors[:, i]
        if domain is Domain.POSITIVE:
            softplus = np.logaddexp(number, 0.0)
            per_fold[:, i] = softplus * (1 + np.exp(np.minimum(-number, 700.0)))
            near_edge[:, i] = softplus < _NEAR
        elif domain is Domain.UNIT_INTERVAL:
            near_edge[:, i] = np.abs(number) > -np.log(_NEAR)
        else:
            per_fold[:, i] = np.maximum(np.abs(number), 1e-3)
    return per_fold, near_edge
