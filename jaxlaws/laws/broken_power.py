"""Broken neural scaling law (Caballero et al. 2022, arXiv 2210.14891, Eq. 1)."""

from typing import ClassVar

import jax
import jax.numpy as jnp

from jaxlaws.inputs import prediction
from jaxlaws.provenance import Preset
from jaxlaws.pytree import Coefficient, positive, pytree, real


@pytree
class BrokenPower:
    """`loss = a + b x**-c0 prod_i (1 + (x / d_i)**(1 / f_i))**(-c_i f_i)`: lines in log-log.

    The slope is -c0 at first and changes by -c_i around `x = d_i`, the more sharply the smaller
    f_i is. The coefficients c, d and f hold one value a break, `(num_breaks,)` each; a single
    break may be three numbers. Good at describing; extrapolation rests on the last slope alone.
    """

    a: Coefficient = positive()  # where the curve levels off
    b: Coefficient = positive(unit_of="scale", power="c0")
    c0: Coefficient = positive()
    c: Coefficient = real()
    d: Coefficient = positive(unit_of="scale")
    f: Coefficient = positive()

    input_names: ClassVar[tuple[str, ...]] = ("scale",)

    @prediction
    def loss(self, *, scale: jax.Array) -> jax.Array:
        """Predict the loss of a run.

        Args:
            scale: the quantity x that is scaled (tokens, parameters, compute), any shape.

        Returns:
            Loss, in the unit of the runs that were fitted, of the same shape.
        """
        endless = scale == jnp.inf
        log_scale = jnp.log(jnp.where(endless, 1.0, scale))
        breaks = list(zip(*map(jnp.atleast_1d, (self.c, self.d, self.f)), strict=True))
        log_term = jnp.log(self.b) - self.c0 * log_scale
        log_far, last = jnp.log(self.b), self.c0
        for c, d, f in breaks:
            log_break = jnp.log(d)
            log_term -= c * f * jax.nn.softplus((log_scale - log_break) / f)
            log_far += c * log_break
            last = last + c
        # Past every break the term is exp(log_far) x**-last.
        limit = jnp.where(last > 0, 0.0, jnp.where(last < 0, jnp.inf, jnp.exp(log_far)))
        return self.a + jnp.where(endless, limit, jnp.exp(log_term))


PRESETS: dict[str, Preset] = {}
