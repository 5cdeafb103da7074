"""Which numbers of a law a fit moves, and the law that a vector of free numbers stands for."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from fitting.problem.bijections import EDGES, from_interval, to_interval
from fitting.problem.centring import Scales, centre, unit_factor
from fitting.problem.coefficient_names import domain_of, sub_laws
from fitting.problem.restraints import Restraints
from jaxlaws.pytree import Domain


@dataclasses.dataclass(frozen=True)
class Number:
    """A free number: the coefficient that it stands for, and the edges of that, in user's units.

    Attributes:
        coefficient: its name.
        domain: of the coefficient.
        edges: it lies between these, those of its domain or the user's bounds.
        group: the place of the group of runs that it belongs to, where each has one.
        label: of that group.
    """

    coefficient: str
    domain: Domain
    edges: tuple[float, float]
    group: int | None = None
    label: str = ""

    @property
    def name(self) -> str:
        """The coefficient, with the group where it is one of several."""
        return self.coefficient if self.group is None else f"{self.coefficient}[{self.label}]"

    @property
    def bound(self) -> bool:
        """Whether an edge is the user's."""
        return self.edges != EDGES[self.domain]

    def of_group(self, values: Any) -> Any:
        """The group's own of values by group, or the one that all groups share."""
        return values if self.group is None or not jnp.ndim(values) else values[self.group]


@dataclasses.dataclass(frozen=True)
class Parameters:
    """The free numbers of a law, in order; hashable, so that programs are kept.

    A coefficient that groups of runs have one each of is an array over the groups in the law.

    Attributes:
        law_type: the law.
        free: the numbers.
        ties: coefficients that equal another, with its name (`supervised.alpha` in a sub-law).
    """

    law_type: type[Any]
    free: tuple[Number, ...]
    ties: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(
        cls,
        law_type: type[Any],
        frozen: Mapping[str, Any],
        restraints: Restraints = Restraints(),  # noqa: B008 - immutable
        own: tuple[str, ...] = (),
        groups: tuple[str, ...] = (),
    ) -> "Parameters":
        """The coefficients that are neither frozen nor tied.

        One without a declared domain may be any number.

        Args:
            law_type: the law.
            frozen: what does not move.
            restraints: ties and bounds.
            own: coefficients that each group has one of.
            groups: their labels.
        """
        free = []
        for field in dataclasses.fields(law_type):
            name = field.name
            if name in frozen or name in restraints.tie:
                continue
            domain = domain_of(law_type, name)
            number = Number(name, domain, restraints.bounds.get(name, EDGES[domain]))
            if name in own:
                free += [
                    dataclasses.replace(number, group=i, label=label)
                    for i, label in enumerate(groups)
                ]
            else:
                free.append(number)
        return cls(law_type, tuple(free), tuple(restraints.tie.items()))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the free numbers."""
        return tuple(number.name for number in self.free)

    def law(self, vector: jax.Array, frozen: Mapping[str, Any], scales: Scales) -> Any:
        """The law in centred units.

        Args:
            vector: unconstrained numbers `(num_free,)`, of the coefficients in centred units.
            frozen: the other coefficients, and whole sub-laws, in the user's units.
            scales: of the units.
        """
        units = dict.fromkeys(self._fields(), 1.0)
        law = self._law(vector, frozen, scales, units)
        in_users_units = {*frozen, *dict(self.ties), *(n.coefficient for n in self.free if n.bound)}
        if not in_users_units & set(self._fields()):
            return law
        # Units are powers of exponents, and exponents have none: these were right at once.
        return self._law(vector, frozen, scales, self.units(law, scales))

    def units(self, law: Any, scales: Scales) -> dict[str, Any]:
        """What each coefficient of a centred law is multiplied by to be in the user's units."""
        return {name: unit_factor(law, name, scales) for name in self._fields()}

    def units_of_free(self, law: Any, scales: Scales) -> jax.Array:
        """Those of each free number's coefficient, `(num_free,)`."""
        units = self.units(law, scales)
        return jnp.stack([jnp.asarray(n.of_group(units[n.coefficient])) for n in self.free])

    def vector(self, law: Any, scales: Scales) -> jax.Array:
        """The unconstrained numbers `(num_free,)` of a law in the user's units.

        They are infinite where a coefficient is at an edge.
        """
        centred = centre(law, scales)
        units = self.units(centred, scales)
        numbers = [
            from_interval(
                n.of_group(getattr(centred, n.coefficient)),
                *n.edges,
                n.of_group(units[n.coefficient]),
            )
            for n in self.free
        ]
        return jnp.stack([jnp.asarray(number) for number in numbers])

    def _fields(self) -> list[str]:
        subs = sub_laws(self.law_type)
        return [f.name for f in dataclasses.fields(self.law_type) if f.name not in subs]

    def _law(
        self, vector: jax.Array, frozen: Mapping[str, Any], scales: Scales, units: Mapping[str, Any]
    ) -> Any:
        made: dict[str, Any] = {
            name: centre(value, scales) if dataclasses.is_dataclass(value) else value / units[name]
            for name, value in frozen.items()
        }
        for i, number in enumerate(self.free):
            name = number.coefficient
            unit = number.of_group(units[name])
            value = to_interval(vector[i], *number.edges, unit)
            if number.group is None:
                made[name] = value
            else:
                made.setdefault(name, []).append(value)
        made = {k: jnp.stack(v) if isinstance(v, list) else v for k, v in made.items()}
        for name, source in self.ties:
            outer, _, inner = source.partition(".")
            value = getattr(frozen[outer], inner) if inner else made[source] * units[source]
            made[name] = value / units[name]
        return self.law_type(**made)


@functools.partial(jax.jit, static_argnums=0)
def coefficients(parameters: Parameters, vectors: jax.Array) -> jax.Array:
    """Free coefficients that carry no unit, of unconstrained numbers; both `(..., num_free)`."""
    return jnp.stack(
        [to_interval(vectors[..., i], *n.edges) for i, n in enumerate(parameters.free)], axis=-1
    )
