"""The options of a fit: each is defined, documented and validated here, and nowhere else."""

import dataclasses
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Protocol, TypeAlias, TypedDict, Unpack

import numpy as np

from fitting.estimation.resampling import RESAMPLINGS, Resampling
from fitting.minimiser.starts import STARTS, Starts
from fitting.problem.objectives import Huber, Objective, StudentT
from fitting.problem.priors import Prior
from fitting.problem.restraints import Bounds
from jaxlaws.foundations.annotations import Json
from jaxlaws.foundations.law import Law


class Fitted(Protocol):
    """A fit of a sub-law: a `FitResult`."""

    @property
    def law(self) -> Law:
        """The fitted law."""
        ...


# A number, an array of numbers for an array of coefficients, a law, or a fit.
Frozen: TypeAlias = float | Sequence[Json] | np.ndarray | Law | Fitted


@dataclasses.dataclass(frozen=True, kw_only=True)
class FitOptions:
    """The options of `fit`. Functions that fit take them as `options`, and single ones by name.

    Attributes:
        objective: the function that the fit minimises, such as `Huber(1e-3)` or `LogSquares()`.
            With `StudentT(scale=None)` the scale of the noise is fitted as well.
        num_starts: number of starts, 1 or more.
        starts: how the starts are spread in centred units: `random`, `quasi-random`, or `grid`,
            the largest grid with at most `num_starts` points.
        bootstrap: number of bootstrap draws, for intervals; 0 for none.
        resample: how the bootstrap makes its tables: `pairs` draws runs with replacement; `wild`,
            `residuals` and `parametric` keep the runs and draw their noise.
        jackknife: whether the law is also fitted without each run (or cluster) in turn, which
            intervals with the method `bca` need.
        cluster: the column whose groups the bootstrap draws whole, for runs that are not
            independent, such as checkpoints of one training; None: each run is drawn alone.
        weights: the column of positive numbers by which the cost of each run is multiplied,
            after division by their mean; None: all runs count alike.
        freeze: coefficients that keep a given value, by name
            (`{"E": 1.69, "supervised.E": 1.2, "w[0]": 1.0, "t": [[1.0, 2.0], [3.0, 4.0]]}`), and
            whole sub-laws (`{"supervised": law}`).
            Where a sub-law is given as a `FitResult` with a bootstrap, each draw of this fit uses
            one draw of that fit, so that its uncertainty is included.
        tie: coefficients that equal another coefficient: `{"beta": "alpha"}`,
            `{"alpha": "supervised.alpha"}`.
        bounds: least and greatest value of a coefficient, None for no bound:
            `{"alpha": (0.1, 0.6)}`. A fit that ends on a bound has the status ON_BOUND and a
            warning.
        priors: prior distributions of coefficients, such as `{"E": Normal(1.7, 0.1)}`. The fit is
            then the mode of the posterior, with the likelihood that goes with the objective; the
            spread of the residuals is fitted as well.
        seed: seed of the starts and of the bootstrap.
        throw: whether a fit that has not converged raises `NotSolvedError`. Otherwise its status
            reports this.

    Raises:
        ValueError: a number is out of range, or a word is not one of the known words.
        TypeError: the objective has not the methods of `Objective`.

    >>> options = FitOptions(num_starts=64)
    >>> options.replaced(bootstrap=1000).bootstrap
    1000
    """

    objective: Objective = Huber(1e-3)
    num_starts: int = 256
    starts: Starts = "random"
    bootstrap: int = 0
    resample: Resampling = "pairs"
    jackknife: bool = False
    cluster: str | None = None
    weights: str | None = None
    freeze: Mapping[str, Frozen] = dataclasses.field(default_factory=dict)
    tie: Mapping[str, str] = dataclasses.field(default_factory=dict)
    bounds: Mapping[str, Bounds] = dataclasses.field(default_factory=dict)
    priors: Mapping[str, Prior] = dataclasses.field(default_factory=dict)
    seed: int = 0
    throw: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.objective, Objective) or isinstance(self.objective, type):
            raise TypeError(f"expected an objective such as Huber(1e-3), got {self.objective!r}")
        if isinstance(self.objective, StudentT) and not self.objective.dof > 0:
            raise ValueError(
                f"StudentT: expected degrees of freedom above zero, got {self.objective.dof!r}"
            )
        check_integer("num_starts", self.num_starts, least=1)
        check_integer("bootstrap", self.bootstrap, least=0)
        check_choice("starts", self.starts, STARTS)
        check_choice("resample", self.resample, RESAMPLINGS)
        if self.cluster is not None and self.resample not in ("pairs", "wild"):
            raise ValueError(
                f"clusters are resampled by pairs or wild, not by {self.resample}: change resample "
                "or cluster"
            )

    def replaced(self, **changes: Unpack["FitChanges"]) -> "FitOptions":
        """The same options, some of them replaced by name.

        Raises:
            TypeError: there is no option of such a name.
            ValueError: a value is out of range.
        """
        known = [field.name for field in dataclasses.fields(self)]
        for name in changes:
            if name not in known:
                close = get_close_matches(name, known, n=1)
                hint = f"did you mean {close[0]!r}? " if close else ""
                raise TypeError(
                    f"a fit has no option {name!r}; {hint}the options are {', '.join(known)}"
                )
        return dataclasses.replace(self, **changes)


class FitChanges(TypedDict, total=False):
    """The fields of `FitOptions` as keywords, for type checkers; a test compares the two."""

    objective: Objective
    num_starts: int
    starts: Starts
    bootstrap: int
    resample: Resampling
    jackknife: bool
    cluster: str | None
    weights: str | None
    freeze: Mapping[str, Frozen]
    tie: Mapping[str, str]
    bounds: Mapping[str, Bounds]
    priors: Mapping[str, Prior]
    seed: int
    throw: bool


def check_integer(name: str, value: int, least: int) -> None:
    """Check that an option is an integer, and not below a least value.

    Raises:
        ValueError: it is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name}: expected an integer of {least} or more, got {value!r}")


def check_choice(name: str, value: str, known: tuple[str, ...]) -> None:
    """Check that an option is one of the known words.

    Raises:
        ValueError: it is something else.
    """
    if value not in known:
        raise ValueError(f"{name}: expected one of {', '.join(known)}, got {value!r}")
