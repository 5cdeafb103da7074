"""Powers of positive numbers, safe at zero and at infinity."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero


def power(base: Any, exponent: Any) -> jax.Array:
    """`base ** exponent` for `base >= 0`, as `exp(exponent log(base))`.

    At 0 and at infinity it gives the limit, with all derivatives zero (a law's limit in an
    input that no longer matters); NaN stays NaN.
    """
    return _power(jnp.asarray(base), jnp.asarray(exponent))


# Derivatives by rule: those of a `where` are a `where` each, and second derivatives of a law took
# several times as many operations to compile as those of its powers themselves.


@jax.custom_jvp
def _power(base: jax.Array, exponent: jax.Array) -> jax.Array:
    value = jnp.exp(exponent * jnp.log(base))
    return jnp.where(_at_edge(base) & (exponent == 0), 1.0, value)


@jax.custom_jvp
def _inside(base: jax.Array, exponent: jax.Array) -> jax.Array:
    """The power, zero on the edges."""
    return jnp.where(_at_edge(base), 0.0, jnp.exp(exponent * jnp.log(base)))


@jax.custom_jvp
def _inverse(base: jax.Array) -> jax.Array:
    """The inverse, zero on the edges."""
    return jnp.where(_at_edge(base), 0.0, 1 / base)


@jax.custom_jvp
def _log(base: jax.Array) -> jax.Array:
    """The logarithm, zero on the edges."""
    return jnp.where(_at_edge(base), 0.0, jnp.log(base))


def _at_edge(base: jax.Array) -> jax.Array:
    return (base == 0) | (base == jnp.inf)


def _tangent(primals: Any, tangents: Any) -> jax.Array:
    (base, exponent), (of_base, of_exponent) = primals, tangents
    relative: Any = 0.0
    if not isinstance(of_base, SymbolicZero):
        # In this order: squares of an inverse are too small for single precision.
        relative = exponent * (_inverse(base) * of_base)
    if not isinstance(of_exponent, SymbolicZero):
        relative = relative + _log(base) * of_exponent
    return _inside(base, exponent) * relative


def _power_jvp(primals: Any, tangents: Any) -> tuple[jax.Array, jax.Array]:
    return _power(*primals), _tangent(primals, tangents)


def _inside_jvp(primals: Any, tangents: Any) -> tuple[jax.Array, jax.Array]:
    return _inside(*primals), _tangent(primals, tangents)


def _inverse_jvp(primals: Any, tangents: Any) -> tuple[jax.Array, jax.Array]:
    inverse = _inverse(*primals)
    return inverse, -inverse * (inverse * tangents[0])


def _log_jvp(primals: Any, tangents: Any) -> tuple[jax.Array, jax.Array]:
    return _log(*primals), _inverse(*primals) * tangents[0]


_power.defjvp(_power_jvp, symbolic_zeros=True)
_inside.defjvp(_inside_jvp, symbolic_zeros=True)
_inverse.defjvp(_inverse_jvp)
_log.defjvp(_log_jvp)
