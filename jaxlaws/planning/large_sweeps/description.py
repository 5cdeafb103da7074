"""A question as JSON, so that two questions can be compared: its function, settings and law."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Mapping

import numpy as np

from jaxlaws.foundations.annotations import Json, Tree
from jaxlaws.planning.engine.planner import Planner

_MOST_NUMBERS = 8  # of an array that is written out; a longer one has a hash


def described(value: Tree) -> Json:
    """A value as JSON. Equal values have equal JSON; long arrays have a hash of their numbers.

    Args:
        value: a planning function with its settings, a law, or numbers and trees of them.

    Raises:
        TypeError: the value has no name by which a later start could recognise it, such as a
            `lambda`.

    >>> from jaxlaws.planning import train_fixed
    >>> described(functools.partial(train_fixed, num_params=1e9))["settings"]
    {'num_params': 1000000000.0}
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else str(value)
    if isinstance(value, functools.partial):
        called, settings = value.func, {**dict(enumerate(value.args)), **value.keywords}
        return {"function": described(called), "settings": described(settings)}
    if isinstance(value, Planner):
        return {"function": described(value.question), "settings": described(value.settings)}
    if isinstance(value, Mapping):
        return {str(name): described(each) for name, each in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
        return {"type": _name(type(value)), **described(fields)}
    if isinstance(value, (list, tuple)):
        return [described(each) for each in value]
    if hasattr(value, "__array__"):
        return _array(np.asarray(value))
    return _name(value)


def digest(document: Json) -> str:
    """The SHA-256 of a JSON value."""
    text = json.dumps(document, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _array(array: np.ndarray) -> Json:
    if array.size <= _MOST_NUMBERS:
        return described(array.tolist())
    content = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
    return {"shape": list(array.shape), "dtype": str(array.dtype), "sha256": content}


def _name(value: Tree) -> str:
    name = f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', '<unknown>')}"
    if "<" in name:
        raise TypeError(
            f"the manifest of a data set cannot name {value!r}: use functions and classes from the "
            "top level of a module, with functools.partial for their settings"
        )
    return name
