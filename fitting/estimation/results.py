"""The result of a fit."""

import dataclasses
import os
import typing
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Generic, Literal, TypeVar

import jax
import numpy as np

from fitting.estimation import stored_options
from fitting.estimation.interval_ends import IntervalMethod, interval_of_function
from fitting.estimation.options import FitOptions, check_choice
from fitting.minimiser.identifiability import Identifiability
from fitting.minimiser.local_optima import Optimum
from fitting.minimiser.status import Status
from fitting.problem.objectives import Objective
from fitting.problem.restraints import Restraints, held_coefficients
from jaxlaws.foundations.annotations import Json, Tree
from jaxlaws.foundations.errors import DataError
from jaxlaws.foundations.law import Law, coefficients
from jaxlaws.foundations.text.cards import Card, Displayed
from jaxlaws.foundations.text.table_columns import frame_of
from jaxlaws.precision import precision_of, to_float64
from jaxlaws.saving import law_from_json, law_to_json, numbers_from_json, read_json, write_json

L_co = TypeVar("L_co", bound=Law, covariant=True)
T = TypeVar("T")


def _summary() -> ModuleType:
    from fitting.reporting import fit_summary  # the room is above this one

    return fit_summary


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class FitResult(Displayed, Generic[L_co]):
    """A fitted law, its uncertainty, and how the fit ended.

    Attributes:
        law: the fitted law; its coefficients are NumPy float64.
        ensemble: bootstrap draws, a batched law (each leaf with a leading axis), or None.
        ensemble_status: `Status` of each draw, `(num_draws,)`, or None.
        status: how the fit ended.
        objective: the least value of the objective, a sum over runs, without the penalties of
            priors. The function itself is `options.objective`.
        objective_by_start: the objective with the penalties of priors at the end of each start,
            and of each restart of a broad search, `(num_ends,)`; inf where a start failed.
        starts_agreeing: share of these ends within a relative 1e-4 of the best one.
        gradient_norm: norm of the gradient along the last steps; zero if it is below 1e-8.
        fitted_range: least and greatest value of each input among the runs.
        identifiability: which combinations of coefficients the runs determine, and how well.
        num_runs: number of runs that the law was fitted to.
        num_left: number of runs in the table that the law does not describe.
        frozen: names of the coefficients and sub-laws that did not move.
        stages: fits of sub-laws, by field name: fits of a first stage, and fits that were frozen.
        warnings: what a user must know before relying on the fit.
        restraints: ties, bounds and priors of the law's own coefficients.
        jackknife: the laws without each run (or cluster, or part of many runs) in turn, as far as
            they converged, a batched law; or None.
        other_optima: optima other than this fit where a twentieth of the starts or more converged,
            the lowest first.
        options: the options of the fit. If `StudentT(scale=None)` was requested, its objective
            holds the fitted scale.
        reading: how the command line read the table: `columns` and `ReadingOptions`.
        provenance: the runs of the fit as texts, and versions (`fingerprint`); empty in old files.
        roll_out: the errors of a roll-out, as `RollOut.to_json` gives them; empty without one.
    """

    law: L_co
    ensemble: L_co | None
    ensemble_status: np.ndarray | None
    status: Status
    objective: float
    objective_by_start: np.ndarray
    starts_agreeing: float
    gradient_norm: float
    fitted_range: Mapping[str, tuple[float, float]]
    identifiability: Identifiability
    num_runs: int
    num_left: int
    frozen: tuple[str, ...]
    stages: Mapping[str, "FitResult"]
    warnings: tuple[str, ...]
    restraints: Restraints = dataclasses.field(default_factory=Restraints)
    jackknife: L_co | None = None
    other_optima: tuple[Optimum, ...] = ()
    options: FitOptions = FitOptions()
    reading: Mapping[str, Json] = dataclasses.field(default_factory=dict)
    provenance: Mapping[str, Json] = dataclasses.field(default_factory=dict)
    roll_out: Mapping[str, Json] = dataclasses.field(default_factory=dict)

    def usable_ensemble(self) -> L_co:
        """The draws that converged, a batched law.

        Raises:
            ValueError: the fit has no bootstrap.
        """
        if self.ensemble is None or self.ensemble_status is None:
            raise ValueError("the fit has no bootstrap: fit(..., bootstrap=1000)")
        usable = self.ensemble_status <= Status.FLAT_DIRECTION
        return jax.tree.map(lambda leaf: leaf[usable], self.ensemble)

    @property
    def precision(self) -> str:
        """The precision of the coefficients; see `jaxlaws.precision`."""
        return precision_of(self.law)

    def interval(
        self, level: float = 0.9, method: IntervalMethod = "percentile"
    ) -> tuple[L_co, L_co]:
        """The ends of each coefficient's central interval over the bootstrap, as two laws.

        Quantiles of positive coefficients are quantiles of their logarithms. An end combines
        coefficients of different draws: for a quantity of a law, use `interval_of`.

        Args and Raises: as `interval_of`.
        """
        return self.interval_of(lambda law: law, level, method)

    def interval_of(
        self,
        function: Callable[[L_co], T],
        level: float = 0.9,
        method: IntervalMethod = "percentile",
    ) -> tuple[T, T]:
        """The ends of the interval of what a function computes from a law.

        Args:
            function: from a law to an array or a tree of arrays, in JAX. It is mapped over the
                draws in one traced call, in float64.
            level: share of the draws between the ends.
            method: "percentile", or "bca", which corrects for bias and skew.

        Returns:
            The lower and the upper end, each with the structure of the function's value.

        Raises:
            ValueError: the fit has no bootstrap, or no jackknife for "bca"; `level` is not between
                0 and 1; or there is no such method.

        >>> import numpy as np
        >>> from fitting import Runs, fit
        >>> from jaxlaws import presets
        >>> from jaxlaws.laws.kaplan import Kaplan
        >>> sizes, tokens = np.geomspace(1e7, 1e9, 9), np.tile([1e9, 4e9, 2e10], 3)
        >>> exact = presets.load("kaplan2020").loss(num_params=sizes, num_tokens=tokens)
        >>> loss = exact * (1 + 0.01 * np.sin(np.arange(9.0)))
        >>> runs = Runs.read({"num_params": sizes, "num_tokens": tokens, "loss": loss})
        >>> result = fit(Kaplan, runs, num_starts=8, bootstrap=32)
        >>> low, high = result.interval_of(lambda law: law.alpha_N / law.alpha_D)
        >>> bool(low < result.law.alpha_N / result.law.alpha_D < high)
        True
        """
        if not 0 < level < 1:
            raise ValueError(f"expected a level between 0 and 1, got {level!r}")
        check_choice("method", method, typing.get_args(IntervalMethod))
        draws = self.usable_ensemble()
        if method == "bca" and self.jackknife is None:
            raise ValueError("the fit has no jackknife: fit(..., bootstrap=1000, jackknife=True)")
        left_out = self.jackknife if method == "bca" else None
        return interval_of_function(function, level, draws, self.law, left_out)

    def coefficients(
        self, level: float = 0.9, method: IntervalMethod = "percentile"
    ) -> dict[str, dict[str, float | None]]:
        """The value of each coefficient by name (`supervised.E`, `w[0]`), with its interval.

        The ends `low` and `high` are None where the fit has no bootstrap.
        """
        values, none = coefficients(self.law), {"low": None, "high": None}
        found = {name: {"value": float(value), **none} for name, value in values.items()}
        if self.ensemble is not None:
            for end, law in zip(("low", "high"), self.interval(level, method), strict=True):
                for name, value in coefficients(law).items():
                    found[name][end] = float(value)
        return found

    def held(self) -> dict[str, str]:
        """The restraint of each restrained coefficient, in words.

        A coefficient can be frozen, tied to another, bounded, or have a prior. The coefficients
        of a sub-law that was fitted first do not move in the second stage.
        """
        return held_coefficients(self)

    def summary(
        self,
        format: Literal["text", "markdown", "html", "latex"] = "text",  # noqa: A002
        level: float = 0.9,
        method: IntervalMethod = "percentile",
    ) -> str:
        """The fit in short; intervals, errors and correlations are those of the bootstrap draws.

        Raises:
            ValueError: there is no such format; further as `interval_of`.
        """
        return _summary().summary_of(self, format, level, method)

    def to_dict(self, level: float = 0.9, method: IntervalMethod = "percentile") -> dict[str, Json]:
        """The fit as a JSON object: what the command line prints with `--json`."""
        return {
            "law": law_to_json(self.law)["type"],
            "coefficients": self.coefficients(level, method),
            "objective": self.objective,
            "status": self.status.name,
            "other_optima": [each.to_json() for each in self.other_optima],
            **{name: getattr(self, name) for name in ("starts_agreeing", "num_runs", "num_left")},
            **{name: list(getattr(self, name)) for name in ("frozen", "warnings")},
            "held": self.held(),
        }

    def to_frame(self, level: float = 0.9, method: IntervalMethod = "percentile") -> Tree:
        """The coefficients as a data frame of pandas, polars or pyarrow, a row each."""
        named = self.coefficients(level, method)
        ends = {key: [row[key] for row in named.values()] for key in ("value", "low", "high")}
        return frame_of({"coefficient": list(named), **ends})

    def plot(self, runs: Tree = None, *, title: str = "") -> Tree:
        """A figure: `Runs` and the law against tokens and compute; without runs, intervals.

        Raises:
            ValueError: there are no runs and no bootstrap.
        """
        return _summary().picture_of(self, runs, title=title)

    def _card(self) -> Card:
        return _summary().card_of(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save as JSON: the file of a law, which `jaxlaws.load` reads, with one more key.

        Raises:
            OSError: the file cannot be written; an older one is left as it was.
        """
        write_json(path, stored_options.fit_to_json(self))

    @staticmethod
    def load(
        path: str | os.PathLike[str],
        law_type: type[Law] | None = None,
        objective: Objective | None = None,
    ) -> "FitResult":
        """Load what `save` wrote.

        Args:
            path: the file.
            law_type: the class of the law, if it is not a law of this package.
            objective: the objective that the fit minimised, if it is not one of this package, or if
                the file is older than this entry. None: the objective of the file; in an older
                file the default options of a fit.

        Raises:
            DataError: the file does not hold a fit; the message says what is wrong.
            OSError: the file cannot be read.
        """
        document = read_json(path)
        if "fit" not in document:
            raise DataError(f"{path} holds a law but no fit: use jaxlaws.load")
        try:
            return _from_json(document, law_type, objective)
        except DataError as error:
            raise DataError(f"{path}: {error}") from None
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise DataError(f"{path} does not hold a whole fit: {error!r}") from None


def _from_json(
    document: dict[str, Json], law_type: type[Law] | None, objective: Objective | None
) -> FitResult:
    """The result of a file; keys that older files lack have the values of a plain fit."""
    fit = stored_options.check_fit(document["fit"])
    stages = {n: _from_json(stage, None, objective) for n, stage in fit["stages"].items()}
    optima = tuple(Optimum.from_json(each, law_type) for each in fit.get("other_optima", ()))
    options = FitOptions() if objective is None else FitOptions(objective=objective)
    if "options" in fit:
        options = stored_options.options_from_json(fit["options"], stages, objective)
    left_out, restraints = fit.get("jackknife"), fit.get("restraints")
    return FitResult(
        law=to_float64(law_from_json(document["law"], law_type)),
        **stored_options.draws_from_json(fit, law_type),
        status=Status[fit["status"]],
        **{name: numbers_from_json(fit[name]) for name in stored_options.NUMBERS},
        other_optima=optima,
        fitted_range={name: tuple(ends) for name, ends in fit["fitted_range"].items()},
        identifiability=Identifiability.from_json(fit["identifiability"]),
        num_runs=fit["num_runs"],
        num_left=fit["num_left"],
        frozen=tuple(fit["frozen"]),
        restraints=Restraints() if restraints is None else Restraints.from_json(restraints),
        jackknife=None if left_out is None else law_from_json(left_out, law_type),
        warnings=tuple(fit["warnings"]),
        stages=stages,
        options=options,
        **{name: fit.get(name, {}) for name in stored_options.PLAIN},
    )
