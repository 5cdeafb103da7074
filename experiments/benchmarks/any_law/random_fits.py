"""Fits of random laws, compared with SciPy's least squares from the true coefficients."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from experiments.benchmarks.any_law.kinds import KINDS, Kind
from experiments.benchmarks.any_law.reference import Reference
from fitting import FitResult, LogSquares, Runs, Squares, Status, fit
from jaxlaws.foundations.law import Law

_NOISES = (1e-3, 1e-2, 1e-1)  # of the standard deviation of the outcomes
_SAME = 1e-6  # relative difference of objectives


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How one fit ended.

    Attributes:
        kind: the kind of law.
        number: the number of the problem of this kind.
        status: the status of the fit.
        excess: how much higher its objective is than the best known one, relative to that.
        starts_agreeing: the share of the starts at its lowest minimum.
        is_poor: whether a simple prediction is better than the law, which is then NOT_CONVERGED.
    """

    kind: str
    number: int
    status: Status
    excess: float
    starts_agreeing: float
    is_poor: bool

    @property
    def is_solved(self) -> bool:
        """Whether the objective is the best known one."""
        return self.excess <= _SAME

    @property
    def is_wrong(self) -> bool:
        """Whether the status says that the fit is at the best objective, and it is not."""
        return self.status <= Status.FLAT_DIRECTION and not self.is_solved

    @property
    def verdict(self) -> str:
        """The same in words."""
        if self.is_solved:
            poor = "solved, but a simple prediction is better" if self.is_poor else "solved"
            return "solved, but the status says not" if self.is_pessimistic else poor
        return "wrong" if self.is_wrong else "not solved, as the status says"

    @property
    def is_pessimistic(self) -> bool:
        """Whether the status says that the fit failed, and it did not."""
        return self.status > Status.FLAT_DIRECTION and self.is_solved and not self.is_poor


def random_fits(names: Sequence[str], numbers: Sequence[int]) -> Iterator[Outcome]:
    """Fit the problems of these numbers of each kind."""
    for name in names or KINDS:
        kind = KINDS[name]
        law_type = kind.law_type("Law" + "".join(part.capitalize() for part in name.split()))
        for number in numbers:
            yield _fitted(name, kind, law_type, number)


def _fitted(name: str, kind: Kind, law_type: type[Law], number: int) -> Outcome:
    random = np.random.default_rng((number, *name.encode()))
    while True:
        units = kind.units(random)
        inputs = kind.inputs(units)
        law = law_type(**kind.draw(units))
        exact = np.asarray(law.loss(**inputs))
        noise = random.choice(_NOISES) * np.std(exact) * random.normal(size=exact.shape)
        observed = exact + noise
        if np.ptp(exact) > 0 and (kind.any_sign or np.all(observed > 0)):
            break
    runs = Runs.read({**inputs, "loss": observed}, law_type=law_type)
    objective = LogSquares() if kind.in_logs else Squares()
    result = fit(law_type, runs, objective=objective)
    reference = Reference(law_type, inputs, observed, objective)
    best = min(reference.descend(reference.vector(each))[1] for each in (law, result.law))
    return Outcome(
        kind=name,
        number=number,
        status=Status(result.status),
        excess=result.objective / best - 1,
        starts_agreeing=result.starts_agreeing,
        is_poor=is_poor(result),
    )


def is_poor(result: FitResult) -> bool:
    """Whether a fit warns that a simple prediction is better than the law."""
    return any("predicts the runs better" in each for each in result.warnings)
