"""Linear law of data mixtures, the linear regression of RegMix (Liu et al. 2024, 2407.01492).

There is no preset: the coefficients belong to the domains, the size and the tokens of the runs.
"""

import functools
from collections.abc import Mapping
from typing import ClassVar

import jax

from jaxlaws.foundations.law import Law
from jaxlaws.inputs import Input, prediction
from jaxlaws.laws.further_inputs.data_mixing import name_of_class, share_inputs, weighted_shares
from jaxlaws.pytree import Coefficient, pytree, real


@functools.cache
def linear_mixing_law(*domains: str, outcomes: tuple[str, ...] = ()) -> type[Law]:
    """The class of the linear law of data mixtures, a baseline for `mixing_law`.

    The loss of validation set i is `sum_j w_ij r_j`, where r_j is the share of domain j in the
    training data. The shares sum to 1, so a constant is part of the weights: w_ij is the loss that
    the law predicts for a model that is trained on domain j alone.

    Args:
        domains: the names of the domains, which are the inputs of the law.
        outcomes: the names of the losses, if there are several validation sets.

    Returns:
        The class, the same for the same arguments. Its coefficient is `w`, in nats per token, of
        the shape (domains,) or (outcomes, domains).

    Raises:
        TypeError: there are fewer than two domains, or a name occurs twice or is not valid.

    >>> import numpy as np
    >>> law = linear_mixing_law("web", "code")(w=np.array([2.0, 3.0]))
    >>> round(float(law.loss(web=0.75, code=0.25)), 3)
    2.25
    """
    shares, losses = share_inputs(domains), outcomes
    shape = (len(outcomes), len(domains)) if outcomes else (len(domains),)

    @pytree
    class LinearMixingLaw:
        """`loss_i = sum_j w_ij r_j`, in nats per token; see `linear_mixing_law`."""

        __qualname__ = name_of_class("LinearMixing", domains, losses)

        w: Coefficient = real(shape=shape)

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
            return weighted_shares(self.w, [inputs[name] for name in domains])

    return LinearMixingLaw


# The law of three usual domains.
LinearMixing = linear_mixing_law("web", "code", "books")
