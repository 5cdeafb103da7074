"""Laws with arrays of coefficients and several outcomes, for several files of tests."""

import jax.numpy as jnp
import numpy as np

from jaxlaws.inputs import Input, prediction
from jaxlaws.pytree import Coefficient, positive, pytree, real


@pytree
class Parabola:
    """`outcome = w[0] + w[1] x + w[2] x**2`, where both may have any sign."""

    w: Coefficient = real(shape=3)

    own_inputs = {"x": Input("a normalised input", may_be_negative=True)}  # noqa: RUF012
    outcome = Input("a normalised loss", may_be_negative=True)

    @prediction
    def loss(self, *, x):
        return jnp.stack([jnp.ones_like(x), x, x**2], axis=-1) @ self.w


@pytree
class Terms:
    """`loss = E + sum_i A[i] / N**alpha[i]`."""

    E: Coefficient = positive()
    A: Coefficient = positive(shape=(2,), unit_of="num_params", power="alpha")
    alpha: Coefficient = positive(shape=(2,))

    input_names = ("num_params",)

    def loss(self, *, num_params):
        logs = jnp.log(num_params)
        terms = [self.A[i] * jnp.exp(-self.alpha[i] * logs) for i in range(2)]
        return self.E + sum(terms)


def mixture_law(name, shares, losses):
    """The class of a law of domain mixtures: `loss_i = c[i] + k[i] exp(sum_j t[i,j] share_j)`."""
    num, shape = len(losses), (len(losses), len(shares))

    @pytree
    class Mix:
        c: Coefficient = positive(shape=num)
        k: Coefficient = positive(shape=num)
        t: Coefficient = real(shape=shape)

        own_inputs = {each: Input(each, may_be_zero=True, at_most=1) for each in shares}  # noqa: RUF012
        input_names = tuple(shares)
        outcomes = tuple(losses)

        @prediction
        def loss(self, **inputs):
            sums = jnp.stack([inputs[each] for each in shares], axis=-1) @ self.t.T
            c, k = (jnp.broadcast_to(each, sums.shape) for each in (self.c, self.k))
            return c + k * jnp.exp(sums)

    Mix.__name__ = Mix.__qualname__ = name
    return Mix


TwoDomains = mixture_law("TwoDomains", ["share_web", "share_code"], ["loss_web", "loss_code"])
TRUE_MIX = TwoDomains(
    c=np.array([1.2, 2.0]), k=np.array([1.5, 1.0]), t=np.array([[-2.0, 0.1], [0.2, -3.0]])
)


def mixture_table(noise=2e-3):
    """30 runs of the mixture law with noise, as columns."""
    rng = np.random.default_rng(0)
    web = rng.uniform(0, 1, 30)
    web[0] = 0.0
    shares = {"share_web": web, "share_code": rng.uniform(0, 1, 30) * (1 - web)}
    losses = np.asarray(TRUE_MIX.loss(**shares), np.float64)
    losses = losses * np.exp(noise * rng.normal(size=losses.shape))
    columns = {"loss_web": losses[:, 0], "loss_code": losses[:, 1]}
    return {**shares, **columns, "weight": rng.uniform(1, 2, 30), "lab": [*"ab"] * 15}
