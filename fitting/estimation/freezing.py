"""Coefficients and sub-laws that a fit keeps fixed."""

import numbers
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from fitting.estimation.results import FitResult
from fitting.problem.coefficient_names import domain_of, sort_names, sub_laws
from jaxlaws.precision import to_float64
from jaxlaws.pytree import Domain


def sort_out(
    law_type: type[Any], freeze: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """What is frozen of the law itself, and of each of its sub-laws (`supervised.E`).

    Raises:
        ValueError: no coefficient or sub-law has such a name, or the value is not in its domain.
        TypeError: a law is needed where a number was given, or the reverse, or another law.
    """
    subs = sub_laws(law_type)
    given, inner = sort_names(law_type, freeze)
    own: dict[str, Any] = {
        name: _checked_law(name, value, subs[name])
        if name in subs
        else _checked_number(law_type, name, value)
        for name, value in given.items()
    }
    for name in subs:
        if name in own and inner[name]:
            raise ValueError(f"freeze {name!r} or its coefficients, not both")
    return own, inner


def values_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The frozen numbers and laws, float64."""
    return {
        name: to_float64(value.law if isinstance(value, FitResult) else value)
        for name, value in given.items()
    }


def draws_of(given: Mapping[str, Any], num_draws: int) -> dict[str, Any] | None:
    """The same with a leading axis over replicates, or None where all are the same in each.

    Replicate i takes draw i of a frozen fit, around again where there are fewer.
    """
    drawn = {
        name: value.usable_ensemble()
        for name, value in given.items()
        if isinstance(value, FitResult) and value.ensemble is not None
    }
    if not drawn:
        return None
    return {
        name: jax.tree.map(
            lambda leaf: np.asarray(leaf)[np.arange(num_draws) % len(leaf)], drawn[name]
        )
        if name in drawn
        else jax.tree.map(lambda leaf: np.full(num_draws, leaf), value)
        for name, value in values_of(given).items()
    }


def _checked_law(name: str, value: Any, expected: type[Any]) -> Any:
    law = value.law if isinstance(value, FitResult) else value
    takes = getattr(law, "input_names", None)
    if isinstance(law, type) or takes is None or set(takes) != set(expected.input_names):
        raise TypeError(
            f"freeze {name!r}: expected a law of {', '.join(expected.input_names)} such as "
            f"{expected.__name__}, or a FitResult of one, got {law!r}"
        )
    if any(np.ndim(leaf) for leaf in jax.tree.leaves(law)):
        raise TypeError(f"freeze {name!r}: expected one law, got a batched one; pass a FitResult")
    return value


def _checked_number(law_type: type[Any], name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"freeze {name!r}: expected a number, got {value!r}")
    domain = domain_of(law_type, name)
    number = float(value)
    inside = {
        Domain.REAL: np.isfinite(number),
        Domain.POSITIVE: 0 < number < np.inf,
        Domain.UNIT_INTERVAL: 0 < number < 1,
    }
    if not inside[domain]:
        raise ValueError(f"freeze {name!r}: expected a {domain.value} number, got {value!r}")
    return number
