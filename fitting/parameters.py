"""Which coefficients of a law a fit moves, and the vector of free numbers that stands for them."""

import dataclasses
import functools
import typing
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from fitting.centring import Scales, centre, unit_factor
from jaxlaws.constraints import TO_DOMAIN, unconstrain
from jaxlaws.pytree import Domain, declarations


def sub_laws(law_type: type[Any]) -> dict[str, type[Any]]:
    """The fields of a law that hold a law, with its type."""
    hints = typing.get_type_hints(law_type)
    return {
        field.name: hints[field.name]
        for field in dataclasses.fields(law_type)
        if hasattr(hints[field.name], "input_names")
    }


@dataclasses.dataclass(frozen=True)
class Parameters:
    """The coefficients of a law that are free, in order; hashable, so that programs are kept.

    Attributes:
        law_type: the law.
        free: name and domain of each free coefficient.
    """

    law_type: type[Any]
    free: tuple[tuple[str, Domain], ...]

    @classmethod
    def of(cls, law_type: type[Any], frozen: Mapping[str, Any]) -> "Parameters":
        """The coefficients that are not frozen; one without a declared domain may be any number."""
        declared = declarations(law_type)
        free = []
        for field in dataclasses.fields(law_type):
            if field.name not in frozen:
                known = declared.get(field.name)
                free.append((field.name, Domain.REAL if known is None else known.domain))
        return cls(law_type, tuple(free))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the free coefficients."""
        return tuple(name for name, _ in self.free)

    def law(self, vector: jax.Array, frozen: Mapping[str, Any], scales: Scales) -> Any:
        """The law in centred units.

        Args:
            vector: unconstrained numbers `(num_free,)`, of the coefficients in centred units.
            frozen: the other coefficients, and whole sub-laws, in the user's units.
            scales: of the units.
        """
        moved = {name: TO_DOMAIN[domain](vector[i]) for i, (name, domain) in enumerate(self.free)}
        law = self.law_type(**moved, **frozen)
        kept = {
            name: centre(value, scales)
            if dataclasses.is_dataclass(value)
            else value / unit_factor(law, name, scales)
            for name, value in frozen.items()
        }
        return dataclasses.replace(law, **kept)


def vector_of(parameters: Parameters, law: Any, scales: Scales) -> jax.Array:
    """The unconstrained numbers `(num_free,)` of a law in the user's units."""
    free = unconstrain(centre(law, scales))
    return jnp.stack([jnp.asarray(getattr(free, name)) for name in parameters.names])


@functools.partial(jax.jit, static_argnums=0)
def coefficients(parameters: Parameters, vectors: jax.Array) -> jax.Array:
    """Free coefficients in centred units from unconstrained numbers, both `(..., num_free)`."""
    return jnp.stack(
        [TO_DOMAIN[domain](vectors[..., i]) for i, (_, domain) in enumerate(parameters.free)],
        axis=-1,
    )
