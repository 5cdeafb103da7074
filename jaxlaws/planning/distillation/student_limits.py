"""Limits on the students of a family, each as an upper bound of the tokens of each student.

The students are not variables of the search: for each teacher, the rest of the budget is split
among them. Therefore a limit on a student must depend on the size and the tokens of this student
alone, and rise with its tokens. Then it is the same as an upper bound of the tokens.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning.analysis.inverse import where_reached
from jaxlaws.planning.analysis.plan_roots import root_of
from jaxlaws.planning.distillation.student_family_plan import FamilyPlan
from jaxlaws.planning.engine.composed_inputs import compose
from jaxlaws.planning.engine.limits import Limit
from jaxlaws.planning.engine.programs import compiled_when_traced
from jaxlaws.precision import array_module
from jaxlaws.pytree import pytree

OF_STUDENT = ("num_student_params", "num_student_tokens")


@pytree
class Cap:
    """What a limit means for one student.

    Attributes:
        most: the most tokens that the student may have, within its bounds.
        growth: the growth of the logarithm of the quantity there, per unit of that of the tokens.
        is_below: whether the limit sets it, and not the upper bound of the tokens.
        possible: whether the fewest tokens keep the limit.
    """

    most: Array
    growth: Array
    is_below: Array
    possible: Array


@compiled_when_traced()
def caps_of(
    limits: Mapping[str, Limit], sizes: tuple[Array, ...], bounds: tuple[tuple[Array, Array], ...]
) -> dict[str, list[Cap]]:
    """The caps that each limit, by name, sets for each student.

    Args:
        limits: limits on quantities of the size and the tokens of one student.
        sizes: the size of each student.
        bounds: the lower and the upper bound of the tokens of each student.
    """

    def answer(limits: Tree, sizes: Tree, bounds: Tree) -> dict[str, list[Cap]]:
        students = list(zip(sizes, bounds, strict=True))
        return {name: [_cap(limit, *each) for each in students] for name, limit in limits.items()}

    return compose(answer, dict(limits), sizes, bounds)


def _cap(limit: Limit, size: Array, bounds: tuple[Array, Array]) -> Cap:
    xp = array_module(limit, size, bounds)

    def missing(given: Tree) -> Callable[[Array], Array]:
        """The log of the largest value of the quantity above the log of the quantity."""
        limit, size = given

        def function(log_tokens: Array) -> Array:
            tokens = xp.exp(log_tokens)
            quantity = limit.quantity(num_student_params=size, num_student_tokens=tokens)
            return xp.log(limit.most) - xp.log(quantity)

        return function

    shape = jnp.broadcast_shapes(*map(np.shape, (limit.most, size, *bounds)))
    limited, size, least, most = (
        xp.broadcast_to(each, shape) for each in (limit.most, size, *bounds)
    )
    limit, low, high = Limit(limit.quantity, limited), xp.log(least), xp.log(most)
    log_most, _ = root_of(missing, (limit, size), low, high)

    def log_quantity(log_tokens: Array) -> Array:
        return jnp.log(
            limit.quantity(num_student_params=size, num_student_tokens=jnp.exp(log_tokens))
        )

    one, is_below = jnp.ones_like(log_most), log_most < high
    return Cap(
        most=xp.where(log_most <= low, least, xp.where(is_below, xp.exp(log_most), most)),
        growth=jax.jvp(log_quantity, (jnp.asarray(log_most),), (one,))[1],
        is_below=is_below,
        possible=missing((limit, size))(low) >= 0,
    )


def lowest(most: Array, caps: list[Cap]) -> Array:
    """The upper bound of the tokens of a student under all limits."""
    xp = array_module(most, caps)
    return functools.reduce(xp.minimum, [cap.most for cap in caps], most)


def with_limits(plan: FamilyPlan, caps: Mapping[str, list[Cap]]) -> FamilyPlan:
    """The plan in which a student whose tokens a limit bounds is on this limit, not on a bound.

    Args:
        plan: with a list for what has one value for each student.
        caps: the caps that were among its upper bounds, by the names of the limits.
    """
    xp = array_module(plan, caps)
    sides, values = plan.active_bounds.num_student_tokens, plan.marginal_values.num_student_tokens
    active: dict[str, list[Array]] = {name: [] for name in caps}
    worth: dict[str, list[Array]] = {name: [] for name in caps}
    own_side, own_value = list(sides), list(values)
    for index, (side, value) in enumerate(zip(sides, values, strict=True)):
        least = functools.reduce(xp.minimum, [each[index].most for each in caps.values()])
        for name, each in caps.items():
            cap = each[index]
            binds = (own_side[index] > 0) & cap.is_below & (cap.most <= least)
            active[name].append(xp.where(binds, side, 0))
            worth[name].append(xp.where(binds, value / xp.where(binds, cap.growth, 1.0), 0 * value))
            own_side[index] = xp.where(binds, 0, own_side[index])
            own_value[index] = xp.where(binds, 0.0, own_value[index])
    plan = dataclasses.replace(
        plan,
        active_bounds=plan.active_bounds | active | {"num_student_tokens": own_side},
        marginal_values=plan.marginal_values | worth | {"num_student_tokens": own_value},
    )
    possible = [cap.possible for each in caps.values() for cap in each]
    return where_reached(plan, functools.reduce(xp.logical_and, possible), xp)
