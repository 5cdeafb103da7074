"""Coefficients and sub-laws that do not move in a fit."""

import numbers
from collections.abc import Mapping

import jax
import numpy as np

from fitting.estimation.options import Frozen
from fitting.estimation.results import FitResult
from fitting.problem.coefficient_names import by_element, domain_of, sort_names, sub_laws
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.batches import batch_shape
from jaxlaws.foundations.domain_checks import EDGES
from jaxlaws.foundations.law import Law
from jaxlaws.precision import to_float64


def sort_out(
    law_type: type[Law], freeze: Mapping[str, Frozen]
) -> tuple[dict[str, Frozen], dict[str, dict[str, Frozen]]]:
    """Separate what is frozen in the law itself from what is frozen in each of its sub-laws.

    An array of coefficients is frozen at an array of its shape, or each element at one number; in
    what is returned, its elements are frozen one by one.

    Raises:
        ValueError: there is no coefficient or sub-law of such a name, or the value is outside the
            coefficient's domain, or has another shape than the coefficient.
        TypeError: a number is given where a law is needed, or the reverse, or a law with other
            inputs.
    """
    subs = sub_laws(law_type)
    given, inner = sort_names(law_type, freeze)
    own: dict[str, Frozen] = {
        name: _checked_law(name, value, subs[name])
        if name in subs
        else _checked_number(law_type, name, value)
        for name, value in by_element(law_type, "freeze", given, _element_of).items()
    }
    for name in subs:
        if name in own and inner[name]:
            raise ValueError(f"freeze {name!r} or its coefficients, not both")
    return own, inner


def values_of(frozen: Mapping[str, Frozen]) -> dict[str, Tree]:
    """The frozen numbers and laws, float64."""
    return {
        name: to_float64(value.law if isinstance(value, FitResult) else value)
        for name, value in frozen.items()
    }


def draws_of(frozen: Mapping[str, Frozen], num_draws: int) -> dict[str, Tree] | None:
    """The frozen numbers and laws with a leading axis over draws; None if no fit has draws.

    Draw i uses draw i of each frozen fit. A fit with fewer draws is used again from its first.
    """
    drawn = {
        name: value.usable_ensemble()
        for name, value in frozen.items()
        if isinstance(value, FitResult) and value.ensemble is not None
    }
    if not drawn:
        return None
    return {
        name: jax.tree.map(
            lambda leaf: np.asarray(leaf)[np.arange(num_draws) % len(leaf)], drawn[name]
        )
        if name in drawn
        else jax.tree.map(lambda leaf: np.broadcast_to(leaf, (num_draws, *np.shape(leaf))), value)
        for name, value in values_of(frozen).items()
    }


def _checked_law(name: str, value: Frozen, expected: type[Law]) -> Frozen:
    law = value.law if isinstance(value, FitResult) else value
    inputs = getattr(law, "input_names", None)
    if isinstance(law, type) or inputs is None or set(inputs) != set(expected.input_names):
        got = type(law).__name__ if inputs else repr(law)
        if inputs and isinstance(getattr(law, name, None), expected):
            got += f". Freeze its own {name!r}, which is such a law"
        raise TypeError(
            f"freeze {name!r}: expected a law of {', '.join(expected.input_names)} such as "
            f"{expected.__name__}, or a FitResult of one, got {got}"
        )
    if batch_shape(law):
        raise TypeError(f"freeze {name!r}: expected one law, got a batched law; pass a FitResult")
    return value


def _element_of(value: Array, index: tuple[int, ...], shape: tuple[int, ...]) -> Array:
    if not np.ndim(value):
        return value
    if np.shape(value) != shape:
        raise ValueError(f"freeze: expected an array of shape {shape}, got {np.shape(value)}")
    return np.asarray(value)[index].item()


def _checked_number(law_type: type[Law], name: str, value: Frozen) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"freeze {name!r}: expected a number, got {value!r}")
    domain = domain_of(law_type, name)
    number, (low, high) = float(value), EDGES[domain]
    if not low < number < high:
        raise ValueError(f"freeze {name!r}: expected a {domain.value} number, got {value!r}")
    return number
