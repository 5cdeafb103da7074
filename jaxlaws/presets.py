"""Published laws by name, discovered in the modules that define the laws."""

import functools
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import resources
from types import MappingProxyType

from jaxlaws import laws
from jaxlaws.foundations.annotations import Tree
from jaxlaws.foundations.provenance import Preset
from jaxlaws.pytree import LAW_CLASSES
from jaxlaws.saving import load as load_file


@functools.cache
def _of_the_package() -> Mapping[str, Preset]:
    found: dict[str, Preset] = {}
    for module in laws.modules().values():
        found |= getattr(module, "PRESETS", {})
    return MappingProxyType(dict(sorted(found.items())))


def _presets() -> dict[str, Preset]:
    """The presets of the package, and after them those beside laws of the user's own."""
    found = dict(_of_the_package())
    for name in {law_type.__module__: None for law_type in LAW_CLASSES}:
        if name.startswith(laws.__name__):
            continue
        own = getattr(sys.modules.get(name), "PRESETS", None)
        for title, preset in own.items() if isinstance(own, Mapping) else ():
            if title in found:
                raise ValueError(f"{name}: the preset {title!r} already exists, choose a new name")
            found[title] = preset
    return found


def names() -> list[str]:
    """The names of all presets, those of the package first.

    The attribute `PRESETS` of a module that defines a law holds presets by name. The presets of
    your own laws are known once your program has imported the module.

    >>> "busbridge2025" in names()
    True
    """
    return list(_presets())


def describe(name: str) -> Preset:
    """The provenance of a preset: source, what N counts, units, fitted range, intervals, mark.

    >>> describe("hoffmann2022").mark.value
    'secondary'

    Raises:
        ValueError: no preset has this name.
    """
    known = _presets()
    if name not in known:
        close = get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise ValueError(f"no preset {name!r}; {hint}there are {', '.join(known)}")
    return known[name]


def load(name: str) -> Tree:
    """The law with a preset's coefficients.

    >>> load("besiroglu2024").E
    1.8172

    Raises:
        ValueError: no preset has this name.
    """
    return describe(name).law


def ensemble(name: str) -> Tree:
    """The bootstrap draws of a preset: a batched law, each leaf with a leading axis over the draws.

    Raises:
        ValueError: no preset has this name, or the preset has no draws.
    """
    draws = describe(name).draws
    if draws is None:
        with_draws = [other for other, preset in _presets().items() if preset.draws]
        raise ValueError(
            f"preset {name!r} has no bootstrap draws; presets with draws: {', '.join(with_draws)}"
        )
    with resources.as_file(resources.files(laws) / draws) as path:
        return load_file(path)
