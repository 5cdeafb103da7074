"""Other optima of a fit: where starts converged elsewhere than at the best of them."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from fitting.minimiser.identifiability import judge
from fitting.minimiser.multi_start import Minima, laws_of
from fitting.minimiser.status import Status
from fitting.problem.batched_problem import Batch, BatchedProblem
from jaxlaws.saving import law_from_json, law_to_json, numbers_from_json, numbers_to_json

SAME_OBJECTIVE = 1e-4  # relative; much nearer, and predictions no longer differ
_NOTABLE = 0.05  # of the starts: fewer are stragglers
_DIFFERENT = 0.05  # relative difference of a coefficient
_NO_COST = 1e-12  # for each run: a lower cost is rounding


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Optimum:
    """An optimum that is not the fit's own, at which a notable share of the starts ended.

    Attributes:
        law: the coefficients there, NumPy float64.
        objective: what was minimised, as in `FitResult.objective_by_start`.
        num_starts: how many starts ended there.
        differences: the coefficients that differ by more than 5%: there, and in the fit.
    """

    law: Any
    objective: float
    num_starts: int
    differences: Mapping[str, tuple[float, float]]

    def describe(self, objective: float, num_starts: int) -> str:
        """In words, beside the fit's objective and number of starts."""
        ratio = self.objective / objective if objective > 0 else np.inf
        if ratio <= 1 + SAME_OBJECTIVE:
            worse = "that is as good"
        elif ratio < 2:
            worse = f"whose objective is {ratio - 1:.2%} higher"
        else:
            worse = f"whose objective, {self.objective:.4g}, is {ratio:.3g} times as high"
        told = ", ".join(f"{n} {a:.4g} for {b:.4g}" for n, (a, b) in self.differences.items())
        return f"{self.num_starts} of {num_starts} starts ended at another optimum, {worse}: {told}"

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "law": law_to_json(self.law),
            "objective": numbers_to_json(self.objective),
            "num_starts": self.num_starts,
            "differences": {n: numbers_to_json(pair) for n, pair in self.differences.items()},
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any], law_type: type[Any] | None) -> "Optimum":
        """Inverse of `to_json`."""
        told = document["differences"].items()
        return cls(
            law=law_from_json(document["law"], law_type),
            objective=numbers_from_json(document["objective"]),
            num_starts=document["num_starts"],
            differences={name: tuple(numbers_from_json(list(pair))) for name, pair in told},
        )


def other_optima(
    problem: BatchedProblem, batch: Batch, minima: Minima, best: int, noise: float, restrained: Any
) -> tuple[Optimum, ...]:
    """The optima other than the fit's own at which a twentieth of the starts or more ended.

    At an optimum the gradient vanishes and the runs leave no direction flat. One as good as the
    best counts too, where its coefficients differ: a law may be the same with two of them
    exchanged.

    Args:
        problem: what was minimised.
        batch: of the starts.
        minima: where they ended.
        best: the start that the fit was taken from.
        noise: standard deviation of the fit's residuals.
        restrained: of batch entries, what `judge` must know of bounds and priors.

    Returns:
        The lowest first.
    """
    parameters = problem.parameters
    ended = np.flatnonzero(minima.converged)
    least = max(2, _NOTABLE * len(minima.costs))
    if best not in ended or len(ended) < least:
        return ()
    batch, minima = batch.at(minima.vectors).take(problem, ended), minima.take(ended)
    judged = judge(parameters, minima, noise, *restrained(problem, batch))
    own = int(np.flatnonzero(ended == best)[0])
    laws = laws_of(problem, batch)
    values = _values(parameters.free, laws)
    firm = np.flatnonzero(judged.status <= Status.ON_BOUND)
    allowed = _NO_COST * float(np.sum(batch.weights[0]))

    def differs(i: Any, j: int) -> np.ndarray:
        """Which numbers differ; one at the same edge does not, wherever near it."""
        apart = np.abs(values[i] - values[j])
        at_edge = (judged.at_edge[i] == judged.at_edge[j]) & (judged.at_edge[j] != 0)
        largest = np.maximum(np.abs(values[i]), np.abs(values[j]))
        return (apart > _DIFFERENT * largest) & ~at_edge

    def is_same(i: np.ndarray, j: int) -> np.ndarray:
        near = np.abs(minima.costs[i] - minima.costs[j]) <= SAME_OBJECTIVE * minima.costs[j]
        near |= np.abs(minima.costs[i] - minima.costs[j]) <= allowed
        return near & ~differs(i, j).any(axis=-1)

    left = firm[np.argsort(minima.costs[firm], kind="stable")]
    left = left[~is_same(left, own)]
    found = []
    while len(left) >= least:
        first, same = left[0], is_same(left, left[0])
        different = differs(first, own)
        if same.sum() >= least and different.any():
            pairs = zip(parameters.names, values[first], values[own], different, strict=True)
            found.append(
                Optimum(
                    law=jax.tree.map(lambda leaf, entry=first: leaf[entry], laws),
                    objective=float(minima.costs[first] * problem.objective.slope()),
                    num_starts=int(same.sum()),
                    differences={
                        name: (float(a), float(b)) for name, a, b, is_one in pairs if is_one
                    },
                )
            )
        left = left[~same]
    return tuple(found)


def _values(free: Any, laws: Any) -> np.ndarray:
    """The free numbers of batched laws, in the user's units, `(num_entries, num_free)`."""
    columns = [
        leaf if number.group is None else leaf[:, number.group]
        for number in free
        for leaf in [getattr(laws, number.coefficient)]
    ]
    return np.stack(columns, axis=1)
