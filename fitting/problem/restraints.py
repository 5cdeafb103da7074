"""What a fit holds its coefficients to, beside freezing: ties, bounds and priors."""

import dataclasses
import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np

from fitting.problem import priors as known_priors
from fitting.problem.bijections import EDGES
from fitting.problem.coefficient_names import domain_of, sort_names, sub_laws
from fitting.problem.priors import Prior
from jaxlaws.foundations.errors import DataError
from jaxlaws.saving import numbers_from_json, numbers_to_json


@dataclasses.dataclass(frozen=True, eq=False)
class Restraints:
    """Ties, bounds and priors of a law's own coefficients, in the user's units.

    Attributes:
        tie: coefficients that equal another, with its name (`supervised.alpha` in a sub-law).
        bounds: the least and the greatest value that a coefficient may have; infinite for none.
        priors: what is known of a coefficient beforehand.
    """

    tie: Mapping[str, str] = dataclasses.field(default_factory=dict)
    bounds: Mapping[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
    priors: Mapping[str, Prior] = dataclasses.field(default_factory=dict)

    @classmethod
    def sort_out(
        cls,
        law_type: type[Any],
        frozen: Mapping[str, Any],
        tie: Mapping[str, str],
        bounds: Mapping[str, tuple[float | None, float | None]],
        priors: Mapping[str, Prior],
    ) -> tuple["Restraints", dict[str, dict[str, Any]]]:
        """Those of the law itself, and those of its sub-laws as options of their own fits.

        Args:
            law_type: the law.
            frozen: its coefficients and sub-laws that do not move.
            tie: a coefficient's name for each that is to equal it.
            bounds: a pair for each coefficient, None for no bound on that side.
            priors: by coefficient.

        Raises:
            ValueError: a name is unknown, a coefficient is held twice, or bounds are not in order
                or outside the coefficient's domain.
            TypeError: something is no name, no pair of numbers or no prior.
        """
        own_ties, inner_ties = sort_names(law_type, tie)
        own_bounds, inner_bounds = sort_names(law_type, bounds)
        own_priors, inner_priors = sort_names(law_type, priors)
        for name, source in own_ties.items():
            _check_tie(law_type, name, source, own_ties)
        held = {*frozen, *own_ties}
        for option, given, taken in (
            ("tie", own_ties, frozen),
            ("bounds", own_bounds, held),
            ("priors", own_priors, held),
        ):
            for name in given:
                if name in sub_laws(law_type):
                    raise ValueError(f"{option}: {name!r} is a law; name its coefficients")
                if name in taken:
                    raise ValueError(f"{option}: {name!r} is frozen or tied already")
        for name, prior in own_priors.items():
            if not isinstance(prior, Prior) or isinstance(prior, type):
                raise TypeError(f"priors: {name!r} wants one such as Normal(1.7, 0.1), got {prior}")
        inner = {
            sub: {
                "tie": _inside(sub, inner_ties[sub]),
                "bounds": inner_bounds[sub],
                "priors": inner_priors[sub],
            }
            for sub in sub_laws(law_type)
        }
        for sub in frozen:
            if any(inner.get(sub, {}).values()):
                raise ValueError(f"{sub!r} is frozen: its coefficients cannot be held otherwise")
        checked = {name: _edges(law_type, name, pair) for name, pair in own_bounds.items()}
        return cls(own_ties, checked, own_priors), inner

    def describe(self) -> dict[str, str]:
        """How each coefficient is held, in words."""
        told = {name: f"equal to {source}" for name, source in self.tie.items()}
        told |= {name: f"between {low:g} and {high:g}" for name, (low, high) in self.bounds.items()}
        for name, prior in self.priors.items():
            told[name] = ", ".join(filter(None, [told.get(name), f"prior {prior}"]))
        return told

    def to_json(self) -> dict[str, Any]:
        """As a JSON object; a prior by the name of its class and its fields."""
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
    def from_json(cls, document: Mapping[str, Any]) -> "Restraints":
        """Inverse of `to_json`.

        Raises:
            DataError: a prior is none of this package's.
        """
        priors = {}
        for name, told in document["priors"].items():
            kind = getattr(known_priors, told["type"], None)
            if kind not in (known_priors.Normal, known_priors.LogNormal):
                raise DataError(f"the prior of {name} is of an unknown type, {told['type']!r}")
            priors[name] = kind(**{key: value for key, value in told.items() if key != "type"})
        bounds = {
            name: tuple(numbers_from_json(list(pair))) for name, pair in document["bounds"].items()
        }
        return cls(dict(document["tie"]), bounds, priors)


def _check_tie(law_type: type[Any], name: str, source: Any, ties: Mapping[str, Any]) -> None:
    if not isinstance(source, str):
        raise TypeError(f"tie {name!r}: expected the name of a coefficient, got {source!r}")
    _, inner = sort_names(law_type, {source: None})
    outer = next((sub for sub, found in inner.items() if found), None)
    if outer is not None:
        owner, bare = sub_laws(law_type)[outer], source.partition(".")[2]
        sort_names(owner, {bare: None})
    else:
        owner, bare = law_type, source
    if bare in sub_laws(owner) or "." in bare:
        raise ValueError(f"tie {name!r}: {source!r} is no coefficient")
    if name == source or source in ties:
        raise ValueError(f"tie {name!r}: {source!r} is tied itself; name what it is tied to")
    least, most = EDGES[domain_of(law_type, name)]
    low, high = EDGES[domain_of(owner, bare)]
    if low < least or high > most:
        raise ValueError(f"tie {name!r}: {source!r} may be outside its domain")


def _inside(sub: str, ties: Mapping[str, Any]) -> dict[str, str]:
    """Ties of a sub-law's coefficients, which is fitted first and knows no other names."""
    inside = {}
    for name, source in ties.items():
        outer, _, bare = str(source).partition(".")
        if outer != sub or not bare:
            raise ValueError(
                f"tie {f'{sub}.{name}'!r}: {sub} is fitted first, so tie {source!r} to it instead"
            )
        inside[name] = bare
    return inside


def _edges(law_type: type[Any], name: str, pair: Any) -> tuple[float, float]:
    least, most = EDGES[domain_of(law_type, name)]
    if (
        not isinstance(pair, (tuple, list))
        or len(pair) != 2
        or not all(end is None or isinstance(end, numbers.Real) for end in pair)
    ):
        raise TypeError(f"bounds of {name!r}: expected a pair of numbers or None, got {pair!r}")
    low, high = (
        edge if end is None else float(end) for end, edge in zip(pair, (least, most), strict=True)
    )
    if not (least <= low < high <= most) or np.isposinf(low) or np.isneginf(high):
        raise ValueError(
            f"bounds of {name!r}: expected {least:g} <= low < high <= {most:g}, got {pair!r}"
        )
    return low, high
