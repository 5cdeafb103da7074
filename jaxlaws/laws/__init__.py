"""The laws: each file defines one law and its published presets, and is found without a list."""

import functools
import importlib
import pkgutil
from types import ModuleType

from jaxlaws.law import Law
from jaxlaws.pytree import LAW_CLASSES


@functools.cache
def modules() -> dict[str, ModuleType]:
    """The modules of this folder by name; each defines one law."""
    return {
        info.name: importlib.import_module(f"{__name__}.{info.name}")
        for info in pkgutil.iter_modules(__path__)
    }


@functools.cache
def law_types() -> dict[str, type[Law]]:
    """The class of the law in each module, by the name of the module.

    Raises:
        TypeError: a module does not define exactly one law.
    """
    found: dict[str, type[Law]] = {}
    for name, module in modules().items():
        classes: list[type[Law]] = [
            value
            for value in vars(module).values()
            if value in LAW_CLASSES and value.__module__ == module.__name__
        ]
        if len(classes) != 1:
            raise TypeError(f"{module.__name__} must define one law, it defines {len(classes)}")
        found[name] = classes[0]
    return found
