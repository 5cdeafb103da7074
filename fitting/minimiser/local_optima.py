"""Other optima of a fit: optima besides the best one at which many starts converged."""

import dataclasses
from collections.abc import Mapping

import jax
import numpy as np

from fitting.minimiser.identifiability import judge
from fitting.minimiser.multi_start import Minima, laws_of
from fitting.minimiser.status import Status
from fitting.problem.batched_problem import Batch, BatchedProblem
from fitting.problem.coefficient_names import value_of
from fitting.problem.parameters import FreeNumber
from jaxlaws.foundations.annotations import Json
from jaxlaws.foundations.law import Law
from jaxlaws.foundations.quantities import plain_number
from jaxlaws.foundations.text.cards import Card, Displayed, cut
from jaxlaws.foundations.text.tables import Table
from jaxlaws.saving import law_from_json, law_to_json, numbers_from_json, numbers_to_json

SAME_OBJECTIVE = 1e-4  # relative difference; objectives this close give the same predictions
_NOTABLE = 0.05  # share of the starts; an optimum of fewer starts is not reported
_DIFFERENT = 0.05  # relative difference of a coefficient
NO_COST = 1e-12  # for each run: smaller differences of the cost are rounding


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Optimum(Displayed):
    """An optimum other than that of the fit, at which 5% of the starts or more ended.

    Attributes:
        law: the coefficients there, NumPy float64.
        objective: the objective there, comparable with `FitResult.objective_by_start`.
        num_starts: how many starts ended there.
        differences: the coefficients that differ by more than 5%: the value there, and the value
            of the fit.
    """

    law: Law
    objective: float
    num_starts: int
    differences: Mapping[str, tuple[float, float]]

    def _card(self) -> Card:
        rows = [
            [name, *(plain_number(float(end), 5) for end in ends)]
            for name, ends in self.differences.items()
        ]
        table = Table(["coefficient", "here", "fit"], rows)
        title = f"Another optimum, of {self.num_starts} starts: objective {self.objective:.6g}"
        return Card(title, cut(table))

    def describe(self, objective: float, num_starts: int) -> str:
        """One sentence that compares the optimum with the fit.

        Args:
            objective: the objective of the fit.
            num_starts: the number of starts of the fit.
        """
        ratio = self.objective / objective if objective > 0 else np.inf
        if ratio <= 1 + SAME_OBJECTIVE:
            compared = "with the same objective, so the runs do not decide between the two"
        elif ratio < 2:
            compared = f"with an objective {ratio - 1:.2%} higher"
        else:
            compared = f"with an objective {ratio:.3g} times as high ({self.objective:.4g})"
        values = ", ".join(
            f"{name} {there:.4g} instead of {here:.4g}"
            for name, (there, here) in self.differences.items()
        )
        return (
            f"{self.num_starts} of {num_starts} starts ended at another optimum, {compared}: "
            f"{values}"
        )

    def to_json(self) -> Json:
        """As a JSON object."""
        return {
            "law": law_to_json(self.law),
            "objective": numbers_to_json(self.objective),
            "num_starts": self.num_starts,
            "differences": {n: numbers_to_json(pair) for n, pair in self.differences.items()},
        }

    @classmethod
    def from_json(cls, document: Json, law_type: type[Law] | None) -> "Optimum":
        """Inverse of `to_json`."""
        differences = document["differences"].items()
        return cls(
            law=law_from_json(document["law"], law_type),
            objective=numbers_from_json(document["objective"]),
            num_starts=document["num_starts"],
            differences={name: tuple(numbers_from_json(list(pair))) for name, pair in differences},
        )


def other_optima(
    problem: BatchedProblem, batch: Batch, minima: Minima, best: int, noise: float
) -> tuple[Optimum, ...]:
    """The optima other than that of the fit at which 5% of the starts or more ended.

    At an optimum the gradient is zero and no direction is flat. An optimum with the objective of
    the fit counts too if its coefficients differ: some laws stay the same when two coefficients
    are exchanged.

    Args:
        problem: the problem of the fit.
        batch: the starts.
        minima: where they ended.
        best: index of the start whose end is the fit.
        noise: standard deviation of the residuals of the fit.

    Returns:
        The optima, by ascending objective.
    """
    ended = np.flatnonzero(minima.converged)
    least = max(2, _NOTABLE * len(minima.costs))
    if best not in ended or len(ended) < least:
        return ()
    batch, minima = batch.at(minima.vectors).take(problem, ended), minima.take(ended)
    judged = judge(problem, batch, minima, noise)
    own = int(np.flatnonzero(ended == best)[0])
    laws = laws_of(problem, batch)
    values = _values(problem.parameters.free, laws)
    allowed = NO_COST * float(np.sum(batch.weights[0]))

    def differs(i: np.ndarray | int, j: int) -> np.ndarray:
        """Which numbers differ. Two numbers at the same edge never differ."""
        apart = np.abs(values[i] - values[j])
        at_edge = (judged.at_edge[i] == judged.at_edge[j]) & (judged.at_edge[j] != 0)
        largest = np.maximum(np.abs(values[i]), np.abs(values[j]))
        return (apart > _DIFFERENT * largest) & ~at_edge

    def is_same(i: np.ndarray, j: int) -> np.ndarray:
        near = np.abs(minima.costs[i] - minima.costs[j]) <= SAME_OBJECTIVE * minima.costs[j]
        near |= np.abs(minima.costs[i] - minima.costs[j]) <= allowed
        return near & ~differs(i, j).any(axis=-1)

    def optimum(place: int, different: np.ndarray, num_starts: int) -> Optimum:
        return Optimum(
            law=jax.tree.map(lambda leaf: leaf[place], laws),
            objective=float(minima.costs[place] * problem.objective.slope()),
            num_starts=num_starts,
            differences={
                problem.parameters.names[i]: (float(values[place, i]), float(values[own, i]))
                for i in np.flatnonzero(different)
            },
        )

    left = np.flatnonzero(judged.status <= Status.ON_BOUND)
    left = left[np.argsort(minima.costs[left], kind="stable")]
    left = left[~is_same(left, own)]
    found = []
    while len(left) >= least:
        first, same = left[0], is_same(left, left[0])
        different = differs(first, own)
        if same.sum() >= least and different.any():
            found.append(optimum(first, different, int(same.sum())))
        left = left[~same]
    return tuple(found)


def _values(free: tuple[FreeNumber, ...], laws: Law) -> np.ndarray:
    """The free numbers of batched laws, in the user's units, `(num_entries, num_free)`."""
    columns = (value_of(laws, number.element) for number in free)
    return np.stack(
        [
            column[:, number.group or 0] if column.ndim > 1 else column
            for number, column in zip(free, columns, strict=True)
        ],
        axis=1,
    )
