"""What a fit gives back."""

import dataclasses
import os
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from fitting.estimation.interval_ends import METHODS, bca_ends, ends
from fitting.minimiser.identifiability import Identifiability
from fitting.minimiser.local_optima import Optimum
from fitting.minimiser.status import Status
from fitting.problem.restraints import Restraints
from jaxlaws.foundations.errors import DataError
from jaxlaws.foundations.law import coefficient_names
from jaxlaws.precision import float64, to_float64, to_numpy
from jaxlaws.saving import (
    FORMAT,
    law_from_json,
    law_to_json,
    numbers_from_json,
    numbers_to_json,
    read_json,
    write_json,
)


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class FitResult:
    """A fitted law, and how far it is to be trusted.

    Attributes:
        law: the coefficients, NumPy float64.
        ensemble: bootstrap draws, a batched law (each leaf with a leading axis), or None.
        ensemble_status: `Status` of each draw, `(num_draws,)`, or None.
        status: how the fit ended.
        objective: the sum over runs that was minimised, at the end; penalties of priors apart.
        objective_by_start: what was minimised, at the end of each start, `(num_starts,)`; inf
            where a start failed.
        starts_agreeing: the share of starts that ended within 1e-4 of the best objective, relative.
        gradient_norm: at the end; below 1e-8 counts as converged.
        fitted_range: lowest and highest value of each input among the runs.
        identifiability: what the runs leave open.
        num_runs: runs that the law was fitted to.
        num_left: runs of the table that it was not fitted to, being of another kind.
        frozen: names of the coefficients and sub-laws that did not move.
        stages: fits of sub-laws that came first, made or given, by field.
        warnings: what a user must know before relying on the fit.
        restraints: the ties, bounds and priors of the law's own coefficients.
        jackknife: the laws without each run (or cluster, or part of many) in turn, those that
            converged, a batched law; or None.
        other_optima: where a twentieth of the starts or more converged that is not this fit, the
            lowest first.
    """

    law: Any
    ensemble: Any | None
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
    jackknife: Any | None = None
    other_optima: tuple[Optimum, ...] = ()

    def usable_ensemble(self) -> Any:
        """The draws that converged, a batched law.

        Raises:
            ValueError: the fit has no bootstrap.
        """
        if self.ensemble is None or self.ensemble_status is None:
            raise ValueError("the fit has no bootstrap: fit(..., bootstrap=1000)")
        usable = self.ensemble_status <= Status.FLAT_DIRECTION
        return jax.tree.map(lambda leaf: leaf[usable], self.ensemble)

    def interval(self, level: float = 0.9, method: str = "percentile") -> tuple[Any, Any]:
        """The ends of each coefficient's central interval over the bootstrap, as two laws.

        Quantiles of positive coefficients are taken of their logs. The ends of different
        coefficients do not belong together: for the interval of anything computed from a law,
        use `interval_of`.

        Args:
            level: the share of the draws between the ends.
            method: "percentile", or "bca", which corrects for bias and skew.

        Raises:
            ValueError: the fit has no bootstrap, or for "bca" no jackknife; `level` is not
                between 0 and 1, or there is no such method.
        """
        return self.interval_of(lambda law: law, level, method)

    def interval_of(
        self, function: Callable[[Any], Any], level: float = 0.9, method: str = "percentile"
    ) -> tuple[Any, Any]:
        """The ends of the interval of whatever a function computes from a law.

        The function is mapped over the draws in one traced call, in float64.

        Args:
            function: from a law to an array, or a tree of them, in JAX.
            level: the share of the draws between the ends.
            method: "percentile", or "bca", which corrects for bias and skew.

        Returns:
            The lower and the upper end, each as what the function gives.

        Raises:
            ValueError: as `interval`.

        >>> import numpy as np
        >>> from fitting import Runs, fit
        >>> from jaxlaws.laws.kaplan import Kaplan
        >>> sizes, tokens = np.geomspace(1e7, 1e9, 9), np.tile([1e9, 4e9, 2e10], 3)
        >>> loss = 2 + 90 / sizes**0.3 + 0.03 * np.sin(np.arange(9.0))
        >>> runs = Runs.read({"num_params": sizes, "num_tokens": tokens, "loss": loss})
        >>> result = fit(Kaplan, runs, num_starts=8, bootstrap=32)
        >>> low, high = result.interval_of(lambda law: law.alpha_N / law.alpha_D)
        >>> bool(low < result.law.alpha_N / result.law.alpha_D < high)
        True
        """
        if not 0 < level < 1:
            raise ValueError(f"expected a level between 0 and 1, got {level!r}")
        if method not in METHODS:
            raise ValueError(f"expected a method of {', '.join(METHODS)}, got {method!r}")
        laws = [self.usable_ensemble()]
        if method == "bca":
            if self.jackknife is None:
                raise ValueError(
                    "the fit has no jackknife: fit(..., bootstrap=1000, jackknife=True)"
                )
            laws += [jax.tree.map(lambda leaf: leaf[None], self.law), self.jackknife]
        with float64():
            trees = [to_numpy(jax.vmap(function)(law)) for law in laws]
        structure = jax.tree.structure(trees[0])
        pairs = [
            ends(leaves[0], level)
            if method == "percentile"
            else bca_ends(leaves[0], leaves[1][0], leaves[2], level)
            for leaves in zip(*(jax.tree.leaves(tree) for tree in trees), strict=True)
        ]
        low, high = (jax.tree.unflatten(structure, side) for side in zip(*pairs, strict=True))
        return low, high

    def coefficients(
        self, level: float = 0.9, method: str = "percentile"
    ) -> dict[str, dict[str, float | None]]:
        """Value of each coefficient by name (`supervised.E` in a sub-law), low and high.

        Low and high are None where the fit has no bootstrap.
        """
        names = coefficient_names(self.law)
        values = jax.tree.leaves(self.law)
        ends: list[Any] = [[None] * len(names)] * 2
        if self.ensemble is not None:
            ends = [jax.tree.leaves(end) for end in self.interval(level, method)]
        return {
            name: {
                "value": float(value),
                "low": None if low is None else float(low),
                "high": None if high is None else float(high),
            }
            for name, value, low, high in zip(names, values, *ends, strict=True)
        }

    def held(self) -> dict[str, str]:
        """How each coefficient is held that the runs alone did not set, in words.

        Frozen, tied to another, bounded, or with a prior; those of a sub-law that was fitted
        first did not move afterwards.
        """
        told = {}
        for name in coefficient_names(self.law):
            outer, _, inner = name.partition(".")
            if inner and outer in self.stages:
                words = self.stages[outer].held().get(inner)
                told[name] = "fitted first" + (f", {words}" if words else "")
            elif outer in self.frozen:
                told[name] = "frozen"
        return told | self.restraints.describe()

    def summary(self, level: float = 0.9, method: str = "percentile") -> dict[str, Any]:
        """The fit as a JSON object: what the command line prints."""
        return {
            "law": law_to_json(self.law)["type"],
            "coefficients": self.coefficients(level, method),
            "objective": self.objective,
            "status": self.status.name,
            "starts_agreeing": self.starts_agreeing,
            "other_optima": [each.to_json() for each in self.other_optima],
            "num_runs": self.num_runs,
            "num_left": self.num_left,
            "frozen": list(self.frozen),
            "held": self.held(),
            "warnings": list(self.warnings),
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save as JSON: the file of a law, which `jaxlaws.load` reads, with one more key.

        Raises:
            OSError: the file cannot be written; an older one is left as it was.
        """
        write_json(path, self._to_json())

    @classmethod
    def load(cls, path: str | os.PathLike[str], law_type: type[Any] | None = None) -> "FitResult":
        """Load what `save` wrote.

        Args:
            path: the file.
            law_type: the class, for a law of one's own, which the package cannot find by name.

        Raises:
            DataError: the file holds no fit; the message says what is wrong.
            OSError: it cannot be read.
        """
        document = read_json(path)
        if "fit" not in document:
            raise DataError(f"{path} holds a law but no fit: use jaxlaws.load")
        try:
            return cls._from_json(document, law_type)
        except DataError as error:
            raise DataError(f"{path}: {error}") from None
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"{path} does not hold a whole fit: {error!r}") from None

    def _to_json(self) -> dict[str, Any]:
        draws = self.ensemble_status
        return {
            "format": FORMAT,
            "law": law_to_json(self.law),
            "fit": {
                "status": self.status.name,
                "objective": numbers_to_json(self.objective),
                "objective_by_start": numbers_to_json(self.objective_by_start),
                "starts_agreeing": self.starts_agreeing,
                "other_optima": [each.to_json() for each in self.other_optima],
                "gradient_norm": numbers_to_json(self.gradient_norm),
                "fitted_range": {k: list(ends) for k, ends in self.fitted_range.items()},
                "identifiability": self.identifiability.to_json(),
                "num_runs": self.num_runs,
                "num_left": self.num_left,
                "frozen": list(self.frozen),
                "restraints": self.restraints.to_json(),
                "warnings": list(self.warnings),
                "stages": {name: stage._to_json() for name, stage in self.stages.items()},
                "ensemble": None if self.ensemble is None else law_to_json(self.ensemble),
                "ensemble_status": None if draws is None else [int(status) for status in draws],
                "jackknife": None if self.jackknife is None else law_to_json(self.jackknife),
            },
        }

    @classmethod
    def _from_json(cls, document: dict[str, Any], law_type: type[Any] | None) -> "FitResult":
        fit = document["fit"]
        draws, left_out = fit["ensemble_status"], fit.get("jackknife")
        held = fit.get("restraints")
        return cls(
            law=to_float64(law_from_json(document["law"], law_type)),
            ensemble=None if draws is None else law_from_json(fit["ensemble"], law_type),
            ensemble_status=None if draws is None else np.array(draws),
            status=Status[fit["status"]],
            objective=numbers_from_json(fit["objective"]),
            objective_by_start=numbers_from_json(fit["objective_by_start"]),
            starts_agreeing=fit["starts_agreeing"],
            other_optima=tuple(
                Optimum.from_json(each, law_type) for each in fit.get("other_optima", ())
            ),
            gradient_norm=numbers_from_json(fit["gradient_norm"]),
            fitted_range={name: tuple(ends) for name, ends in fit["fitted_range"].items()},
            identifiability=Identifiability.from_json(fit["identifiability"]),
            num_runs=fit["num_runs"],
            num_left=fit["num_left"],
            frozen=tuple(fit["frozen"]),
            restraints=Restraints() if held is None else Restraints.from_json(held),
            jackknife=None if left_out is None else law_from_json(left_out, law_type),
            warnings=tuple(fit["warnings"]),
            stages={name: cls._from_json(stage, None) for name, stage in fit["stages"].items()},
        )
