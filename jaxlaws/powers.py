"""Powers of positive numbers, with correct values and derivatives at zero and at infinity.

Their derivatives have rules that keep float64 inside a program of float32, see
`precision.keeping_float64`. Therefore laws use `softplus` of this module instead of JAX's.
"""

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_derivatives import SymbolicZero

from jaxlaws.foundations.annotations import Array
from jaxlaws.precision import keeping_float64

_Pair = tuple[Array, Array]  # of base and exponent, or of their tangents


def power(base: Array, exponent: Array) -> jax.Array:
    """Return `base ** exponent` for `base >= 0`, as `exp(exponent log(base))`.

    For a base of 0 or infinity the value is the limit and all derivatives are zero: in this limit a
    law no longer depends on the input. NaN stays NaN.

    Args:
        base: zero or larger, of any shape.
        exponent: of either sign, of a shape that broadcasts with `base`.

    Returns:
        The power, of the broadcast shape.
    """
    return _power(jnp.asarray(base), jnp.asarray(exponent))


@jax.custom_jvp
def softplus(value: Array) -> jax.Array:
    """Return `log(1 + exp(value))`, without overflow."""
    return jnp.maximum(value, 0.0) + jnp.log1p(jnp.exp(-jnp.abs(value)))


def _softplus_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[jax.Array, jax.Array]:
    return softplus(*primals), lax.logistic(primals[0]) * tangents[0]


# The derivatives are given by rules. Automatic differentiation turns each `where` into several, and
# the second derivatives of a law then have several times as many operations to compile.


@jax.custom_jvp
def _power(base: jax.Array, exponent: jax.Array) -> jax.Array:
    value = jnp.exp(exponent * jnp.log(base))
    return jnp.where(_at_edge(base) & (exponent == 0), 1.0, value)


@jax.custom_jvp
def _inside(base: jax.Array, exponent: jax.Array) -> jax.Array:
    """The power, or zero for a base of 0 or infinity."""
    return jnp.where(_at_edge(base), 0.0, jnp.exp(exponent * jnp.log(base)))


@jax.custom_jvp
def _inverse(base: jax.Array) -> jax.Array:
    """The inverse, or zero for a base of 0 or infinity."""
    return jnp.where(_at_edge(base), 0.0, 1 / base)


@jax.custom_jvp
def _log(base: jax.Array) -> jax.Array:
    """The logarithm, or zero for a base of 0 or infinity."""
    return jnp.where(_at_edge(base), 0.0, jnp.log(base))


def _at_edge(base: jax.Array) -> jax.Array:
    return (base == 0) | (base == jnp.inf)


def _tangent(primals: _Pair, tangents: _Pair) -> jax.Array:
    (base, exponent), (of_base, of_exponent) = primals, tangents
    relative: Array = 0.0
    if not isinstance(of_base, SymbolicZero):
        # The order matters: the square of an inverse underflows in float32.
        relative = exponent * (_inverse(base) * of_base)
    if not isinstance(of_exponent, SymbolicZero):
        relative = relative + _log(base) * of_exponent
    return _inside(base, exponent) * relative


def _power_jvp(primals: _Pair, tangents: _Pair) -> tuple[jax.Array, jax.Array]:
    return _power(*primals), _tangent(primals, tangents)


def _inside_jvp(primals: _Pair, tangents: _Pair) -> tuple[jax.Array, jax.Array]:
    return _inside(*primals), _tangent(primals, tangents)


def _inverse_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[jax.Array, jax.Array]:
    inverse = _inverse(*primals)
    return inverse, -inverse * (inverse * tangents[0])


def _log_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[jax.Array, jax.Array]:
    return _log(*primals), _inverse(*primals) * tangents[0]


_power.defjvp(keeping_float64(_power_jvp), symbolic_zeros=True)
_inside.defjvp(keeping_float64(_inside_jvp), symbolic_zeros=True)
_inverse.defjvp(keeping_float64(_inverse_jvp))
_log.defjvp(keeping_float64(_log_jvp))
softplus.defjvp(keeping_float64(_softplus_jvp))
