"""Plans as plain dictionaries: what JSON and tables are made of."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxlaws.planning.decisions.comparison import Winner
from jaxlaws.planning.decisions.crossover_budgets import Method
from jaxlaws.planning.engine.status import Status

_ENUMS = {"status": Status, "winner": Winner, "first": Method, "to": Method}


def _names(values: Any, enum: Any) -> Any:
    array = np.asarray(values)
    return enum(int(array)).name if array.ndim == 0 else [_names(each, enum) for each in array]


def _plain(name: str, value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(key, entry) for key, entry in value.items()}
    if name in _ENUMS:
        return _names(value, _ENUMS[name])
    array = np.asarray(value)
    if not np.issubdtype(array.dtype, np.floating):
        return array.tolist()
    finite = array.astype(object)
    finite[~np.isfinite(array)] = None
    return finite.tolist()


def plan_to_dict(plan: Any) -> dict[str, Any]:
    """A plan by its fields: numbers or lists, None where a number is not finite, enums by name.

    Args:
        plan: any plan or comparison, with concrete values.

    >>> from jaxlaws import presets
    >>> from jaxlaws.planning import compute_optimal
    >>> plan = compute_optimal(presets.load("besiroglu2024"), flops=[1e3, 1e21])
    >>> plan_to_dict(plan)["status"], plan_to_dict(plan)["num_params"][0]
    (['INFEASIBLE', 'CONVERGED'], None)
    """
    return _plain("", plan)
