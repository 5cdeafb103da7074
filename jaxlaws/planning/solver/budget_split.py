"""The best split of a budget among several uses, by the price of the budget.

At the best split one more unit of budget gains the same in every use that is not on a bound. This
gain is the price of the budget. The Newton step of these conditions has a closed form for any
number of uses: the amount of a use depends only on the price, and the price depends only on the
sum of the costs.
"""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

from jaxlaws.foundations.annotations import Array, Tree

_NUM_STEPS = 12
_NUM_PRICES = 40
_LEAST_FALL = 0.05

# A count of steps, three arrays, and whether the last step moved.
_State = tuple[Array, Array, Array, Array, Array]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Split:
    """A budget to be split among uses so that the sum of their gains is largest.

    The uses lie along the first axis of an array, the batch along the other axes. An amount is
    given by its logarithm.

    Attributes:
        log_gain: a function of `given` and of the amounts: the logarithm of the gain of each use
            per unit of the logarithm of its amount. It must rise more slowly than the amount.
        given: a tree of everything that `log_gain` depends on.
        log_cost: logarithm of the cost of one unit of each use, `(uses, *batch)`.
        log_budget: logarithm of the budget, of shape `batch`. Where the budget does not pay for
            the smallest amounts, the split consists of the smallest amounts.
        log_bounds: smallest and largest amount of each use, `(uses, *batch)`, or two numbers.
    """

    log_gain: Callable[[Tree, Array], Array]
    given: Tree
    log_cost: Array
    log_budget: Array
    log_bounds: tuple[Array, Array]

    def without_derivatives(self) -> "Split":
        """The same split, as a constant for differentiation."""
        names = ("given", "log_cost", "log_budget", "log_bounds")
        constant = lax.stop_gradient({name: getattr(self, name) for name in names})
        return dataclasses.replace(self, **constant)

    def worth(self, amounts: Array) -> Array:
        """Logarithm of the gain from one more unit of budget, for each use."""
        return self.log_gain(self.given, amounts) - amounts - self.log_cost

    def overspent(self, amounts: Array) -> Array:
        """Logarithm of the total cost, minus the logarithm of the budget."""
        return jax.nn.logsumexp(self.log_cost + amounts, axis=0) - self.log_budget

    def ends(self, amounts: Array) -> tuple[Array, Array]:
        """The bounds, which broadcast with amounts."""
        low, high = (jnp.asarray(end, amounts.dtype) for end in self.log_bounds)
        return low, high

    def inside(self, amounts: Array) -> Array:
        """Whether each amount lies strictly between its bounds."""
        low, high = self.ends(amounts)
        return (amounts > low) & (amounts < high)

    def nearest_end(self, amounts: Array) -> Array:
        """The bound that an amount lies on, with the derivatives of the bound."""
        low, high = self.ends(amounts)
        return jnp.where(amounts >= high, high, low)


def _found(split: Split) -> tuple[Array, Array, Array]:
    """The amounts, the price, and the slope of `worth` there."""
    low, high = split.ends(split.log_cost)
    rounding = 8 * float(jnp.finfo(split.log_cost.dtype).eps)

    def moved(new: Array, old: Array) -> Array:
        return jnp.any(jnp.abs(new - old) > rounding * jnp.maximum(jnp.abs(old), 1.0))

    def step(state: _State) -> _State:
        """Amounts at the price that spends the budget, with `worth` linearised."""
        count, amounts, *_ = state
        value, fall = jax.jvp(split.worth, (amounts,), (jnp.ones_like(amounts),))
        fall = jnp.minimum(fall, -_LEAST_FALL)

        def at(price: Array) -> Array:
            return jnp.clip(amounts + (price[None] - value) / fall, low, high)

        def narrow(state: _State) -> _State:
            """Newton's method; a step that would leave the bracket halves it instead."""
            count, cheap, expensive, price, _ = state
            over, slope = jax.jvp(lambda p: split.overspent(at(p)), (price,), (one,))
            cheap, expensive = (
                jnp.where(over > 0, price, cheap),
                jnp.where(over > 0, expensive, price),
            )
            new = price - over / jnp.where(slope < 0, slope, -jnp.inf)
            safe = (new >= cheap) & (new <= expensive) & (slope < 0)
            new = jnp.where(safe, new, 0.5 * (cheap + expensive))
            # Where all amounts stay on their bounds, no price spends the budget.
            chosen = at(price)
            stuck = (over <= 0) & (chosen >= high).all(axis=0)
            stuck |= (over >= 0) & (chosen <= low).all(axis=0)
            return count + 1, cheap, expensive, new, moved(jnp.where(stuck, price, new), price)

        one = jnp.ones_like(split.log_budget)
        # At these prices all amounts are on their bounds.
        cheap = jnp.min(value + fall * (high - amounts), axis=0) - 1.0
        expensive = jnp.max(value + fall * (low - amounts), axis=0) + 1.0
        start = jnp.clip(jnp.mean(value, axis=0), cheap, expensive)
        start = (jnp.int32(0), cheap, expensive, start, jnp.any(start < jnp.inf))
        price = lax.while_loop(lambda s: s[4] & (s[0] < _NUM_PRICES), narrow, start)[3]
        new = at(price)
        return count + 1, new, price, fall, moved(new, amounts)

    equal = split.log_budget[None] - jnp.log(float(len(split.log_cost))) - split.log_cost
    nothing = jnp.zeros_like(split.log_budget)
    start = (jnp.int32(0), jnp.clip(equal, low, high), nothing, jnp.zeros_like(equal))
    start = (*start, jnp.any(equal < jnp.inf))
    return lax.while_loop(lambda s: s[4] & (s[0] < _NUM_STEPS), step, start)[1:4]


