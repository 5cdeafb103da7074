"""Broken neural scaling law (Caballero et al. 2022, arXiv 2210.14891, Eq. 1)."""

from typing import ClassVar

import jax
import jax.numpy as jnp

from jaxlaws.foundations.provenance import Preset
from jaxlaws.inputs import prediction
from jaxlaws.powers import softplus
from jaxlaws.pytree import Coefficient, positive, pytree, real


@pytree
class BrokenPower:
    """`loss = a + b x**-c0 prod_i (1 + (x / d_i)**(1 / f_i))**(-c_i f_i)`: lines in log-log.

    The slope is -c0 at first and changes by -c_i near `x = d_i`. The coefficients c, d and f are
    arrays with one value for each break. With one break, each may be a plain number.
    The law describes data well, but its extrapolation depends on the last slope alone. The loss
    has the unit of the runs that it is fitted to; x has the unit of the input `scale`.

    Attributes:
        a: loss at infinite x, in the unit of the loss.
        b: amplitude, in the unit of the loss times that of x**c0.
        c0: negative of the first slope in log-log, a pure number.
        c: changes of the slope at each break, pure numbers.
        d: position x of each break, in the unit of x.
        f: width of each break on the scale of log x, pure numbers; a small f is a sharp break.
    """

    a: Coefficient = positive()
    b: Coefficient = positive(unit_of="scale", power="c0")
    c0: Coefficient = positive()
    c: Coefficient = real()
    d: Coefficient = positive(unit_of="scale")
    f: Coefficient = positive()

    input_names: ClassVar[tuple[str, ...]] = ("scale",)
    any_length: ClassVar[tuple[str, ...]] = ("c", "d", "f")

    @prediction
    def loss(self, *, scale: jax.Array) -> jax.Array:
        """Return the predicted loss of a run.

        Args:
            scale: the quantity x (tokens, parameters or compute), of any shape.

        Returns:
            Loss of the same shape, in the unit of the runs that the law is fitted to.
        """
        endless = scale == jnp.inf
        log_scale = jnp.log(jnp.where(endless, 1.0, scale))
        breaks = list(zip(*map(jnp.atleast_1d, (self.c, self.d, self.f)), strict=True))
        log_term = jnp.log(self.b) - self.c0 * log_scale
        log_far, last = jnp.log(self.b), self.c0
        for c, d, f in breaks:
            log_break = jnp.log(d)
            log_term -= c * f * softplus((log_scale - log_break) / f)
            log_far += c * log_break
            last = last + c
        # Beyond the last break the term is exp(log_far) x**-last.
        limit = jnp.where(last > 0, 0.0, jnp.where(last < 0, jnp.inf, jnp.exp(log_far)))
        return self.a + jnp.where(endless, limit, jnp.exp(log_term))


PRESETS: dict[str, Preset] = {}
