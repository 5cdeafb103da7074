"""One file a law, its published presets beside it; a new file here is found, not listed."""

import functools
import importlib
import inspect
import pkgutil
from types import ModuleType
from typing import Any


@functools.cache
def modules() -> dict[str, ModuleType]:
    """The modules of this folder by name, each of which holds one law."""
    return {
        info.name: importlib.import_module(f"{__name__}.{info.name}")
        for info in pkgutil.iter_modules(__path__)
    }


@functools.cache
def law_types() -> dict[str, type[Any]]:
    """The law of each module, by the module's name."""
    found = {}
    for name, module in modules().items():
        classes = [
            value
            for value in vars(module).values()
            if inspect.isclass(value)
            and value.__module__ == module.__name__
            and hasattr(value, "input_names")
        ]
        if len(classes) != 1:
            raise TypeError(f"{module.__name__} must define one law, it defines {len(classes)}")
        found[name] = classes[0]
    return found
