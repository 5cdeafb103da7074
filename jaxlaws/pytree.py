"""Immutable dataclasses that are JAX trees, and the domains and units of coefficients.

A law declares on each field the domain of its coefficient and, where the coefficient has the unit
of an input, that unit: `A = positive(unit_of="num_params", power="alpha")` says that A has the
unit of N**alpha. Fits derive their bijections and their change of units from these declarations.
"""

import dataclasses
import enum
from typing import TypeAlias, TypeVar, dataclass_transform

import jax

from jaxlaws.foundations.annotations import Array

# A float, or an array of NumPy or JAX: a union of the three makes every formula a type error.
Coefficient: TypeAlias = Array

_T = TypeVar("_T")
_KEY = "jaxlaws"

# Every class of a law that the program has defined or imported, in order of definition. A saved
# law is found here by its name; no module is imported because a file names it.
LAW_CLASSES: list[type[object]] = []

# The attribute of a method with a function that checks and completes the method's class.
COMPLETE_CLASS = "_complete_class"


class Domain(enum.Enum):
    """The set that a coefficient lives in."""

    REAL = "real"
    POSITIVE = "positive"
    UNIT_INTERVAL = "unit interval"


@dataclasses.dataclass(frozen=True)
class Declaration:
    """The declared domain and unit of a coefficient.

    `unit_of` names an input. `power` names the coefficient of the same law that is the exponent
    of that unit; without it the exponent is 1.
    """

    domain: Domain
    unit_of: str | None = None
    power: str | None = None


def real() -> Coefficient:
    """A coefficient that may be any number."""
    return dataclasses.field(metadata={_KEY: Declaration(Domain.REAL)})


def positive(*, unit_of: str | None = None, power: str | None = None) -> Coefficient:
    """A coefficient above zero, with the unit of `unit_of ** power` where these are given."""
    return dataclasses.field(metadata={_KEY: Declaration(Domain.POSITIVE, unit_of, power)})


def unit_interval() -> Coefficient:
    """A coefficient strictly between 0 and 1."""
    return dataclasses.field(metadata={_KEY: Declaration(Domain.UNIT_INTERVAL)})


def static() -> Array:
    """A field that is not an array: part of the tree's structure, fixed at compilation."""
    return dataclasses.field(metadata={_KEY: None})


def declarations(tree: object) -> dict[str, Declaration]:
    """The declared coefficients of a dataclass (class or instance), by field name, in order.

    Raises:
        TypeError: the argument is not a dataclass.
    """
    if not dataclasses.is_dataclass(tree):
        raise TypeError(f"expected a law or the class of a law, got {tree!r}")
    return {
        field.name: field.metadata[_KEY]
        for field in dataclasses.fields(tree)
        if field.metadata.get(_KEY) is not None
    }


@dataclass_transform(
    eq_default=False,
    kw_only_default=True,
    frozen_default=True,
    field_specifiers=(real, positive, unit_interval, static),
)
def pytree(cls: type[_T]) -> type[_T]:
    """Make a class a frozen, keyword-only dataclass and a JAX tree.

    Fields are children of the tree unless declared `static()`. Instances compare by identity,
    because equality of arrays is ambiguous. JAX rebuilds trees with placeholders, so the
    constructor must not validate anything.

    A class with `loss` and `input_names` is a law. The program knows the class from now on:
    `jaxlaws.load` finds it by name.

    Raises:
        TypeError: a method under `jaxlaws.inputs.prediction` has inputs that are not valid.
    """
    for method in list(vars(cls).values()):
        if hasattr(method, COMPLETE_CLASS):
            getattr(method, COMPLETE_CLASS)(cls)
    made = dataclasses.dataclass(frozen=True, kw_only=True, eq=False)(cls)
    fields = dataclasses.fields(made)  # pyright: ignore[reportArgumentType]
    fixed = [each.name for each in fields if each.metadata.get(_KEY, "child") is None]
    children = [each.name for each in fields if each.name not in fixed]
    jax.tree_util.register_dataclass(made, data_fields=children, meta_fields=fixed)
    names = getattr(made, "input_names", None)
    if callable(getattr(made, "loss", None)) and isinstance(names, tuple):
        LAW_CLASSES.append(made)
    return made
