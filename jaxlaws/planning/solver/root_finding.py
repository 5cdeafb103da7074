"""Where functions of one variable change sign, for a whole batch at once, without derivatives.

A question to the planner is a function that is expensive to compile and to differentiate, and
that may jump or have no value. Chandrupatla's method (1997) takes inverse quadratic interpolation
where that is safe and halves the bracket elsewhere. Outside a trace the steps are Python's, so
that the question is asked through its compiled door.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxlaws.planning.solver.batched import Array

_MAX_STEPS = 100


class _Bracket(NamedTuple):
    """The newest place, one on the other side of the root, and one before; with their values."""

    newest: Array
    other: Array
    before: Array
    at_newest: Array
    at_other: Array
    at_before: Array
    part: Array  # of the way from the newest to the other, where to look next
    done: Array


def _narrowed(xp: Any, bracket: _Bracket, place: Array, value: Array, accuracy: float) -> _Bracket:
    """The bracket once the function is known at one place more."""
    newest, other, _, at_newest, at_other, _, _, done = bracket
    same = (value <= 0) == (at_newest <= 0)
    before, at_before = xp.where(same, newest, other), xp.where(same, at_newest, at_other)
    other, at_other = xp.where(same, other, newest), xp.where(same, at_other, at_newest)
    width = xp.maximum(xp.abs(other - place), 1e-30)
    least = accuracy / width
    along = (place - other) / (before - other)
    up = (value - at_other) / (at_before - at_other)
    quadratic = value / (at_other - value) * at_before / (at_other - at_before)
    quadratic = quadratic + (before - place) / (other - place) * value / (
        at_before - value
    ) * at_other / (at_before - at_other)
    safe = (up**2 < along) & ((1 - up) ** 2 < 1 - along) & xp.isfinite(quadratic)
    part = xp.where(safe, quadratic, 0.5)
    part = xp.maximum(xp.minimum(part, 1 - least), least)
    new = _Bracket(
        place, other, before, value, at_other, at_before, part, (least > 0.5) | (value == 0)
    )
    return _Bracket(
        *(xp.where(done, old, latest) for old, latest in zip(bracket, new, strict=True))
    )


def falling_root(
    function: Callable[[Array], Array], low: Array, high: Array, *, traced: bool
) -> tuple[Array, Array]:
    """Where a function falls through zero.

    Args:
        function: falls, entry by entry; infinite or NaN counts as above zero.
        low: where it is above zero, of the batch's shape.
        high: where it is zero or below.
        traced: whether to step within one program, or through Python.

    Returns:
        The upper end of the bracket in the end, at which the function is zero or below, and
        whether that is a root. It is none where the function jumps, is not above zero at `low`
        (then it is `low`), or is above zero at `high` (then it is `high`).
    """
    xp: Any = jnp if traced else np
    accuracy = 1e-12 if low.dtype == np.float64 else 1e-5

    def known(place: Array) -> Array:
        value = function(place)
        return xp.where(xp.isnan(value), xp.inf, value)

    def step(bracket: _Bracket) -> _Bracket:
        place = bracket.newest + bracket.part * (bracket.other - bracket.newest)
        return _narrowed(xp, bracket, place, known(place), accuracy)

    def going(state: tuple[Any, _Bracket]) -> Any:
        return (state[0] < _MAX_STEPS) & ~xp.all(state[1].done)

    with np.errstate(all="ignore"):
        at_low, at_high = known(low), known(high)
        none = (at_low <= 0) | ~(at_high <= 0)
        bracket = _Bracket(
            low, high, low, at_low, at_high, at_low, xp.full_like(low, 0.5), none | (at_high == 0)
        )
        state = (jnp.int32(0) if traced else 0, bracket)
        if traced:
            state = lax.while_loop(going, lambda s: (s[0] + 1, step(s[1])), state)
        else:
            while going(state):
                state = (state[0] + 1, step(state[1]))
        bracket = state[1]
        upper = bracket.at_newest <= 0
        root = xp.where(upper, bracket.newest, bracket.other)
        value = xp.where(upper, bracket.at_newest, bracket.at_other)
        exact = ~none & (xp.abs(value) <= np.sqrt(accuracy))
        root = xp.where(at_low <= 0, low, xp.where(at_high <= 0, root, high))
    return root, exact


def implicit_root(function: Callable[[Array], Array], found: Array, exact: Array) -> Array:
    """A root that carries its derivatives, by the implicit function theorem; of any order.

    Args:
        function: a function whose root was found; it may close over traced values.
        found: the root.
        exact: where it is none, it stays as it is and its derivatives are zero.
    """
    found = lax.stop_gradient(found)

    def conditions(place: Array) -> Array:
        return jnp.where(exact, function(place), place - found)

    def tangent(linear: Callable[[Array], Array], right: Array) -> Array:
        return right / linear(jnp.ones_like(right))

    return lax.custom_root(conditions, found, lambda _, start: start, tangent)
