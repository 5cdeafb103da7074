"""Names of the coefficients of a law.

Those of a sub-law are written as `supervised.E`. Each number of an array of coefficients, called an
element, has a name such as `t[1,2]`; the name of a number that is not in an array is its field.
"""

import dataclasses
import re
import typing
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import TypeVar

import jax.numpy as jnp
import numpy as np

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.law import Law, element_name
from jaxlaws.pytree import Domain, declarations

_V = TypeVar("_V")
_ELEMENT = re.compile(r"(\w+)\s*\[([\s\d,]*)\]")


def field_names(law_type: type[Law]) -> list[str]:
    """The fields of a law in order: its own coefficients and its sub-laws."""
    return [field.name for field in dataclasses.fields(law_type)]  # pyright: ignore[reportArgumentType]


def sub_laws(law_type: type[Law]) -> dict[str, type[Law]]:
    """The type of each field of a law that holds another law."""
    hints = typing.get_type_hints(law_type)
    return {
        name: hints[name] for name in field_names(law_type) if hasattr(hints[name], "input_names")
    }


def domain_of(law_type: type[Law], name: str) -> Domain:
    """The declared domain of a coefficient or an element; the real numbers if it declares none."""
    declared = declarations(law_type).get(split_index(name)[0])
    return Domain.REAL if declared is None else declared.domain


def shape_of(law_type: type[Law], name: str) -> tuple[int, ...]:
    """The declared shape of a coefficient; empty for a number, an element, or a sub-law."""
    declared = declarations(law_type).get(name)
    return () if declared is None else declared.shape


def elements_of(law_type: type[Law], name: str) -> list[str]:
    """The elements of an array of coefficients; of anything else, its name alone."""
    return [element_name(name, index) for index in np.ndindex(shape_of(law_type, name))]


def split_index(name: str) -> tuple[str, tuple[int, ...]]:
    """The coefficient and the index of an element.

    >>> split_index("t[1, 2]"), split_index("alpha")
    (('t', (1, 2)), ('alpha', ()))
    """
    match = _ELEMENT.fullmatch(name.strip())
    if match is None:
        return name, ()
    return match[1], tuple(int(part) for part in match[2].split(",") if part.strip())


def value_of(values: Tree | Mapping[str, Array], element: str) -> Array:
    """The value of an element.

    Args:
        values: a law, or numbers and arrays by coefficient. The axes of a batch come first.
        element: the name of the element.
    """
    name, index = split_index(element)
    value = values[name] if isinstance(values, Mapping) else getattr(values, name)
    return value[(..., *index)] if index and jnp.ndim(value) else value


def split_name(name: str) -> tuple[str, str]:
    """The sub-law that a coefficient belongs to ("" for the law itself), and its name there.

    >>> split_name("supervised.alpha"), split_name("alpha")
    (('supervised', 'alpha'), ('', 'alpha'))
    """
    sub, dot, inner = name.partition(".")
    return (sub, inner) if dot else ("", name)


def sort_names(
    law_type: type[Law], given: Mapping[str, _V]
) -> tuple[dict[str, _V], dict[str, dict[str, _V]]]:
    """Separate what is given for the law's own fields from what is given for its sub-laws.

    Returns:
        Values by field or element, and values by coefficient for each sub-law.

    Raises:
        ValueError: the law has no coefficient of this name.
    """
    subs, fields = sub_laws(law_type), field_names(law_type)
    own: dict[str, _V] = {}
    inner: dict[str, dict[str, _V]] = {name: {} for name in subs}
    for name, value in given.items():
        sub, rest = split_name(name)
        if sub in subs and rest:
            inner[sub][rest] = value
        elif not sub and split_index(name)[0] in fields:
            own[_checked_element(law_type, name)] = value
        else:
            close = get_close_matches(name, fields, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise ValueError(
                f"{law_type.__name__} has no coefficient {name!r}; {hint}it has {', '.join(fields)}"
            )
    return own, inner


def by_element(
    law_type: type[Law],
    option: str,
    given: Mapping[str, _V],
    pick: Callable[[_V, tuple[int, ...], tuple[int, ...]], _V] = lambda value, *_: value,
) -> dict[str, _V]:
    """What is given for coefficients, by element: what is given for an array holds for each number.

    Args:
        law_type: the class of the law.
        option: the name of the option, for the error.
        given: values by field or element.
        pick: the value of one element, from the value of the array, the index, and the shape.

    Raises:
        ValueError: an element is given twice.
    """
    found: dict[str, _V] = {}
    for name, value in given.items():
        shape = shape_of(law_type, name)
        for index in np.ndindex(shape):
            element = element_name(name, index)
            if element in found or (shape and element in given):
                raise ValueError(
                    f"{option}: {element!r} is given twice, alone and as part of {name!r}"
                )
            found[element] = pick(value, index, shape) if shape else value
    return found


def _checked_element(law_type: type[Law], name: str) -> str:
    field, index = split_index(name)
    shape = shape_of(law_type, field)
    is_inside = len(index) == len(shape) and all(map(int.__lt__, index, shape))
    if field != name and not is_inside:
        what = f"an array of shape {shape}" if shape else "a number, not an array"
        raise ValueError(f"{law_type.__name__} has no coefficient {name!r}: {field} is {what}")
    return element_name(field, index)
