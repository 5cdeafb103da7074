"""A change of units in which a fit is easy: inputs by the runs' geometric mean.

`A / N**alpha` becomes `a / (N / N0)**alpha` with `a = A / N0**alpha`, which is of order one and
hardly correlated with alpha. Which coefficient carries which unit is read off the law's fields.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from jaxlaws.inputs import known_inputs
from jaxlaws.pytree import declarations

_T = TypeVar("_T")

# Scale of each input by name, such as {"num_params": 1e9}.
Scales = Mapping[str, Any]

_LARGEST_FACTOR = 1e250


def scales_of(inputs: Mapping[str, np.ndarray], *laws: Any) -> dict[str, float]:
    """The geometric mean of the inputs of each unit that some coefficient of the laws carries.

    Inputs of one unit share one scale: a student's size is measured as a model's is. An input
    without a unit has a scale of its own.

    Args:
        inputs: values by name, `(num_runs,)` each; zeros do not count.
        laws: laws or types of laws.

    Returns:
        The scale of each input that the laws take or name as a unit, where it has one.
    """
    every = [part for law in laws for part in _parts(law)]
    known = {name: kind for part in every for name, kind in known_inputs(part).items()}
    units = {name: kind.unit or name for name, kind in known.items()}
    carried = {units[d.unit_of] for part in every for d in declarations(part).values() if d.unit_of}
    logs: dict[str, list[np.ndarray]] = {}
    for name, values in inputs.items():
        if units[name] in carried:
            logs.setdefault(units[name], []).append(np.log(values[values > 0]))
    found = {unit: np.concatenate(each) for unit, each in logs.items()}
    scales = {unit: float(np.exp(np.mean(each))) for unit, each in found.items() if len(each)}
    return {name: scales[unit] for name, unit in units.items() if unit in scales}


def centre_inputs(inputs: Mapping[str, Any], scales: Scales) -> dict[str, Any]:
    """Inputs in units of the scales."""
    return {name: values / scales.get(name, 1.0) for name, values in inputs.items()}


def centre(law: _T, scales: Scales) -> _T:
    """The law that gives for centred inputs what `law` gives for the inputs themselves."""
    return _rescale(law, {name: 1.0 / scale for name, scale in scales.items()})


def uncentre(law: _T, scales: Scales) -> _T:
    """Inverse of `centre`."""
    return _rescale(law, scales)


def unit_factor(law: Any, name: str, scales: Scales) -> Any:
    """What one coefficient of a law is multiplied by when its unit's input grows by the scale."""
    declared = declarations(law).get(name)
    if declared is None or declared.unit_of is None:
        return 1.0
    exponent = 1.0 if declared.power is None else getattr(law, declared.power)
    return scales.get(declared.unit_of, 1.0) ** exponent


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


def _parts(law: Any) -> list[Any]:
    """A law and its sub-laws; of a type of laws, the type alone."""
    values = [getattr(law, field.name, None) for field in dataclasses.fields(law)]
    return [
        law,
        *(part for each in values if dataclasses.is_dataclass(each) for part in _parts(each)),
    ]
