"""Roots of falling functions of one variable, for a whole batch, without derivatives.

A function that calls the planner is expensive to compile and to differentiate, and it may jump or
be NaN. Chandrupatla's method (1997) takes a step of inverse quadratic interpolation where this is
safe, and halves the bracket elsewhere. Outside a trace the steps run in Python, so that each call
of the planner uses its compiled programs.
"""

from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxlaws.foundations.annotations import Array

_MAX_STEPS = 100


class _Bracket(NamedTuple):
    """Three positions, and the function there.

    Attributes:
        newest: the latest position.
        other: a position on the other side of the root.
        before: an earlier position.
        at_newest: the function at `newest`.
        at_other: the function at `other`.
        at_before: the function at `before`.
        part: the fraction of the way from `newest` to `other` where the next position lies.
        done: whether the bracket is narrow enough.
    """

    newest: Array
    other: Array
    before: Array
    at_newest: Array
    at_other: Array
    at_before: Array
    part: Array
    done: Array


def _narrowed(
    xp: ModuleType, bracket: _Bracket, position: Array, value: Array, accuracy: float
) -> _Bracket:
    """The bracket after the function is evaluated at one more position."""
    newest, other, _, at_newest, at_other, _, _, done = bracket
    same = (value <= 0) == (at_newest <= 0)
    before, at_before = xp.where(same, newest, other), xp.where(same, at_newest, at_other)
    other, at_other = xp.where(same, other, newest), xp.where(same, at_other, at_newest)
    width = xp.maximum(xp.abs(other - position), 1e-30)
    least = accuracy / width
    along = (position - other) / (before - other)
    up = (value - at_other) / (at_before - at_other)
    quadratic = value / (at_other - value) * at_before / (at_other - at_before)
    quadratic = quadratic + (before - position) / (other - position) * value / (
        at_before - value
    ) * at_other / (at_before - at_other)
    safe = (up**2 < along) & ((1 - up) ** 2 < 1 - along) & xp.isfinite(quadratic)
    part = xp.where(safe, quadratic, 0.5)
    part = xp.maximum(xp.minimum(part, 1 - least), least)
    new = _Bracket(
        position, other, before, value, at_other, at_before, part, (least > 0.5) | (value == 0)
    )
    return _Bracket(
        *(xp.where(done, old, latest) for old, latest in zip(bracket, new, strict=True))
    )


def falling_root(
    function: Callable[[Array], Array], low: Array, high: Array, *, traced: bool
) -> tuple[Array, Array]:
    """The root of a falling function.

    Args:
        function: a function that falls, entry by entry; infinite and NaN count as positive.
        low: a position where the function is positive, of the shape of the batch.
        high: a position where the function is zero or negative, of the shape of the batch.
        traced: whether the steps run inside one program, or in Python.

    Returns:
        The upper end of the last bracket, where the function is zero or negative, and whether it
        is a root. It is not a root where the function jumps, where the function is not positive
        at `low` (the result is `low`), and where it is positive at `high` (the result is `high`).
    """
    xp = jnp if traced else np
    accuracy = 1e-12 if low.dtype == np.float64 else 1e-5

    def known(position: Array) -> Array:
        value = function(position)
        return xp.where(xp.isnan(value), xp.inf, value)

    def step(bracket: _Bracket) -> _Bracket:
        position = bracket.newest + bracket.part * (bracket.other - bracket.newest)
        return _narrowed(xp, bracket, position, known(position), accuracy)

    def unfinished(state: tuple[Array, _Bracket]) -> Array:
        return (state[0] < _MAX_STEPS) & ~xp.all(state[1].done)

    with np.errstate(all="ignore"):
        at_low, at_high = known(low), known(high)
        no_root = (at_low <= 0) | ~(at_high <= 0)
        bracket = _Bracket(
            low,
            high,
            low,
            at_low,
            at_high,
            at_low,
            xp.full_like(low, 0.5),
            no_root | (at_high == 0),
        )
        state = (jnp.int32(0) if traced else 0, bracket)
        if traced:
            state = lax.while_loop(unfinished, lambda s: (s[0] + 1, step(s[1])), state)
        else:
            while unfinished(state):
                state = (state[0] + 1, step(state[1]))
        bracket = state[1]
        upper = bracket.at_newest <= 0
        root = xp.where(upper, bracket.newest, bracket.other)
        value = xp.where(upper, bracket.at_newest, bracket.at_other)
        exact = ~no_root & (xp.abs(value) <= np.sqrt(accuracy))
        root = xp.where(at_low <= 0, low, xp.where(at_high <= 0, root, high))
    return root, exact


def implicit_root(function: Callable[[Array], Array], found: Array, exact: Array) -> Array:
    """A root with derivatives of any order, by the implicit function theorem.

    Args:
        function: the function whose root is `found`; it may close over traced values.
        found: the root.
        exact: whether `found` is a root. Where it is not, the derivatives are zero.
    """
    found = lax.stop_gradient(found)

    def conditions(position: Array) -> Array:
        return jnp.where(exact, function(position), position - found)

    def tangent(linear: Callable[[Array], Array], right: Array) -> Array:
        return right / linear(jnp.ones_like(right))

    return lax.custom_root(conditions, found, lambda _, start: start, tangent)
