"""Centred units: each input is divided by the geometric mean of the runs, which makes a fit easy.

`A / N**alpha` becomes `a / (N / N0)**alpha` with `a = A / N0**alpha`, which is of order one and
hardly correlated with alpha. The fields of the law declare which coefficient has which unit.
"""

import dataclasses
import functools
import operator
from collections.abc import Mapping
from typing import TypeAlias, TypeVar

import jax.numpy as jnp
import numpy as np

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.inputs import known_inputs
from jaxlaws.pytree import declarations

_T = TypeVar("_T")

# The scale of each input by name, such as {"num_params": 1e9}.
Scales: TypeAlias = Mapping[str, Array]

_LARGEST_FACTOR = 1e250


def scales_of(inputs: Mapping[str, np.ndarray], *laws: Tree) -> dict[str, float]:
    """The geometric mean of the inputs of each unit that some coefficient of the laws has.

    Inputs of the same unit share one scale, such as the sizes of students and teachers. An input
    without a unit has its own scale.

    Args:
        inputs: values by name, `(num_runs,)` each. Of negative values the absolute values count;
            zeros do not count.
        laws: laws or classes of laws.

    Returns:
        The scale of each input, for the inputs of these units.
    """
    every = [part for law in laws for part in _parts(law)]
    known = {name: kind for part in every for name, kind in known_inputs(part).items()}
    units = {name: kind.unit or name for name, kind in known.items()}
    declared = [each for part in every for each in declarations(part).values()]
    carried = {units[power.name] for each in declared for power in each.unit}
    logs: dict[str, list[np.ndarray]] = {}
    for name, values in inputs.items():
        if units[name] in carried:
            logs.setdefault(units[name], []).append(np.log(np.abs(values[values != 0])))
    found = {unit: np.concatenate(each) for unit, each in logs.items()}
    scales = {unit: float(np.exp(np.mean(each))) for unit, each in found.items() if len(each)}
    return {name: scales[unit] for name, unit in units.items() if unit in scales}


def centre_inputs(inputs: Mapping[str, Array], scales: Scales) -> dict[str, Array]:
    """The inputs in centred units."""
    return {name: values / scales.get(name, 1.0) for name, values in inputs.items()}


def centre(law: _T, scales: Scales) -> _T:
    """The law whose predictions for centred inputs are those of `law` for the inputs."""
    return _rescale(law, {name: 1.0 / scale for name, scale in scales.items()})


def uncentre(law: _T, scales: Scales) -> _T:
    """The law in the user's units; inverse of `centre`."""
    return _rescale(law, scales)


def unit_factor(law: Tree, name: str, scales: Scales) -> Array:
    """The factor from centred units to the user's units of one coefficient of a law.

    For an array of coefficients the factor is an array of the same shape.
    """
    declared = declarations(law).get(name)
    if declared is None or not declared.unit:
        return 1.0
    shape = declared.shape
    factor = functools.reduce(
        operator.mul,
        (
            scales.get(power.name, 1.0)
            ** power.exponent_at(lambda exponent: _aligned(law, exponent, len(shape)))
            for power in declared.unit
        ),
    )
    if not shape:
        return factor
    batch = jnp.shape(factor)[: max(jnp.ndim(factor) - len(shape), 0)]
    return jnp.broadcast_to(factor, (*batch, *shape))


def _aligned(law: Tree, name: str, num_axes: int) -> Array:
    """The value of an exponent, to broadcast with an array of coefficients of so many axes."""
    value, declared = getattr(law, name), declarations(law).get(name)
    own = 0 if declared is None else len(declared.shape)
    batch = jnp.ndim(value) - own
    if batch <= 0 or own >= num_axes:
        return value
    axes = jnp.shape(value)
    return jnp.reshape(value, (*axes[:batch], *(1,) * (num_axes - own), *axes[batch:]))


def is_expressible(law: Tree, scales: Scales) -> Array:
    """Whether no coefficient of a centred law overflows in the user's units.

    Where an exponent goes to infinity, the amplitude of the same term would overflow.
    """
    inside: Array = True
    for name, declared in declarations(law).items():
        factor = unit_factor(law, name, scales)
        is_inside = (factor > 1 / _LARGEST_FACTOR) & (factor < _LARGEST_FACTOR)
        inside = inside & (jnp.all(is_inside) if declared.shape else is_inside)
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


def _parts(law: Tree) -> list[Tree]:
    """A law and its sub-laws; for the class of a law, the class alone."""
    values = [getattr(law, field.name, None) for field in dataclasses.fields(law)]
    return [
        law,
        *(part for each in values if dataclasses.is_dataclass(each) for part in _parts(each)),
    ]
