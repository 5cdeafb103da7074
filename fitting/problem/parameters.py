"""The free numbers of a fit, and the law that a vector of free numbers stands for."""

import dataclasses
import functools
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from fitting.problem.bijections import from_interval, to_interval
from fitting.problem.centring import Scales, centre, unit_factor
from fitting.problem.coefficient_names import (
    domain_of,
    elements_of,
    field_names,
    shape_of,
    split_index,
    split_name,
    sub_laws,
    value_of,
)
from fitting.problem.restraints import Restraints
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.domain_checks import EDGES
from jaxlaws.foundations.law import element_name
from jaxlaws.pytree import Domain


@dataclasses.dataclass(frozen=True)
class FreeNumber:
    """One free number of a fit.

    Attributes:
        coefficient: the name of the coefficient that it stands for, or is an element of.
        domain: the domain of the coefficient.
        edges: the coefficient lies between these two, in the user's units: the edges of its
            domain, or the user's bounds.
        group: index of the group of runs, where each group has its own value; else None.
        label: the label of that group.
        index: its index in an array of coefficients; empty if the coefficient is a number.
    """

    coefficient: str
    domain: Domain
    edges: tuple[float, float]
    group: int | None = None
    label: str = ""
    index: tuple[int, ...] = ()

    @property
    def element(self) -> str:
        """The name of the number among the coefficients of a law, such as `w[0]`."""
        return element_name(self.coefficient, self.index)

    @property
    def name(self) -> str:
        """The element, followed by the label of the group where each group has its own."""
        return self.element if self.group is None else f"{self.element}[{self.label}]"

    @property
    def has_bounds(self) -> bool:
        """Whether an edge is a bound of the user."""
        return self.edges != EDGES[self.domain]

    def pick(self, values: Array) -> Array:
        """The value of this number, from values of its coefficient.

        Args:
            values: one value that all numbers of the coefficient share, or an array with an axis
                over the groups (if some of them have their own) before the axes of the coefficient.
        """
        if self.index and jnp.ndim(values):
            values = values[(..., *self.index)]
        return values[self.group or 0] if jnp.ndim(values) else values


