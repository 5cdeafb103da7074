"""Coefficients by name, those of a law's own laws as `supervised.E`."""

import dataclasses
import typing
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from jaxlaws.pytree import Domain, declarations


def sub_laws(law_type: type[Any]) -> dict[str, type[Any]]:
    """The fields of a law that hold a law, with its type."""
    hints = typing.get_type_hints(law_type)
    return {
        field.name: hints[field.name]
        for field in dataclasses.fields(law_type)
        if hasattr(hints[field.name], "input_names")
    }


def domain_of(law_type: type[Any], name: str) -> Domain:
    """The domain of a coefficient; of one that declares none, any number."""
    declared = declarations(law_type).get(name)
    return Domain.REAL if declared is None else declared.domain


def sort_names(
    law_type: type[Any], given: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """What is given of the law's own fields, and of the coefficients of each of its sub-laws.

    Raises:
        ValueError: there is no such name.
    """
    subs = sub_laws(law_type)
    fields = [field.name for field in dataclasses.fields(law_type)]
    own: dict[str, Any] = {}
    inner: dict[str, dict[str, Any]] = {name: {} for name in subs}
    for name, value in given.items():
        outer, _, rest = name.partition(".")
        if outer not in fields or (rest and outer not in subs):
            close = get_close_matches(name, fields, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise ValueError(
                f"{law_type.__name__} has no coefficient {name!r}; {hint}it has {', '.join(fields)}"
            )
        if rest:
            inner[outer][rest] = value
        else:
            own[name] = value
    return own, inner
