"""What a fit's runs tell about its coefficients, and what they leave open."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from fitting.minimiser.multi_start import Minima
from fitting.minimiser.status import Status
from fitting.problem.bijections import EDGES
from fitting.problem.parameters import Number, Parameters
from jaxlaws.pytree import Domain
from jaxlaws.saving import numbers_from_json, numbers_to_json

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

    What priors tell is counted with what the runs do. Of a bounded coefficient changes are in the
    user's units.

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

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "names": list(self.names),
            "eigenvalues": numbers_to_json(self.eigenvalues),
            "directions": numbers_to_json(self.directions),
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Identifiability":
        """Inverse of `to_json`."""
        return cls(
            names=tuple(document["names"]),
            eigenvalues=numbers_from_json(document["eigenvalues"]),
            directions=numbers_from_json(document["directions"]),
            notes=tuple(document["notes"]),
        )


@dataclasses.dataclass(frozen=True, eq=False)
class Judgement:
    """How lanes ended, and what that rests on.

    Attributes:
        status: `Status` of each lane, `(num_lanes,)`.
        eigenvalues: as in `Identifiability`, `(num_lanes, num_free)`.
        directions: `(num_lanes, num_free, num_free)`.
        at_edge: which coefficients are at their lower (-1) or upper (1) edge, 0 for none,
            `(num_lanes, num_free)`.
        parameters: whose they are.
    """

    status: np.ndarray
    eigenvalues: np.ndarray
    directions: np.ndarray
    at_edge: np.ndarray
    parameters: Parameters

    def describe(self, lane: int = 0) -> Identifiability:
        """One lane's, with words."""
        names = self.parameters.names
        eigenvalues, directions = self.eigenvalues[lane], self.directions[lane]
        notes = [
            _edge_in_words(number, side)
            for number, side in zip(self.parameters.free, self.at_edge[lane], strict=True)
            if side
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


def judge(
    parameters: Parameters,
    minima: Minima,
    noise: float,
    units: Any = 1.0,
    known: Any = 0.0,
) -> Judgement:
    """Judge the end of every lane.

    Args:
        parameters: of the lanes' vectors.
        minima: where they ended.
        noise: standard deviation of the residuals.
        units: of each free number's coefficient, `(num_lanes, num_free)`; see `Problem.told`.
        known: information from priors, `(num_lanes, num_free, num_free)`.
    """
    per_fold, side, to_edge = _measures(parameters, minima.vectors, units)
    near = np.where(side != 0, to_edge, 0.0)  # infinite where there is no edge
    at_edge = (side != 0) & (minima.moves * near < noise)
    finite = np.isfinite(minima.costs) & np.all(np.isfinite(minima.gram), axis=(-1, -2))
    inside = ~at_edge[:, :, None] & ~at_edge[:, None, :] & finite[:, None, None]
    told = np.where(inside, minima.gram / noise**2 + known, 0.0)
    eigenvalues, columns = np.linalg.eigh(told * per_fold[:, :, None] * per_fold[:, None, :])
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
    return Judgement(status, eigenvalues, directions, side * at_edge, parameters)


def _is_flat(eigenvalues: np.ndarray) -> np.ndarray:
    return eigenvalues < 1 / _FLAT**2


def _edge_in_words(number: Number, side: int) -> str:
    end = 0 if side < 0 else 1
    if number.edges[end] == EDGES[number.domain][end]:
        return f"{number.name} cannot be told from the edge of its domain"
    return f"{number.name} ended on its {('lower', 'upper')[end]} bound, {number.edges[end]:g}"


def _measures(
    parameters: Parameters, vectors: np.ndarray, units: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How far each unconstrained number moves while its coefficient changes by one e-fold.

    Also the edge that its coefficient is near (-1 lower, 1 upper, 0 none) and how far, at the
    present slope, the number would move to take it there; all `(num_lanes, num_free)`.
    """
    units = np.broadcast_to(units, vectors.shape)
    per_fold, to_edge = np.empty(vectors.shape), np.empty(vectors.shape)
    side = np.zeros(vectors.shape, dtype=int)
    for i, number in enumerate(parameters.free):
        vector = vectors[:, i]
        low, high = (edge / units[:, i] for edge in number.edges)
        rising, falling = (1 / (1 + np.exp(np.clip(v, -700, 700))) for v in (-vector, vector))
        has_low, has_high = np.isfinite(number.edges)
        value, slope, size = vector, 1.0, 1.0
        below = above = np.full(len(vector), np.inf)
        if has_low and has_high:
            size = high - low
            below, above, slope = size * rising, size * falling, size * rising * falling
            value = low + below
        elif has_low:
            below, slope = np.logaddexp(vector, 0.0), rising
            value = low + below
        elif has_high:
            above, slope = np.logaddexp(-vector, 0.0), falling
            value = high - above
        nearest = np.minimum(below, above)
        side[:, i] = np.where(nearest < _NEAR * size, np.where(below < above, -1, 1), 0)
        to_edge[:, i] = nearest / slope
        per_fold[:, i] = _fold(number.domain, value) / slope
    return per_fold, side, to_edge


def _fold(domain: Domain, value: np.ndarray) -> np.ndarray:
    """The change of a coefficient that counts as one e-fold of it."""
    if domain is Domain.POSITIVE:
        return value
    if domain is Domain.UNIT_INTERVAL:
        return value * (1 - value)
    return np.maximum(np.abs(value), 1e-3)
