"""Powers of positive numbers, safe at zero and at infinity."""

from typing import Any

import jax
import jax.numpy as jnp


def power(base: Any, exponent: Any) -> jax.Array:
    """`base ** exponent` for `base >= 0`, as `exp(exponent log(base))`.

    At 0 and at infinity it gives the limit, with all derivatives zero (a law's limit in an
    input that no longer matters); NaN stays NaN.
    """
    edge = (base == 0) | (base == jnp.inf)
    inside = jnp.exp(exponent * jnp.log(jnp.where(edge, 1.0, base)))
    limit = jnp.where((base > 1) == (exponent > 0), jnp.inf, 0.0)
    return jnp.where(edge & (exponent != 0), limit, inside)
