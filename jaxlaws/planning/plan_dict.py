"""Plans as plain dictionaries, from which JSON and tables are made."""

import dataclasses
import enum
from collections.abc import Mapping

import numpy as np

from jaxlaws.foundations.annotations import Array, Json, Tree
from jaxlaws.planning.decisions.comparison import Winner
from jaxlaws.planning.decisions.crossover_budgets import Method
from jaxlaws.planning.engine.status import Status

_RATIO_OF = (("num_params", "num_tokens"), ("num_student_params", "num_student_tokens"))
# The fields that hold the integer of an enum, of which the name is written.
_ENUMS: dict[str, type[enum.IntEnum]] = {
    "status": Status,
    "winner": Winner,
    "first": Method,
    "to": Method,
}


def _names(values: Array, values_of: type[enum.IntEnum]) -> Json:
    array = np.asarray(values)
    if array.ndim == 0:
        return values_of(int(array)).name
    return [_names(each, values_of) for each in array]


def _plain(name: str, value: Tree) -> Json:
    if dataclasses.is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        value |= value.pop("further_inputs", {})
        value = with_tokens_per_param(value)
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


def with_tokens_per_param(fields: dict[str, Tree]) -> dict[str, Tree]:
    """The fields of a plan with the tokens per parameter of its model, after the tokens."""
    for size, tokens in _RATIO_OF:
        if size in fields and tokens in fields:
            ratio = {"tokens_per_param": np.divide(fields[tokens], fields[size])}
            names = list(fields)
            until = max(names.index(size), names.index(tokens)) + 1
            return {
                **{name: fields[name] for name in names[:until]},
                **ratio,
                **{name: fields[name] for name in names[until:]},
            }
    return fields


def plan_to_dict(plan: Tree) -> dict[str, Json]:
    """The fields of a plan by name, as numbers, lists and strings.

    A number that is not finite becomes None. A status and other enums become their names. A plan
    with a size and tokens also has `tokens_per_param`, of the model or the student.

    Args:
        plan: any plan or answer of this package, with concrete values.

    >>> from jaxlaws import presets
    >>> from jaxlaws.planning import compute_optimal
    >>> plan = compute_optimal(presets.load("besiroglu2024"), flops=[1e3, 1e21])
    >>> plan_to_dict(plan)["status"], plan_to_dict(plan)["num_params"][0]
    (['INFEASIBLE', 'CONVERGED'], None)
    """
    return _plain("", plan)
