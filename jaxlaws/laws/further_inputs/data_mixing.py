"""Data mixing law: loss as a function of the shares of data domains (Ye et al. 2024, 2403.16952).

There is no preset: the coefficients belong to the domains, the size and the tokens of the runs.
"""

import functools
from collections.abc import Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp

from jaxlaws.foundations.law import Law
from jaxlaws.inputs import Input, prediction
from jaxlaws.pytree import Coefficient, positive, pytree, real


@functools.cache
def mixing_law(*domains: str, outcomes: tuple[str, ...] = ()) -> type[Law]:
    """The class of the data mixing law for domains of your choice.

    The loss of validation set i is `c_i + exp(sum_j t_ij r_j)`, where r_j is the share of domain j
    in the training data. The paper has a further factor k_i before the exponential. The shares sum
    to 1, so k_i is part of the t_ij: each t_ij here is t_ij of the paper plus the logarithm of k_i.

    Args:
        domains: the names of the domains, which are the inputs of the law. The shares are between 0
            and 1 and sum to 1.
        outcomes: the names of the losses, if there are several validation sets. Without them the
            law predicts one loss.

    Returns:
        The class, the same for the same arguments. Its coefficients are `c`, in nats per token,
        which is a number or has the shape (outcomes,), and `t`, pure numbers of the shape
        (domains,) or (outcomes, domains).

    Raises:
        TypeError: there are fewer than two domains, or a name occurs twice or is not valid.

    >>> import numpy as np
    >>> law = mixing_law("web", "code")(c=1.5, t=np.array([0.5, 0.1]))
    >>> law.input_names, round(float(law.loss(web=0.75, code=0.25)), 3)
    (('web', 'code'), 2.992)
    """
    shares, losses = share_inputs(domains), outcomes
    shape = (len(outcomes), len(domains)) if outcomes else (len(domains),)

    @pytree
    class MixingLaw:
        """`loss_i = c_i + exp(sum_j t_ij r_j)`, in nats per token; see `mixing_law`."""

        __qualname__ = name_of_class("DataMixing", domains, losses)

        c: Coefficient = positive(shape=shape[:-1])
        t: Coefficient = real(shape=shape)

        input_names: ClassVar[tuple[str, ...]] = domains
        own_inputs: ClassVar[Mapping[str, Input]] = shares
        outcomes: ClassVar[tuple[str, ...]] = losses

        @prediction
        def loss(self, **inputs: jax.Array) -> jax.Array:
            """Return the predicted losses of a run from its shares, by domain.

            Returns:
                Losses in nats per token, of the broadcast shape of the shares; with several
                outcomes, they are along one more axis.
            """
            excess = jnp.exp(weighted_shares(self.t, [inputs[name] for name in domains]))
            return jnp.broadcast_to(jnp.asarray(self.c), excess.shape) + excess

    return MixingLaw


def share_inputs(domains: tuple[str, ...]) -> dict[str, Input]:
    """The declaration of shares as inputs of a law.

    Raises:
        TypeError: there are fewer than two domains, or a name occurs twice or is not a text.
    """
    if len(domains) < 2 or len(set(domains)) < len(domains) or "" in domains:
        raise TypeError(f"expected the names of two or more different domains, got {domains!r}")
    return {
        name: Input(f"share of {name} in the training data", may_be_zero=True, at_most=1)
        for name in domains
    }


def weighted_shares(weights: Coefficient, shares: list[jax.Array]) -> jax.Array:
    """The sum over the domains of weight times share.

    Args:
        weights: (domains,) or (outcomes, domains).
        shares: the share of each domain, all of one shape.

    Returns:
        The sums, of the shape of a share; with outcomes, they are along one more axis.
    """
    return jnp.tensordot(jnp.stack(shares, axis=-1), weights, axes=(-1, -1))


def name_of_class(base: str, domains: tuple[str, ...], outcomes: tuple[str, ...]) -> str:
    """The name of a class of mixtures, by which a saved law finds it."""
    return f"{base}({', '.join(domains)}{'; ' + ', '.join(outcomes) if outcomes else ''})"


# The law of three usual domains.
DataMixing = mixing_law("web", "code", "books")
