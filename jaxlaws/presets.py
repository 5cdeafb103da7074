"""Published laws by name, discovered beside the laws that they are coefficients of."""

import functools
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import resources
from types import MappingProxyType
from typing import Any

from jaxlaws import laws
from jaxlaws.foundations.provenance import Preset
from jaxlaws.saving import load as load_file


@functools.cache
def _presets() -> Mapping[str, Preset]:
    found: dict[str, Preset] = {}
    for module in laws.modules().values():
        found |= getattr(module, "PRESETS", {})
    return MappingProxyType(dict(sorted(found.items())))


def names() -> list[str]:
    """The names of all presets, sorted.

    >>> "busbridge2025" in names()
    True
    """
    return list(_presets())


def describe(name: str) -> Preset:
    """Where a preset comes from: source, what N counts, units, fitted range, intervals, mark.

    >>> describe("hoffmann2022").mark.value
    'secondary'

    Raises:
        ValueError: no preset has this name.
    """
    if name not in _presets():
        close = get_close_matches(name, names(), n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise ValueError(f"no preset {name!r}; {hint}there are {', '.join(names())}")
    return _presets()[name]


def load(name: str) -> Any:
    """The law with a preset's coefficients.

    >>> load("besiroglu2024").E
    1.8172

    Raises:
        ValueError: no preset has this name.
    """
    return describe(name).law


def ensemble(name: str) -> Any:
    """A preset's bootstrap draws: a batched law, each leaf with a leading axis over the draws.

    Raises:
        ValueError: no preset has this name, or it has no draws.
    """
    draws = describe(name).draws
    if draws is None:
        having = [other for other in names() if _presets()[other].draws]
        raise ValueError(f"preset {name!r} has no bootstrap draws; {', '.join(having)} has")
    with resources.as_file(resources.files(laws) / draws) as path:
        return load_file(path)
