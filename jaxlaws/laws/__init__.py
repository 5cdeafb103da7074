"""The laws: one file for each, with its published presets.

Laws of a model's size and tokens, and laws of distillation, are in this folder. Laws of a single
input are in `one_input/`, and laws with inputs beyond size and tokens in `further_inputs/`. A new
file in any of the three is found; there is no list to edit.
"""

import functools
import importlib
import inspect
import pkgutil
from types import ModuleType
from typing import Any


@functools.cache
def modules() -> dict[str, ModuleType]:
    """Every module that holds a law, by the last part of its name.

    Raises:
        TypeError: two modules have the same name.
    """
    found: dict[str, ModuleType] = {}
    for info in pkgutil.walk_packages(__path__, f"{__name__}."):
        name = info.name.rpartition(".")[2]
        if name in found:
            raise TypeError(
                f"{found[name].__name__} and {info.name} have the same name; rename one"
            )
        if not info.ispkg:
            found[name] = importlib.import_module(info.name)
    return dict(sorted(found.items()))


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
