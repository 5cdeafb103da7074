"""Restraints of the coefficients of a fit besides freezing: ties, bounds and priors."""

import dataclasses
import numbers
from collections.abc import Mapping, Sequence
from typing import TypeAlias, TypedDict

import jax
import numpy as np

from fitting.problem.coefficient_names import (
    by_element,
    domain_of,
    field_names,
    shape_of,
    sort_names,
    split_name,
    sub_laws,
)
from fitting.problem.priors import LogNormal, Normal, Prior
from jaxlaws.foundations.annotations import Json, Tree
from jaxlaws.foundations.domain_checks import EDGES
from jaxlaws.foundations.errors import DataError
from jaxlaws.foundations.law import Law, coefficient_names, element_name
from jaxlaws.saving import numbers_from_json, numbers_to_json

# A pair as the user gives it: None for no bound on that side.
Bounds: TypeAlias = tuple[float | None, float | None]

_PRIORS = {"Normal": Normal, "LogNormal": LogNormal}


class InnerRestraints(TypedDict):
    """Ties, bounds and priors of the coefficients of a sub-law, as options of its own fit."""

    tie: dict[str, str]
    bounds: dict[str, Bounds]
    priors: dict[str, Prior]


@dataclasses.dataclass(frozen=True, eq=False)
class Restraints:
    """Ties, bounds and priors of a law's own coefficients, in the user's units.

    An array of coefficients is restrained element by element; names are such as `w[0]`.

    Attributes:
        tie: for each tied coefficient, the coefficient that it equals (`supervised.alpha` for one
            in a sub-law).
        bounds: the lowest and the highest value of a coefficient; infinite for no bound.
        priors: the prior of a coefficient.
    """

    tie: Mapping[str, str] = dataclasses.field(default_factory=dict)
    bounds: Mapping[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
    priors: Mapping[str, Prior] = dataclasses.field(default_factory=dict)

    @classmethod
    def sort_out(
        cls,
        law_type: type[Law],
        frozen: Mapping[str, Tree],
        tie: Mapping[str, str],
        bounds: Mapping[str, Bounds],
        priors: Mapping[str, Prior],
    ) -> tuple["Restraints", dict[str, InnerRestraints]]:
        """Check restraints and separate those of the law from those of its sub-laws.

        Args:
            law_type: the class of the law.
            frozen: its frozen elements and sub-laws.
            tie: for each tied coefficient, the coefficient that it equals. An array is tied to an
                array of the same shape, or each of its elements to one number.
            bounds: a pair for each coefficient, None for no bound on that side.
            priors: a prior for each coefficient. Bounds and priors of an array hold for each of
                its elements.

        Returns:
            The restraints of the law's own coefficients, and those of each sub-law.

        Raises:
            ValueError: a name is unknown, a coefficient is restrained twice, or bounds are not in
                order or outside the domain of the coefficient.
            TypeError: a tie is not a name, bounds are not a pair of numbers, or a prior is not a
                prior.
        """
        own_ties, inner_ties = sort_names(law_type, tie)
        own_bounds, inner_bounds = sort_names(law_type, bounds)
        own_priors, inner_priors = sort_names(law_type, priors)
        own_ties = _ties_by_element(law_type, own_ties)
        own_bounds = by_element(law_type, "bounds", own_bounds)
        own_priors = by_element(law_type, "priors", own_priors, _prior_of_element)
        subs = sub_laws(law_type)
        for name, source in own_ties.items():
            _check_tie(law_type, name, source, own_ties)
        fixed = {*frozen, *own_ties}
        for option, given, not_allowed in (
            ("tie", own_ties, frozen),
            ("bounds", own_bounds, fixed),
            ("priors", own_priors, fixed),
        ):
            for name in given:
                if name in subs:
                    raise ValueError(
                        f"{option}: {name!r} is a law; use the names of its coefficients, such as "
                        f"'{name}.{field_names(subs[name])[0]}'"
                    )
                if name in not_allowed:
                    raise ValueError(
                        f"{option}: {name!r} is already frozen or tied; remove one of the two"
                    )
        for name, prior in own_priors.items():
            if not isinstance(prior, Prior) or isinstance(prior, type):
                raise TypeError(
                    f"priors: expected a prior such as Normal(1.7, 0.1) for {name!r}, got {prior!r}"
                )
        inner: dict[str, InnerRestraints] = {
            sub: {
                "tie": _ties_inside(sub, inner_ties[sub]),
                "bounds": inner_bounds[sub],
                "priors": inner_priors[sub],
            }
            for sub in subs
        }
        for sub in frozen:
            if sub in inner and any(inner[sub].values()):
                raise ValueError(
                    f"{sub!r} is frozen, so tie, bounds and priors on '{sub}.*' are not allowed. "
                    f"Remove them, or unfreeze {sub!r}."
                )
        checked = {name: _edges(law_type, name, pair) for name, pair in own_bounds.items()}
        return cls(own_ties, checked, own_priors), inner

    def describe(self) -> dict[str, str]:
        """The restraints of each restrained coefficient, in words."""
        words = {name: f"equal to {source}" for name, source in self.tie.items()}
        words |= {n: f"between {low:g} and {high:g}" for n, (low, high) in self.bounds.items()}
        for name, prior in self.priors.items():
            words[name] = ", ".join(filter(None, [words.get(name), f"prior {prior}"]))
        return words

    def to_json(self) -> Json:
        """As a JSON object; a prior is the name of its class and its fields."""
        return {
            "tie": dict(self.tie),
            "bounds": {name: numbers_to_json(pair) for name, pair in self.bounds.items()},
            "priors": {
                name: {
                    "type": type(prior).__name__,
                    **{key: numbers_to_json(value) for key, value in vars(prior).items()},
                }
                for name, prior in self.priors.items()
            },
        }

    @classmethod
    def from_json(cls, document: Json) -> "Restraints":
        """Inverse of `to_json`.

        Raises:
            DataError: a prior is not one of this package.
        """
        priors = {}
        for name, saved in document["priors"].items():
            fields = dict(saved)
            kind = fields.pop("type")
            if kind not in _PRIORS:
                raise DataError(
                    f"the prior of {name} is of an unknown type, {kind!r}; known types are "
                    f"{', '.join(_PRIORS)}"
                )
            priors[name] = _PRIORS[kind](**fields)
        bounds = {
            name: tuple(numbers_from_json(list(pair))) for name, pair in document["bounds"].items()
        }
        return cls(dict(document["tie"]), bounds, priors)


def _ties_by_element(law_type: type[Law], ties: Mapping[str, str]) -> dict[str, str]:
    """Ties by element.

    Raises:
        ValueError: an array is tied to an array of another shape.
    """
    sources = {}
    for name, source in ties.items():
        sub, bare = split_name(source) if isinstance(source, str) else ("", "")
        owner = sub_laws(law_type).get(sub, law_type)
        theirs, ours = shape_of(owner, bare), shape_of(law_type, name)
        if theirs and theirs != ours:
            raise ValueError(
                f"tie {name!r}: {source!r} is an array of shape {theirs}, which does not fit shape "
                f"{ours}; name an element, such as '{element_name(source, (0,) * len(theirs))}'"
            )
        sources[name] = (source, bool(theirs))

    def of_element(
        source: tuple[str, bool], index: tuple[int, ...], _: tuple[int, ...]
    ) -> tuple[str, bool]:
        return (element_name(source[0], index) if source[1] else source[0], False)

    return {
        name: source
        for name, (source, _) in by_element(law_type, "tie", sources, of_element).items()
    }


def _prior_of_element(prior: Prior, index: tuple[int, ...], shape: tuple[int, ...]) -> Prior:
    """The prior of one element: numbers of the prior can be arrays of the shape of the array."""
    return jax.tree.map(
        lambda leaf: float(np.asarray(leaf)[index]) if np.shape(leaf) == shape else leaf, prior
    )


def _check_tie(law_type: type[Law], name: str, source: object, ties: Mapping[str, str]) -> None:
    if not isinstance(source, str):
        raise TypeError(f"tie {name!r}: expected the name of a coefficient, got {source!r}")
    sort_names(law_type, {source: None})
    sub, bare = split_name(source)
    owner = sub_laws(law_type)[sub] if sub else law_type
    sort_names(owner, {bare: None})
    if bare in sub_laws(owner) or "." in bare:
        raise ValueError(
            f"tie {name!r}: {source!r} is not a coefficient; use the name of a coefficient of the "
            "law or of one of its sub-laws"
        )
    if name == source or source in ties:
        raise ValueError(
            f"tie {name!r}: {source!r} is itself tied; use the coefficient that it is tied to"
        )
    least, most = EDGES[domain_of(law_type, name)]
    low, high = EDGES[domain_of(owner, bare)]
    if low < least or high > most:
        raise ValueError(
            f"tie {name!r}: {source!r} can have values outside the domain of {name!r} "
            f"({least:g} to {most:g}); tie {name!r} to a coefficient with the same domain"
        )


def _ties_inside(sub: str, ties: Mapping[str, str]) -> dict[str, str]:
    """Ties between coefficients of a sub-law, by their names in the sub-law."""
    inside = {}
    for name, source in ties.items():
        owner, bare = split_name(str(source))
        if owner != sub:
            raise ValueError(
                f"tie '{sub}.{name}': {sub} is fitted first, without the other coefficients of "
                f"the law; tie {source!r} to '{sub}.{name}' instead"
            )
        inside[name] = bare
    return inside


def _edges(law_type: type[Law], name: str, pair: Sequence[float | None]) -> tuple[float, float]:
    least, most = EDGES[domain_of(law_type, name)]
    if (
        not isinstance(pair, (tuple, list))
        or len(pair) != 2
        or not all(end is None or isinstance(end, numbers.Real) for end in pair)
    ):
        raise TypeError(f"bounds of {name!r}: expected a pair of numbers or None, got {pair!r}")
    low = least if pair[0] is None else float(pair[0])
    high = most if pair[1] is None else float(pair[1])
    if not (least <= low < high <= most) or np.isposinf(low) or np.isneginf(high):
        raise ValueError(
            f"bounds of {name!r}: expected {least:g} <= low < high <= {most:g}, got {pair!r}"
        )
    return low, high


def held_coefficients(result: Tree) -> dict[str, str]:
    """The restraint of each restrained coefficient of a fit, in words; see `FitResult.held`."""
    described = {}
    for name in coefficient_names(result.law):
        outer, _, inner = name.partition(".")
        if inner and outer in result.stages:
            words = held_coefficients(result.stages[outer]).get(inner)
            described[name] = "fitted first" + (f", {words}" if words else "")
        elif outer in result.frozen or name in result.frozen:
            described[name] = "frozen"
    return described | result.restraints.describe()
