"""The options of a fit as JSON, as part of the file of the fit; and the keys of that file.

A file names classes only for the reader: the package looks a name up among its own classes, and
imports nothing that a file names.
"""

import numbers
from collections.abc import Iterable, Mapping

import jax
import numpy as np

from fitting.data.preparation.reading import ReadingOptions
from fitting.data.run_sizes import EXTENTS
from fitting.estimation.options import FitOptions, Fitted, Frozen
from fitting.minimiser.status import Status
from fitting.problem.objectives import (
    AsymmetricHuber,
    Huber,
    LogSquares,
    Objective,
    Squares,
    StudentT,
)
from fitting.problem.restraints import Restraints
from jaxlaws.foundations.annotations import Json, Tree
from jaxlaws.foundations.errors import DataError
from jaxlaws.foundations.json_text import check_keys, is_finite_number
from jaxlaws.foundations.law import Law
from jaxlaws.foundations.provenance import check_fingerprint
from jaxlaws.saving import (
    FORMAT,
    law_from_json,
    law_to_json,
    numbers_from_json,
    numbers_to_json,
)

_OBJECTIVES = {
    kind.__name__: kind for kind in (AsymmetricHuber, Huber, LogSquares, Squares, StudentT)
}
_AS_THEY_ARE = (
    "num_starts", "starts", "bootstrap", "resample", "jackknife", "cluster", "weights", "seed",
    "throw",
)  # fmt: skip

_REQUIRED = (
    "status", "objective", "objective_by_start", "starts_agreeing", "gradient_norm",
    "fitted_range", "identifiability", "num_runs", "num_left", "frozen", "warnings", "stages",
    "ensemble", "ensemble_status",
)  # fmt: skip
PLAIN = ("reading", "provenance", "roll_out")  # objects that the file holds as they are
_OPTIONAL = ("options", "other_optima", "restraints", "jackknife", *PLAIN)  # older files lack them
NUMBERS = ("objective", "objective_by_start", "starts_agreeing", "gradient_norm")  # or arrays
_RESTRAINTS = ("tie", "bounds", "priors")
_READING = tuple(ReadingOptions.__annotations__)
_ABOUT = ("table", "date")  # the name of the table, and the day of the fit
_STEP = ("decades", "num_predictions", "mean", "median", "worst")  # of a roll-out


def check_fit(fit: Json) -> Mapping[str, Json]:
    """The part `fit` of a file, if its keys and values can be those of a fit.

    Raises:
        DataError: they cannot; the message names the key.
    """
    check_keys("it does not hold a whole fit", fit, _REQUIRED, _OPTIONAL)
    for name in ("frozen", "warnings"):
        if not isinstance(fit[name], list) or not _are_texts(fit[name]):
            raise DataError(f"{name!r}: expected a list of texts")
    for name in ("num_runs", "num_left"):
        if not isinstance(fit[name], int) or isinstance(fit[name], bool) or fit[name] < 0:
            raise DataError(f"{name!r}: expected the number of runs")
    for name in ("stages", "fitted_range"):
        if not isinstance(fit[name], dict):
            raise DataError(f"{name!r}: expected an object")
    for name, ends in fit["fitted_range"].items():
        pair = isinstance(ends, list) and len(ends) == 2 and all(map(is_finite_number, ends))
        if not pair or not ends[0] <= ends[1]:
            raise DataError(f"'fitted_range' of {name[:50]!r}: expected a low and a high value")
    if "options" in fit:
        check_keys(
            "'options'", fit["options"], ("objective", *_AS_THEY_ARE, "freeze", *_RESTRAINTS)
        )
    _check_reading(fit.get("reading", {}))
    if fit.get("restraints") is not None:
        check_keys("'restraints'", fit["restraints"], _RESTRAINTS)
    if fit.get("provenance"):
        check_fingerprint(fit["provenance"])
    if fit.get("roll_out"):
        _check_roll_out(fit["roll_out"])
    return fit


def _are_texts(values: Iterable[Json]) -> bool:
    return all(isinstance(each, str) for each in values)


def _check_reading(reading: Json) -> None:
    check_keys("'reading'", reading, (), ("columns", *_READING, *_ABOUT))
    if not _are_texts(reading.get(name, "") for name in _ABOUT):
        raise DataError(f"'reading': expected texts as {' and '.join(map(repr, _ABOUT))}")
    for name in ("columns", "units"):
        texts = reading.get(name, {})
        if not isinstance(texts, dict) or not _are_texts(texts.values()):
            raise DataError(f"'reading': expected an object of texts as {name!r}")


def _check_roll_out(rolled: Json) -> None:
    check_keys("'roll_out'", rolled, ("by", "largest", "steps"))
    if rolled["by"] not in EXTENTS:
        raise DataError(f"'roll_out': expected one of {', '.join(EXTENTS)} as 'by'")
    steps = rolled["steps"]
    if not isinstance(steps, list) or not steps:
        raise DataError("'roll_out': expected a list of steps")
    numbers = [rolled["largest"]]
    for step in steps:
        check_keys("'roll_out'", step, _STEP)
        ends = step["decades"] if isinstance(step["decades"], list) else []
        if len(ends) != 2:
            raise DataError("'roll_out': expected a low and a high value as 'decades'")
        numbers += [*ends, *(step[name] for name in _STEP[1:])]
    if not all(is_finite_number(each) and each >= 0 for each in numbers) or not rolled["largest"]:
        raise DataError("'roll_out': expected numbers of zero or more, and 'largest' above zero")


