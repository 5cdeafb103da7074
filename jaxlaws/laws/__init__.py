"""The laws: each file defines one law and its published presets, and is found without a list.

Laws of a model's size and tokens, and laws of distillation, are in this folder. Laws of a single
input are in `one_input/`, and laws with inputs beyond size and tokens in `further_inputs/`.
"""

import functools
import importlib
import pkgutil
from types import ModuleType

from jaxlaws.foundations.law import Law
from jaxlaws.pytree import LAW_CLASSES


@functools.cache
def modules() -> dict[str, ModuleType]:
    """The modules that define a law, by the last part of their name.

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
