"""The best split of a budget among several uses, by its price.

At the best split one more unit of budget gains every use the same, its price, but for uses on a
bound. However many uses there are, the Newton step of that system is written down at once: each
use answers to the price alone, and the price to the sum.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jaxlaws.planning.solver.batched import Array

_NUM_STEPS = 12
_NUM_PRICES = 40
_LEAST_FALL = 0.05


@dataclasses.dataclass(frozen=True, kw_only=True)
class Split:
    """A budget and its uses; the sum of what they gain is to be largest.

    Uses lie along the first axis, the batch along the others.

    Attributes:
        log_gain: of `given` and the logarithms of amounts: the logarithm of what each use gains
            per unit of its logarithm. It rises by less than the amount does.
        given: what `log_gain` depends on, a tree.
        log_cost: of one unit of each amount, `(uses, *batch)`.
        log_budget: shape `batch`; where it does not pay for the least amounts, those are the split.
        log_bounds: least and largest amount, the same for all uses, of the batch's shape.
    """

    log_gain: Callable[[Any, Array], Array]
    given: Any
    log_cost: Array
    log_budget: Array
    log_bounds: tuple[Any, Any]

    def still(self) -> "Split":
        """The same without derivatives."""
        names = ("given", "log_cost", "log_budget", "log_bounds")
        still = lax.stop_gradient({name: getattr(self, name) for name in names})
        return dataclasses.replace(self, **still)

    def worth(self, amounts: Array) -> Array:
        """Log of what one more unit of budget gains each use."""
        return self.log_gain(self.given, amounts) - amounts - self.log_cost

    def overspent(self, amounts: Array) -> Array:
        """Log of what the amounts cost above that of the budget."""
        return jax.nn.logsumexp(self.log_cost + amounts, axis=0) - self.log_budget

    def ends(self, amounts: Array) -> tuple[Array, Array]:
        """The bounds, to broadcast with amounts."""
        low, high = (jnp.asarray(end, amounts.dtype)[None] for end in self.log_bounds)
        return low, high

    def inside(self, amounts: Array) -> Array:
        """Whether each lies inside its bounds."""
        low, high = self.ends(amounts)
        return (amounts > low) & (amounts < high)

    def nearest_end(self, amounts: Array) -> Array:
        """The bound that an amount lies on, with what moves it."""
        low, high = self.ends(amounts)
        return jnp.where(amounts >= high, high, low)


def _found(split: Split) -> tuple[Array, Array, Array]:
    """The amounts, the price, and by how much worths fall there."""
    low, high = split.ends(split.log_cost)

    def step(_: Any, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        """Amounts at the price that spends the budget, were their worths straight lines."""
        amounts = state[0]
        value, fall = jax.jvp(split.worth, (amounts,), (jnp.ones_like(amounts),))
        fall = jnp.minimum(fall, -_LEAST_FALL)

        def at(price: Array) -> Array:
            return jnp.clip(amounts + (price[None] - value) / fall, low, high)

        def narrow(_: Any, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
            """Newton's method, halving where that would leave the bracket."""
            cheap, dear, price = state
            over, slope = jax.jvp(lambda p: split.overspent(at(p)), (price,), (one,))
            cheap, dear = jnp.where(over > 0, price, cheap), jnp.where(over > 0, dear, price)
            new = price - over / jnp.where(slope < 0, slope, -jnp.inf)
            safe = (new >= cheap) & (new <= dear) & (slope < 0)
            return cheap, dear, jnp.where(safe, new, 0.5 * (cheap + dear))

        one = jnp.ones_like(split.log_budget)
        # At either end, and a little beyond, all amounts are on their bounds.
        cheap = jnp.min(value + fall * (high - amounts), axis=0) - 1.0
        dear = jnp.max(value + fall * (low - amounts), axis=0) + 1.0
        start = (cheap, dear, jnp.clip(jnp.mean(value, axis=0), cheap, dear))
        price = lax.fori_loop(0, _NUM_PRICES, narrow, start)[2]
        return at(price), price, fall

    equal = split.log_budget[None] - jnp.log(float(len(split.log_cost))) - split.log_cost
    nothing = jnp.zeros_like(split.log_budget)
    start = (jnp.clip(equal, low, high), nothing, jnp.zeros_like(equal))
    return lax.fori_loop(0, _NUM_STEPS, step, start)


def best_split(split: Split) -> Array:
    """Logarithms of the amounts that gain most within a budget, with derivatives of any order."""

    def conditions(unknown: tuple[Array, Array]) -> tuple[Array, Array]:
        amounts, price = unknown
        inside = split.inside(amounts)
        held_price = lax.stop_gradient(price)
        off_the_end = amounts - split.nearest_end(lax.stop_gradient(amounts))
        stationary = jnp.where(inside, split.worth(amounts) - price[None], off_the_end)
        return stationary, jnp.where(
            inside.any(axis=0), split.overspent(amounts), price - held_price
        )

    def tangent(linear: Callable[[Any], Any], right: tuple[Array, Array]) -> tuple[Array, Array]:
        of_uses, of_sum = right
        one, nothing = jnp.ones_like(of_sum), jnp.zeros_like(of_sum)
        diagonal, _ = linear((jnp.ones_like(of_uses), nothing))
        column, corner = linear((jnp.zeros_like(of_uses), one))
        held = linear((of_uses / diagonal, nothing))[1]
        price = (of_sum - held) / (corner - linear((column / diagonal, nothing))[1])
        return (of_uses - column * price[None]) / diagonal, price

    start = (jnp.zeros_like(split.log_cost), jnp.zeros_like(split.log_budget))
    return lax.custom_root(conditions, start, lambda *_: _found(split)[:2], tangent)[0]


def split_for_value(split: Split) -> Array:
    """The same amounts, for the sum of gains alone: cheap to differentiate twice or thrice.

    One step towards the solution, from it, follows a change of what is given to first order. The
    budget is kept exactly, so the sum of gains, which is stationary there, is followed to third.
    """
    amounts, price, fall = _found(split.still())
    inside = split.inside(amounts)
    amounts = jnp.where(inside, amounts, split.nearest_end(amounts))
    some = inside.any(axis=0)
    cost = jnp.exp(split.log_cost + amounts - split.log_budget[None])  # in budgets
    share = lax.stop_gradient(jnp.where(inside, cost, 0.0))
    step = jnp.where(inside, (price[None] - split.worth(amounts)) / fall, 0.0)
    missed = -split.overspent(amounts) - (share * step).sum(axis=0)
    missed = missed / jnp.where(some, (share / fall).sum(axis=0), 1.0)
    step = jnp.where(inside, step + missed[None] / fall, 0.0)
    # The costs are curved: what the step has left or overspent goes to all in proportion.
    held = jnp.where(inside, 0.0, cost).sum(axis=0)
    free = jnp.where(inside, cost * jnp.exp(step), 0.0).sum(axis=0)
    log_scale = jnp.log(jnp.where(some, 1 - held, 1.0)) - jnp.log(jnp.where(some, free, 1.0))
    return amounts + jnp.where(inside, step + log_scale[None], 0.0)