def draws_from_json(fit: Mapping[str, Json], law_type: type[Law] | None) -> dict[str, Tree]:
    """`ensemble` and `ensemble_status` of a fit, which are None without a bootstrap.

    Raises:
        DataError: there are not as many draws as statuses, or a draw that converged has a
            coefficient that is not finite.
    """
    if fit["ensemble_status"] is None:
        return {"ensemble": None, "ensemble_status": None}
    ensemble, status = law_from_json(fit["ensemble"], law_type), np.array(fit["ensemble_status"])
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(ensemble)]
    if status.ndim != 1 or not np.isin(status, [*Status]).all():
        raise DataError("'ensemble_status': expected the number of the status of each draw")
    if any(leaf.shape[:1] != status.shape for leaf in leaves):
        raise DataError(
            f"'ensemble' has draws of shape {leaves[0].shape}, and 'ensemble_status' has "
            f"{len(status)} values: their lengths must be the same"
        )
    converged = status <= Status.FLAT_DIRECTION
    if not converged.any():
        return {"ensemble": None, "ensemble_status": None}
    if not all(np.isfinite(leaf[converged]).all() for leaf in leaves):
        raise DataError("'ensemble': a draw that converged has a coefficient that is not finite")
    return {"ensemble": ensemble, "ensemble_status": status}


def options_to_json(options: FitOptions) -> dict[str, Json]:
    """The options as a JSON object.

    A frozen fit is written as `{"stage": name}`: the file of the fit holds it among its stages.
    """
    bounds = {
        name: (-np.inf if low is None else low, np.inf if high is None else high)
        for name, (low, high) in options.bounds.items()
    }
    return {
        "objective": _objective_to_json(options.objective),
        **{name: getattr(options, name) for name in _AS_THEY_ARE},
        "freeze": {name: _frozen_to_json(name, value) for name, value in options.freeze.items()},
        **Restraints(options.tie, bounds, options.priors).to_json(),
    }


def options_from_json(
    document: Mapping[str, Json], stages: Mapping[str, Fitted], objective: Objective | None
) -> FitOptions:
    """Inverse of `options_to_json`.

    Args:
        document: the JSON object.
        stages: the fits of sub-laws, by name.
        objective: replaces the objective of the file, if given.

    Raises:
        DataError: the objective is not one of this package, and none is given.
    """
    restraints = Restraints.from_json(document)
    return FitOptions(
        objective=objective or _objective_from_json(document["objective"]),
        **{name: document[name] for name in _AS_THEY_ARE},
        freeze={n: _frozen_from_json(value, stages) for n, value in document["freeze"].items()},
        tie=restraints.tie,
        bounds={
            name: (None if low == -np.inf else low, None if high == np.inf else high)
            for name, (low, high) in restraints.bounds.items()
        },
        priors=restraints.priors,
    )


def _objective_to_json(objective: Objective) -> dict[str, Json]:
    """The name of its class and, for one of this package, its numbers."""
    kind = type(objective)
    constants = vars(objective) if kind in _OBJECTIVES.values() else {}
    return {"type": kind.__name__} | {n: numbers_to_json(value) for n, value in constants.items()}


def _objective_from_json(document: Mapping[str, Json]) -> Objective:
    name = document["type"]
    if name not in _OBJECTIVES:
        raise DataError(
            f"the fit minimised {name!r}, which is not an objective of this package: pass "
            "objective= to FitResult.load"
        )
    constants = {key: numbers_from_json(value) for key, value in document.items() if key != "type"}
    return _OBJECTIVES[name](**constants)


def _frozen_to_json(name: str, value: Frozen) -> Json:
    if isinstance(value, (numbers.Real, list, tuple, np.ndarray)):
        return numbers_to_json(value)
    return law_to_json(value) if isinstance(value, Law) else {"stage": name}


def _frozen_from_json(value: Json, stages: Mapping[str, Fitted]) -> Frozen:
    if not isinstance(value, dict):
        return numbers_from_json(value)
    return stages[value["stage"]] if "stage" in value else law_from_json(value)


def fit_to_json(result: Tree) -> dict[str, Json]:
    """The file of a fit, a `FitResult`: that of its law, with one more key."""
    draws = result.ensemble_status
    return {
        "format": FORMAT,
        "law": law_to_json(result.law),
        "fit": {
            "options": options_to_json(result.options),
            "status": result.status.name,
            **{name: numbers_to_json(getattr(result, name)) for name in NUMBERS},
            "other_optima": [each.to_json() for each in result.other_optima],
            "fitted_range": {k: list(ends) for k, ends in result.fitted_range.items()},
            "identifiability": result.identifiability.to_json(),
            "num_runs": result.num_runs,
            "num_left": result.num_left,
            "frozen": list(result.frozen),
            "restraints": result.restraints.to_json(),
            "warnings": list(result.warnings),
            **{name: dict(getattr(result, name)) for name in PLAIN},
            "stages": {name: fit_to_json(stage) for name, stage in result.stages.items()},
            "ensemble": None if result.ensemble is None else law_to_json(result.ensemble),
            "ensemble_status": None if draws is None else [int(status) for status in draws],
            "jackknife": None if result.jackknife is None else law_to_json(result.jackknife),
        },
    }