def best_split(split: Split) -> Array:
    """Logarithms of the amounts with the largest gain, with derivatives of any order."""

    def conditions(unknown: tuple[Array, Array]) -> tuple[Array, Array]:
        amounts, price = unknown
        inside = split.inside(amounts)
        fixed_price = lax.stop_gradient(price)
        off_the_end = amounts - split.nearest_end(lax.stop_gradient(amounts))
        stationary = jnp.where(inside, split.worth(amounts) - price[None], off_the_end)
        return stationary, jnp.where(
            inside.any(axis=0), split.overspent(amounts), price - fixed_price
        )

    def tangent(linear: Callable[[Tree], Tree], right: tuple[Array, Array]) -> tuple[Array, Array]:
        of_uses, of_sum = right
        one, nothing = jnp.ones_like(of_sum), jnp.zeros_like(of_sum)
        diagonal, _ = linear((jnp.ones_like(of_uses), nothing))
        column, corner = linear((jnp.zeros_like(of_uses), one))
        fixed = linear((of_uses / diagonal, nothing))[1]
        price = (of_sum - fixed) / (corner - linear((column / diagonal, nothing))[1])
        return (of_uses - column * price[None]) / diagonal, price

    start = (jnp.zeros_like(split.log_cost), jnp.zeros_like(split.log_budget))
    return lax.custom_root(conditions, start, lambda *_: _found(split)[:2], tangent)[0]


def split_for_value(split: Split) -> Array:
    """The amounts of `best_split`, cheap to differentiate, for the sum of the gains only.

    The derivatives are those of one Newton step from the solution. They are exact to first order
    for the amounts. The step keeps the budget exactly, and the sum of the gains is stationary at
    the solution, so that the derivatives of the sum are exact to third order. Where all amounts are
    on their bounds, the derivatives are those of a budget that still changes an amount: the last
    that reaches its largest amount, or the first that leaves its smallest.
    """
    constant = split.without_derivatives()
    amounts, price, fall = _found(constant)
    inside = split.inside(amounts)
    worth = constant.worth(amounts)
    least, most = worth.min(axis=0)[None], worth.max(axis=0)[None]
    last = jnp.where(amounts >= split.ends(amounts)[1], worth == least, worth == most)
    # Not where the budget does not pay for the smallest amounts, or pays for more than the largest.
    exact = jnp.abs(constant.overspent(amounts)) <= float(jnp.finfo(amounts.dtype).eps) ** 0.5
    inside = inside | (last & (exact & ~inside.any(axis=0))[None])
    amounts = jnp.where(inside, amounts, split.nearest_end(amounts))
    some = inside.any(axis=0)
    cost = jnp.exp(split.log_cost + amounts - split.log_budget[None])  # in budgets
    share = lax.stop_gradient(jnp.where(inside, cost, 0.0))
    step = jnp.where(inside, (price[None] - split.worth(amounts)) / fall, 0.0)
    missed = -split.overspent(amounts) - (share * step).sum(axis=0)
    missed = missed / jnp.where(some, (share / fall).sum(axis=0), 1.0)
    step = jnp.where(inside, step + missed[None] / fall, 0.0)
    # The costs are not linear: all amounts are scaled so that the step spends the budget.
    fixed = jnp.where(inside, 0.0, cost).sum(axis=0)
    free = jnp.where(inside, cost * jnp.exp(step), 0.0).sum(axis=0)
    log_scale = jnp.log(jnp.where(some, 1 - fixed, 1.0)) - jnp.log(jnp.where(some, free, 1.0))
    return amounts + jnp.where(inside, step + log_scale[None], 0.0)
