"""The options of a fit as JSON, as part of the file of the fit.

A file names classes only for the reader: the package looks a name up among its own classes, and
imports nothing that a file names.
"""

import numbers
from collections.abc import Mapping

import numpy as np

from fitting.estimation.options import FitOptions, Fitted, Frozen
from fitting.problem.objectives import (
    AsymmetricHuber,
    Huber,
    LogSquares,
    Objective,
    Squares,
    StudentT,
)
from fitting.problem.restraints import Restraints
from jaxlaws.foundations.annotations import Json
from jaxlaws.foundations.errors import DataError
from jaxlaws.foundations.law import Law
from jaxlaws.saving import law_from_json, law_to_json, numbers_from_json, numbers_to_json

_OBJECTIVES = {
    kind.__name__: kind for kind in (AsymmetricHuber, Huber, LogSquares, Squares, StudentT)
}
_AS_THEY_ARE = (
    "num_starts", "starts", "bootstrap", "resample", "jackknife", "cluster", "weights", "seed",
    "throw",
)  # fmt: skip


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
