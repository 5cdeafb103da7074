"""Names of the coefficients of a law; those of its sub-laws are written as `supervised.E`."""

import dataclasses
import typing
from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

from jaxlaws.foundations.law import Law
from jaxlaws.pytree import Domain, declarations

_V = TypeVar("_V")


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
    """The declared domain of a coefficient; the real numbers if it declares none."""
    declared = declarations(law_type).get(name)
    return Domain.REAL if declared is None else declared.domain


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
        Values by field, and values by coefficient for each sub-law.

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
        elif not sub and name in fields:
            own[name] = value
        else:
            close = get_close_matches(name, fields, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise ValueError(
                f"{law_type.__name__} has no coefficient {name!r}; {hint}it has {', '.join(fields)}"
            )
    return own, inner