@dataclasses.dataclass(frozen=True)
class Parameters:
    """The free numbers of a law, in order; hashable, so that compiled programs are kept.

    A coefficient of which each group of runs has its own value has a first axis over the groups.

    Attributes:
        law_type: the class of the law, or of another tree of declared coefficients.
        free: the free numbers.
        ties: pairs of a tied element and the element that it equals (`supervised.alpha` for one
            in a sub-law).
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
            frozen: the frozen elements and sub-laws.
            restraints: ties and bounds.
            own: coefficients or elements of which each group has its own value.
            groups: the labels of the groups.
        """
        free = []
        for element in (e for name in field_names(law_type) for e in elements_of(law_type, name)):
            if element in frozen or element in restraints.tie:
                continue
            (name, index), domain = split_index(element), domain_of(law_type, element)
            edges = restraints.bounds.get(element, EDGES[domain])
            number = FreeNumber(name, domain, edges, index=index)
            if name in own or element in own:
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

    def law(
        self,
        vector: jax.Array,
        frozen: Mapping[str, Tree],
        scales: Scales,
        known: Mapping[int, Array] | None = None,
    ) -> Tree:
        """The law in centred units.

        Args:
            vector: unconstrained numbers of the coefficients in centred units, `(num_free,)`.
            frozen: the frozen elements and sub-laws, in the user's units.
            scales: the scale of each input.
            known: values, in centred units, by the place of a number, that replace those of the
                vector.
        """
        own = self._own_coefficients()
        law = self._law(vector, frozen, scales, dict.fromkeys(own, 1.0), known or {})
        with_bounds = (n.element for n in self.free if n.has_bounds)
        in_units = {*frozen, *dict(self.ties), *with_bounds}
        if not {split_index(element)[0] for element in in_units} & set(own):
            return law
        # Some coefficients are given in the user's units. The factor of a unit depends only on
        # exponents, which have no unit, so the exponents of the first law are correct.
        return self._law(vector, frozen, scales, self.units(law, scales), known or {})

    def units(self, law: Tree, scales: Scales) -> dict[str, Array]:
        """The factor from centred units to the user's units of each coefficient of a law."""
        return {name: unit_factor(law, name, scales) for name in self._own_coefficients()}

    def units_of_free(self, law: Tree, scales: Scales) -> jax.Array:
        """The factors of the coefficients of the free numbers, `(num_free,)`."""
        units = self.units(law, scales)
        return jnp.stack([jnp.asarray(n.pick(units[n.coefficient])) for n in self.free])

    def vector(self, law: Tree, scales: Scales) -> jax.Array:
        """The unconstrained numbers of a law in the user's units, `(num_free,)`.

        A number is infinite where its coefficient is at an edge.
        """
        centred = centre(law, scales)
        units = self.units(centred, scales)
        numbers = [
            from_interval(
                n.pick(getattr(centred, n.coefficient)),
                *n.edges,
                n.pick(units[n.coefficient]),
            )
            for n in self.free
        ]
        return jnp.stack([jnp.asarray(number) for number in numbers])

    def with_frozen(self, laws: Tree, frozen: Mapping[str, Tree]) -> Tree:
        """Batched laws, NumPy, with the frozen elements and sub-laws exactly as given.

        Args:
            laws: the laws, with a first axis `(num_entries,)`.
            frozen: frozen elements and sub-laws by name, with the same first axis.
        """
        changed: dict[str, Tree] = {}
        for element, value in frozen.items():
            name, index = split_index(element)
            if index:
                array = changed.setdefault(name, np.array(getattr(laws, name)))
                array[(..., *index)] = value.reshape(-1, *(1,) * (array.ndim - 1 - len(index)))
            else:
                changed[name] = value
        return dataclasses.replace(laws, **changed)

    def _own_coefficients(self) -> list[str]:
        subs = sub_laws(self.law_type)
        return [name for name in field_names(self.law_type) if name not in subs]

    def _law(
        self,
        vector: jax.Array,
        frozen: Mapping[str, Tree],
        scales: Scales,
        units: Mapping[str, Array],
        known: Mapping[int, Array],
    ) -> Tree:
        values: dict[str, Tree] = {}  # of sub-laws, and at the end of coefficients
        numbers: dict[str, Array] = {}  # of elements
        for name, value in frozen.items():
            if dataclasses.is_dataclass(value):
                values[name] = centre(value, scales)
            else:
                numbers[name] = value / value_of(units, name)
        by_group: dict[str, list[Array]] = {}
        # One operation for all numbers instead of one for each: there is less to compile.
        of_positive = jax.nn.softplus(vector)
        for i, number in enumerate(self.free):
            unit = number.pick(units[number.coefficient])
            if i in known:
                value = known[i]
            elif number.edges == EDGES[Domain.POSITIVE]:
                value = of_positive[i]
            else:
                value = to_interval(vector[i], *number.edges, unit)
            if number.group is None:
                numbers[number.element] = value
            else:
                by_group.setdefault(number.element, []).append(value)
        numbers |= {name: jnp.stack(each) for name, each in by_group.items()}
        for name, source in self.ties:
            sub, inner = split_name(source)
            if sub:
                value = value_of(frozen[sub], inner)
            else:
                value = numbers[source] * value_of(units, source)
            numbers[name] = value / value_of(units, name)
        for name in units:
            values[name] = self._coefficient(name, numbers)
        return self.law_type(**values)

    def _coefficient(self, name: str, numbers: Mapping[str, Array]) -> Array:
        """A coefficient from its elements."""
        shape = shape_of(self.law_type, name)
        if not shape:
            return numbers[name]
        each = [numbers[element] for element in elements_of(self.law_type, name)]
        stacked = jnp.stack(jnp.broadcast_arrays(*each), axis=-1)
        return stacked.reshape(*stacked.shape[:-1], *shape)


@functools.partial(jax.jit, static_argnums=0)
def coefficients(parameters: Parameters, vectors: jax.Array) -> jax.Array:
    """Free coefficients that carry no unit, of unconstrained numbers; both `(..., num_free)`."""
    return jnp.stack(
        [to_interval(vectors[..., i], *n.edges) for i, n in enumerate(parameters.free)], axis=-1
    )
