"""Which coefficients the runs of a fit determine, and which they leave open."""

import dataclasses

import jax
import numpy as np

from fitting.minimiser.multi_start import NO_GAIN, Minima
from fitting.minimiser.status import Status
from fitting.minimiser.step_directions import along_axes
from fitting.problem.batched_problem import Batch, BatchedProblem
from fitting.problem.objectives import Objective
from fitting.problem.parameters import FreeNumber, Parameters
from jaxlaws.foundations.annotations import Json, Tree
from jaxlaws.foundations.domain_checks import EDGES
from jaxlaws.foundations.text.cards import Card, Displayed, cut
from jaxlaws.foundations.text.tables import Table
from jaxlaws.pytree import Domain
from jaxlaws.saving import numbers_from_json, numbers_to_json

# No loss is measured more precisely than this share of it, whatever the residuals of a fit are.
_LEAST_NOISE = 1e-3
# A direction is flat where its standard error is above this many e-folds of the coefficients: its
# 90% interval then spans more than four decades.
_FLAT = 3.0
# A coefficient this close to an edge of its domain, in centred units, counts as at the edge if
# the whole way to the edge changes no prediction by more than the noise.
_NEAR = 1e-2
# A gradient along a direction below this counts as zero, in units of the pull of one run. Along a
# flat direction, which may lead to infinity, it counts as zero where an e-fold gains less than
# `NO_GAIN`.
_NO_PULL = 1e-3
_LARGEST = 1e200  # larger products of derivatives count as this, so that their sums are finite


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Identifiability(Displayed):
    """The information of the runs and priors about each combination of coefficients.

    It is the curvature of the objective at the fit, by relative changes of the coefficients.

    Attributes:
        names: the free coefficients.
        eigenvalues: information about each direction, ascending, `(num_free,)`: the inverse
            square of its standard error in e-folds of the coefficients (in log odds for those of
            the unit interval). Coefficients are in centred units, bounded ones in the user's
            units. Infinite for a coefficient at an edge.
        directions: a row for each eigenvalue, a column for each name, `(num_free, num_free)`.
        notes: one sentence for each flat direction and each coefficient at an edge.
    """

    names: tuple[str, ...]
    eigenvalues: np.ndarray
    directions: np.ndarray
    notes: tuple[str, ...]

    def _card(self) -> Card:
        rows = []
        for value, direction in zip(self.eigenvalues, self.directions, strict=True):
            largest = np.argsort(-np.abs(direction))[:3]
            parts = [f"{direction[i]:+.2f} {self.names[i]}" for i in largest]
            error = f"{value**-0.5:.2g}" if value > 0 else "not determined"
            rows.append([", ".join(parts), error])
        table = Table(["direction (largest parts)", "standard error (e-folds)"], rows)
        return Card("What the runs say about combinations of coefficients", cut(table), self.notes)

    def to_json(self) -> Json:
        """As a JSON object."""
        return {
            "names": list(self.names),
            "eigenvalues": numbers_to_json(self.eigenvalues),
            "directions": numbers_to_json(self.directions),
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, document: Json) -> "Identifiability":
        """Inverse of `to_json`."""
        return cls(
            names=tuple(document["names"]),
            eigenvalues=numbers_from_json(document["eigenvalues"]),
            directions=numbers_from_json(document["directions"]),
            notes=tuple(document["notes"]),
        )


@dataclasses.dataclass(frozen=True, eq=False)
class Judgement:
    """How the entries of a batch ended, and the measurements behind that.

    Attributes:
        status: `Status` of each entry, `(num_entries,)`.
        eigenvalues: as in `Identifiability`, `(num_entries, num_free)`.
        directions: as in `Identifiability`, `(num_entries, num_free, num_free)`.
        at_edge: -1 for a coefficient at its lower edge, 1 at its upper edge, else 0,
            `(num_entries, num_free)`.
        parameters: the free coefficients.
    """

    status: np.ndarray
    eigenvalues: np.ndarray
    directions: np.ndarray
    at_edge: np.ndarray
    parameters: Parameters

    def describe(self, entry: int = 0) -> Identifiability:
        """The identifiability of one entry, with notes in words."""
        names = self.parameters.names
        eigenvalues, directions = self.eigenvalues[entry], self.directions[entry]
        notes = [
            _edge_in_words(number, side)
            for number, side in zip(self.parameters.free, self.at_edge[entry], strict=True)
            if side
        ]
        notes += [_flat_in_words(names, each) for each in directions[_is_flat(eigenvalues)]]
        return Identifiability(names, eigenvalues, directions, tuple(notes))


def noise_of(residuals: np.ndarray, outcome: float = 1.0) -> float:
    """A robust standard deviation of the finite residuals, at least 0.001 of a typical outcome.

    Args:
        residuals: `(num_rows,)`.
        outcome: a typical outcome in the unit of the residuals; 1 for residuals of logarithms.
    """
    sizes, least = np.abs(residuals[np.isfinite(residuals)]), _LEAST_NOISE * outcome
    return max(1.4826 * float(np.median(sizes)), least) if len(sizes) else least


