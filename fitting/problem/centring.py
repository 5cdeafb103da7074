"""A change of units in which a fit is easy: inputs by the runs' geometric mean.

`A / N**alpha` becomes `a / (N / N0)**alpha` with `a = A / N0**alpha`, which is of order one and
hardly correlated with alpha. Which coefficient carries which unit is read off the law's fields.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from jaxlaws.inputs import INPUTS
from jaxlaws.pytree import declarations

_T = TypeVar("_T")

# Scale of each unit, such as {"parameters": 1e9}.
Scales = Mapping[str, Any]

_LARGEST_FACTOR = 1e250


def scales_of(inputs: Mapping[str, np.ndarray], *laws: Any) -> dict[str, float]:
    """The geometric mean of the inputs of each unit that some coefficient of the laws carries.

    Inputs of one unit share one scale: a student's size is measured as a model's is.

    Args:
        inputs: values by name, `(num_runs,)` each.
        laws: laws or types of laws.
    """
    logs: dict[str, list[np.ndarray]] = {}
    carried = {INPUTS[name].unit for law in laws for name in _carried(law)}
    for name, values in inputs.items():
        if INPUTS[name].unit in carried:
            logs.setdefault(INPUTS[name].unit, []).append(np.log(values))
    return {unit: float(np.exp(np.mean(np.concatenate(found)))) for unit, found in logs.items()}


def centre_inputs(inputs: Mapping[str, Any], scales: Scales) -> dict[str, Any]:
    """Inputs in units of the scales."""
    return {name: values / scales.get(INPUTS[name].unit, 1.0) for name, values in inputs.items()}


def centre(law: _T, scales: Scales) -> _T:
    """The law that gives for centred inputs what `law` gives for the inputs themselves."""
    return _rescale(law, {unit: 1.0 / scale for unit, scale in scales.items()})


def uncentre(law: _T, scales: Scales) -> _T:
    """Inverse of `centre`."""
    return _rescale(law, scales)


def unit_factor(law: Any, name: str, scales: Scales) -> Any:
    """What one coefficient of a law is multiplied by when its unit's input grows by the scale."""
    declared = declarations(law).get(name)
    if declared is None or declared.unit_of is None:
        return 1.0
    exponent = 1.0 if declared.power is None else getattr(law, declared.power)
    return scales.get(INPUTS[declared.unit_of].unit, 1.0) ** exponent


def is_expressible(law: Any, scales: Scales) -> Any:
    """Whether every coefficient of a centred law is a number in the user's units too.

    An exponent that the runs send to infinity would take the amplitude beside it there.
    """
    inside: Any = True
    for name in declarations(law):
        factor = unit_factor(law, name, scales)
        inside = inside & (factor > 1 / _LARGEST_FACTOR) & (factor < _LARGEST_FACTOR)
    return inside


def _rescale(law: _T, scales: Scales) -> _T:
    changed = {}
    for field in dataclasses.fields(law):  # pyright: ignore[reportArgumentType]
        value = getattr(law, field.name)
        if dataclasses.is_dataclass(value):
            changed[field.name] = _rescale(value, scales)
        elif field.name in declarations(law):
            changed[field.name] = value * unit_factor(law, field.name, scales)
    return dataclasses.replace(law, **changed)  # pyright: ignore[reportArgumentType]


def _carried(law: Any) -> set[str]:
    own = {d.unit_of for d in declarations(law).values() if d.unit_of is not None}
    values = [getattr(law, field.name, None) for field in dataclasses.fields(law)]
    return own.union(*(_carried(value) for value in values if dataclasses.is_dataclass(value)))
