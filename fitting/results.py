"""What a fit gives back."""

import dataclasses
import functools
import os
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from fitting.identifiability import Identifiability
from fitting.status import Status
from jaxlaws.errors import DataError
from jaxlaws.law import coefficient_names
from jaxlaws.precision import to_float64
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
        objective: the sum that was minimised, at the end.
        objective_by_start: the same for each start, `(num_starts,)`; inf where a start failed.
        starts_agreeing: the share of starts that ended within 1e-4 of the best objective, relative.
        gradient_norm: at the end; below 1e-8 counts as converged.
        fitted_range: lowest and highest value of each input among the runs.
        identifiability: what the runs leave open.
        num_runs: runs that the law was fitted to.
        num_left: runs of the table that it was not fitted to, being of another kind.
        frozen: names of the coefficients and sub-laws that did not move.
        stages: fits of sub-laws that came first, made or given, by field.
        warnings: what a user must know before relying on the fit.
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

    def usable_ensemble(self) -> Any:
        """The draws that converged, a batched law.

        Raises:
            ValueError: the fit has no bootstrap.
        """
        if self.ensemble is None or self.ensemble_status is None:
            raise ValueError("the fit has no bootstrap: fit(..., bootstrap=1000)")
        usable = self.ensemble_status <= Status.FLAT_DIRECTION
        return jax.tree.map(lambda leaf: leaf[usable], self.ensemble)

    def interval(self, level: float = 0.9) -> tuple[Any, Any]:
        """The ends of each coefficient's central interval over the bootstrap, as two laws.

        Quantiles of positive coefficients are taken of their logs. The ends of different
        coefficients do not belong together: for the interval of anything computed from a law,
        compute it for each law of the ensemble.

        Raises:
            ValueError: the fit has no bootstrap, or `level` is not between 0 and 1.
        """
        if not 0 < level < 1:
            raise ValueError(f"expected a level between 0 and 1, got {level!r}")
        tail = (1 - level) / 2

        def quantile(q: float, draws: Any) -> np.ndarray:
            if np.all(draws > 0):
                return np.asarray(np.exp(np.quantile(np.log(draws), q)))
            return np.asarray(np.quantile(draws, q))

        draws = self.usable_ensemble()
        low, high = (jax.tree.map(functools.partial(quantile, q), draws) for q in (tail, 1 - tail))
        return low, high

    def coefficients(self, level: float = 0.9) -> dict[str, dict[str, float | None]]:
        """Value of each coefficient by name (`supervised.E` in a sub-law), low and high.

        Low and high are None where the fit has no bootstrap.
        """
        names = coefficient_names(self.law)
        values = jax.tree.leaves(self.law)
        ends: list[Any] = [[None] * len(names)] * 2
        if self.ensemble is not None:
            ends = [jax.tree.leaves(end) for end in self.interval(level)]
        return {
            name: {
                "value": float(value),
                "low": None if low is None else float(low),
                "high": None if high is None else float(high),
            }
            for name, value, low, high in zip(names, values, *ends, strict=True)
        }

    def summary(self, level: float = 0.9) -> dict[str, Any]:
        """The fit as a JSON object: what the command line prints."""
        return {
            "law": law_to_json(self.law)["type"],
            "coefficients": self.coefficients(level),
            "objective": self.objective,
            "status": self.status.name,
            "starts_agreeing": self.starts_agreeing,
            "num_runs": self.num_runs,
            "num_left": self.num_left,
            "frozen": list(self.frozen),
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
        told = self.identifiability
        draws = self.ensemble_status
        return {
            "format": FORMAT,
            "law": law_to_json(self.law),
            "fit": {
                "status": self.status.name,
                "objective": numbers_to_json(self.objective),
                "objective_by_start": numbers_to_json(self.objective_by_start),
                "starts_agreeing": self.starts_agreeing,
                "gradient_norm": numbers_to_json(self.gradient_norm),
                "fitted_range": {k: list(ends) for k, ends in self.fitted_range.items()},
                "identifiability": {
                    "names": list(told.names),
                    "eigenvalues": numbers_to_json(told.eigenvalues),
                    "directions": numbers_to_json(told.directions),
                    "notes": list(told.notes),
                },
                "num_runs": self.num_runs,
                "num_left": self.num_left,
                "frozen": list(self.frozen),
                "warnings": list(self.warnings),
                "stages": {name: stage._to_json() for name, stage in self.stages.items()},
                "ensemble": None if self.ensemble is None else law_to_json(self.ensemble),
                "ensemble_status": None if draws is None else [int(status) for status in draws],
            },
        }

    @classmethod
    def _from_json(cls, document: dict[str, Any], law_type: type[Any] | None) -> "FitResult":
        fit, told = document["fit"], document["fit"]["identifiability"]
        draws = fit["ensemble_status"]
        return cls(
            law=to_float64(law_from_json(document["law"], law_type)),
            ensemble=None if draws is None else law_from_json(fit["ensemble"], law_type),
            ensemble_status=None if draws is None else np.array(draws),
            status=Status[fit["status"]],
            objective=numbers_from_json(fit["objective"]),
            objective_by_start=numbers_from_json(fit["objective_by_start"]),
            starts_agreeing=fit["starts_agreeing"],
            gradient_norm=numbers_from_json(fit["gradient_norm"]),
            fitted_range={name: tuple(ends) for name, ends in fit["fitted_range"].items()},
            identifiability=Identifiability(
                names=tuple(told["names"]),
                eigenvalues=numbers_from_json(told["eigenvalues"]),
                directions=numbers_from_json(told["directions"]),
                notes=tuple(told["notes"]),
            ),
            num_runs=fit["num_runs"],
            num_left=fit["num_left"],
            frozen=tuple(fit["frozen"]),
            warnings=tuple(fit["warnings"]),
            stages={name: cls._from_json(stage, None) for name, stage in fit["stages"].items()},
        )