def typical_outcome(objective: Objective, observed: np.ndarray) -> float:
    """The median outcome in the unit of the residuals, such as 1 for residuals of logarithms."""
    slopes = jax.vmap(jax.grad(objective.residuals))(observed, observed)
    size = float(np.median(np.abs(np.asarray(slopes) * observed)))
    return size if np.isfinite(size) and size > 0 else 1.0


def judge(problem: BatchedProblem, batch: Batch, minima: Minima, noise: float) -> Judgement:
    """Judge the end of every entry.

    Args:
        problem: what the entries have in common.
        batch: the entries; their vectors are not used.
        minima: where they ended.
        noise: standard deviation of the residuals.
    """
    units, prior_information = _restraints(problem, batch.at(minima.vectors))
    per_fold, side, to_edge = _measures(problem.parameters, minima.vectors, units)
    near = np.where(side != 0, to_edge, 0.0)  # infinite where there is no edge
    at_edge = (side != 0) & (minima.largest_derivatives * near < noise)
    finite = np.isfinite(minima.costs) & np.all(np.isfinite(minima.gram), axis=(-1, -2))
    inside = ~at_edge[:, :, None] & ~at_edge[:, None, :] & finite[:, None, None]
    information = np.where(inside, np.clip(minima.gram, -_LARGEST, _LARGEST), 0.0) / noise**2
    information = np.where(inside, information + prior_information, 0.0)
    eigenvalues, columns = np.linalg.eigh(information * per_fold[:, :, None] * per_fold[:, None, :])
    directions = np.swapaxes(columns, -1, -2)
    of_edges = np.sum(directions**2 * at_edge[:, None, :], axis=-1) > 0.5
    eigenvalues = np.where(of_edges, np.inf, np.maximum(eigenvalues, 0.0))
    is_flat = _is_flat(eigenvalues)
    flat = is_flat.any(axis=-1)
    # Change of the cost by an e-fold along each direction, and the largest that counts as zero.
    gradients = minima.gradients
    if problem.basis is not None:
        gradients = along_axes(problem.basis, gradients)
    slopes = np.where(finite[:, None], gradients, 0.0) * per_fold
    gains = np.abs(np.sum(directions * slopes[:, None, :], axis=-1))
    pulled = _NO_PULL * noise * np.sqrt(np.where(of_edges, 0.0, eigenvalues))
    nothing = NO_GAIN * minima.costs[:, None]
    settled = np.all(gains <= np.where(is_flat | of_edges, nothing, pulled), axis=-1)
    settled |= minima.is_settled
    status = np.full(finite.shape, Status.CONVERGED)
    for applies, value in (
        (at_edge.any(axis=-1), Status.ON_BOUND),
        (flat, Status.FLAT_DIRECTION),
        (~minima.converged & ~(flat & settled), Status.NOT_CONVERGED),
        (~finite, Status.NON_FINITE),
    ):
        status[applies] = value
    return Judgement(status, eigenvalues, directions, side * at_edge, problem.parameters)


def _restraints(
    problem: BatchedProblem, batch: Batch
) -> tuple[np.ndarray | float, np.ndarray | float]:
    """Units of the free coefficients, needed for bounds, and the information of the priors."""
    if not problem.has_deviations and not any(n.has_bounds for n in problem.parameters.free):
        return 1.0, 0.0
    units, information = _units_and_prior_information(problem, batch)
    return np.asarray(units), np.asarray(information)


@jax.jit
def _units_and_prior_information(problem: BatchedProblem, batch: Batch) -> Tree:
    return batch.map(problem, problem.units_and_prior_information)


def _is_flat(eigenvalues: np.ndarray) -> np.ndarray:
    return eigenvalues < 1 / _FLAT**2


def _edge_in_words(number: FreeNumber, side: int) -> str:
    end = 0 if side < 0 else 1
    edge = number.edges[end]
    if edge == EDGES[number.domain][end]:
        return (
            f"the runs do not distinguish {number.name} from {edge:g}, the edge of its domain: do "
            "not interpret its value; use a law without it, or add runs or a prior"
        )
    return (
        f"{number.name} ended on its {('lower', 'upper')[end]} bound, {edge:g}: the runs prefer a "
        "value outside the bounds; check the bounds"
    )


def _flat_in_words(names: tuple[str, ...], direction: np.ndarray) -> str:
    order = np.argsort(-np.abs(direction))
    moved = [i for i in order if abs(direction[i]) > 0.1]
    if len(moved) == 1:
        return (
            f"the runs do not determine {names[moved[0]]}: it does not change the predictions; "
            "freeze it, or add runs or a prior"
        )
    together = ", ".join(f"{names[i]} {'up' if direction[i] > 0 else 'down'}" for i in moved)
    return (
        f"the runs do not determine these coefficients separately: {together} together leave the "
        "predictions unchanged; use the predictions, or freeze one of them"
    )


def _measures(
    parameters: Parameters, vectors: np.ndarray, units: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Measure each unconstrained number against its coefficient.

    Returns:
        The change of the number for one e-fold of its coefficient; the edge that the coefficient
        is near (-1 lower, 1 upper, 0 none); and the linear estimate of the change of the number
        that takes the coefficient to the edge. All are `(num_entries, num_free)`.
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
