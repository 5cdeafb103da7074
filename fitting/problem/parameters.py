"""The free numbers of a fit, and the law that a vector of free numbers stands for."""

import dataclasses
import functools
from collections.abc import Mapping

import jax
import jax.numpy as jnp

from fitting.problem.bijections import EDGES, from_interval, to_interval
from fitting.problem.centring import Scales, centre, unit_factor
from fitting.problem.coefficient_names import domain_of, field_names, split_name, sub_laws
from fitting.problem.restraints import Restraints
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.pytree import Domain


@dataclasses.dataclass(frozen=True)
class FreeNumber:
    """One free number of a fit.

    Attributes:
        coefficient: the name of the coefficient that it stands for.
        domain: the domain of the coefficient.
        edges: the coefficient lies between these two, in the user's units: the edges of its
            domain, or the user's bounds.
        group: index of the group of runs, where each group has its own value; else None.
        label: the label of that group.
    """

    coefficient: str
    domain: Domain
    edges: tuple[float, float]
    group: int | None = None
    label: str = ""

    @property
    def name(self) -> str:
        """The coefficient, followed by the label of the group where each group has its own."""
        return self.coefficient if self.group is None else f"{self.coefficient}[{self.label}]"

    @property
    def has_bounds(self) -> bool:
        """Whether an edge is a bound of the user."""
        return self.edges != EDGES[self.domain]

    def of_group(self, values: Array) -> Array:
        """The value of this number's group, or the value that all groups share."""
        return values if self.group is None or not jnp.ndim(values) else values[self.group]


@dataclasses.dataclass(frozen=True)
class Parameters:
    """The free numbers of a law, in order; hashable, so that compiled programs are kept.

    A coefficient of which each group of runs has its own value is an array over the groups.

    Attributes:
        law_type: the class of the law, or of another tree of declared coefficients.
        free: the free numbers.
        ties: pairs of a tied coefficient and the coefficient that it equals (`supervised.alpha`
            for one in a sub-law).
    """

    law_type: type[Tree]
    free: tuple[FreeNumber, ...]
    ties: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(
        cls,
        law_type: type[Tree],
        frozen: Mapping[str, Tree],
        restraints: Restraints = Restraints(),  # noqa: B008 - immutable
        own: tuple[str, ...] = (),
        groups: tuple[str, ...] = (),
    ) -> "Parameters":
        """The coefficients that are neither frozen nor tied.

        A coefficient without a declared domain can be any real number.

        Args:
            law_type: the class of the law, or of another tree of declared coefficients.
            frozen: the frozen coefficients and sub-laws.
            restraints: ties and bounds.
            own: coefficients of which each group has its own value.
            groups: the labels of the groups.
        """
        free = []
        for name in field_names(law_type):
            if name in frozen or name in restraints.tie:
                continue
            domain = domain_of(law_type, name)
            number = FreeNumber(name, domain, restraints.bounds.get(name, EDGES[domain]))
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

    def law(self, vector: jax.Array, frozen: Mapping[str, Tree], scales: Scales) -> Tree:
        """The law in centred units.

        Args:
            vector: unconstrained numbers of the coefficients in centred units, `(num_free,)`.
            frozen: the frozen coefficients and sub-laws, in the user's units.
            scales: the scale of each input.
        """
        own = self._own_coefficients()
        law = self._law(vector, frozen, scales, dict.fromkeys(own, 1.0))
        with_bounds = (n.coefficient for n in self.free if n.has_bounds)
        if not {*frozen, *dict(self.ties), *with_bounds} & set(own):
            return law
        # Some coefficients are given in the user's units. The factor of a unit depends only on
        # exponents, which have no unit, so the exponents of the first law are correct.
        return self._law(vector, frozen, scales, self.units(law, scales))

    def units(self, law: Tree, scales: Scales) -> dict[str, Array]:
        """The factor from centred units to the user's units of each coefficient of a law."""
        return {name: unit_factor(law, name, scales) for name in self._own_coefficients()}

    def units_of_free(self, law: Tree, scales: Scales) -> jax.Array:
        """The factors of the coefficients of the free numbers, `(num_free,)`."""
        units = self.units(law, scales)
        return jnp.stack([jnp.asarray(n.of_group(units[n.coefficient])) for n in self.free])

    def vector(self, law: Tree, scales: Scales) -> jax.Array:
        """The unconstrained numbers of a law in the user's units, `(num_free,)`.

        A number is infinite where its coefficient is at an edge.
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

    def _own_coefficients(self) -> list[str]:
        subs = sub_laws(self.law_type)
        return [name for name in field_names(self.law_type) if name not in subs]

    def _law(
        self,
        vector: jax.Array,
        frozen: Mapping[str, Tree],
        scales: Scales,
        units: Mapping[str, Array],
    ) -> Tree:
        values: dict[str, Tree] = {
            name: centre(value, scales) if dataclasses.is_dataclass(value) else value / units[name]
            for name, value in frozen.items()
        }
        by_group: dict[str, list[Array]] = {}
        for i, number in enumerate(self.free):
            name = number.coefficient
            value = to_interval(vector[i], *number.edges, number.of_group(units[name]))
            if number.group is None:
                values[name] = value
            else:
                by_group.setdefault(name, []).append(value)
        values |= {name: jnp.stack(each) for name, each in by_group.items()}
        for name, source in self.ties:
            sub, inner = split_name(source)
            value = getattr(frozen[sub], inner) if sub else values[source] * units[source]
            values[name] = value / units[name]
        return self.law_type(**values)


@functools.partial(jax.jit, static_argnums=0)
def coefficients(parameters: Parameters, vectors: jax.Array) -> jax.Array:
    """Free coefficients that carry no unit, of unconstrained numbers; both `(..., num_free)`."""
    return jnp.stack(
        [to_interval(vectors[..., i], *n.edges) for i, n in enumerate(parameters.free)], axis=-1
    )
