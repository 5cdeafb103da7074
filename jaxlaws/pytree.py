"""Immutable dataclasses that JAX sees as trees, and what a coefficient may be.

A law declares on each field the domain of its coefficient and, where the coefficient carries the
unit of an input, which one: `A = positive(unit_of="num_params", power="alpha")` says that A has
the unit of N**alpha. Bijections and changes of unit are read off these declarations.
"""

import dataclasses
import enum
from typing import Any, TypeAlias, TypeVar, dataclass_transform

import jax

# A float, or an array (NumPy's or JAX's): a union of the three defeats checkers in formulas.
Coefficient: TypeAlias = Any

_T = TypeVar("_T")
_KEY = "jaxlaws"


class Domain(enum.Enum):
    """The set that a coefficient lives in."""

    REAL = "real"
    POSITIVE = "positive"
    UNIT_INTERVAL = "unit interval"


@dataclasses.dataclass(frozen=True)
class Declaration:
    """What a field declares of its coefficient: its domain, and the unit that it carries.

    `unit_of` names an input and `power` the law's own coefficient that is the exponent of that
    unit (none: exponent 1).
    """

    domain: Domain
    unit_of: str | None = None
    power: str | None = None


def real() -> Any:
    """A coefficient that may be any number."""
    return dataclasses.field(metadata={_KEY: Declaration(Domain.REAL)})


def positive(*, unit_of: str | None = None, power: str | None = None) -> Any:
    """A coefficient above zero, with the unit of `unit_of ** power` where it carries one."""
    return dataclasses.field(metadata={_KEY: Declaration(Domain.POSITIVE, unit_of, power)})


def unit_interval() -> Any:
    """A coefficient strictly between 0 and 1."""
    return dataclasses.field(metadata={_KEY: Declaration(Domain.UNIT_INTERVAL)})


def static() -> Any:
    """A field that is no array: part of the tree's structure, fixed at compilation."""
    return dataclasses.field(metadata={_KEY: None})


def declarations(tree_type: Any) -> dict[str, Declaration]:
    """The declared coefficients of a class (or instance), by field name, in order."""
    return {
        field.name: field.metadata[_KEY]
        for field in dataclasses.fields(tree_type)
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

    Fields are children of the tree unless declared `static()`. Instances compare by identity:
    equality of arrays is ambiguous. JAX rebuilds trees with placeholders, so nothing may be
    validated in the constructor.
    """
    # `Any`: the checker knows a dataclass by the decorator above, not by this call.
    made: Any = dataclasses.dataclass(frozen=True, kw_only=True, eq=False)(cls)
    names = {
        is_static: [
            f.name
            for f in dataclasses.fields(made)
            if (_KEY in f.metadata and f.metadata[_KEY] is None) == is_static
        ]
        for is_static in (False, True)
    }
    return jax.tree_util.register_dataclass(made, data_fields=names[False], meta_fields=names[True])
