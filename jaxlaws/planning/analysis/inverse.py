"""The inverse of a question: the least budget with which a plan reaches a loss."""

import dataclasses
from collections.abc import Callable, Mapping
from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning.analysis.plan_roots import root_of
from jaxlaws.planning.engine.costs import Costs, log_price_of_flop
from jaxlaws.planning.engine.entries import valid_input
from jaxlaws.planning.engine.planner import setting_of
from jaxlaws.planning.engine.programs import compiled_when_traced
from jaxlaws.planning.engine.status import Status
from jaxlaws.precision import array_module

FLOPS_BOUNDS = (1e6, 1e36)


@compiled_when_traced("flops_bounds")
def flops_to_reach(
    question: Callable[..., Tree],
    law: Tree,
    *,
    target_loss: Array,
    flops_bounds: tuple[float, float] | None = None,
    **inputs: Tree,
) -> Tree:
    """The least budget with which a plan reaches a loss, and the plan.

    The loss of a plan never rises with the budget, because the budget is an upper limit. The
    search uses the question itself, so that the plan keeps all bounds and limits.

    Args:
        question: `compute_optimal`, `train_fixed`, `distill`, `distill_with`, or another function
            that takes `law` and `flops` and returns a plan with `loss`, `flops` and `status`.
        law: the law that the question takes.
        target_loss: loss to reach, in the law's unit, broadcast with the inputs.
        flops_bounds: least and largest budget of the search, in the unit of the budget. Where the
            least budget is enough, it is the answer. None: 1e6 to 1e36 FLOPs of training, at the
            price of a FLOP of the `cost` in `inputs`, in a `functools.partial` or in a `Planner`.
            A question of your own that contains prices needs bounds.
        inputs: the other keywords of the question.

    Returns:
        The plan with the least budget: NumPy float64 outside a trace, in the caller's dtype inside
        one. Where no budget reaches the loss, the status is INFEASIBLE and all numbers are NaN.
        The derivatives are those of the implicit function theorem,
        `dC/d target_loss = 1 / (d loss / dC)`; they are zero where the least budget that allows
        a plan is already enough.

    Raises:
        ValueError: the target or another input is not positive and finite. Inside a trace the
            plan then has the status INFEASIBLE.
        TypeError: `flops` is given; or as the question.

    >>> from jaxlaws import presets
    >>> from jaxlaws.planning import TEACHER_INFERENCE, distill, train_fixed
    >>> law = presets.load("busbridge2025_consistent")
    >>> alone = flops_to_reach(train_fixed, law, target_loss=2.3, num_params=1e9)
    >>> distilled = flops_to_reach(
    ...     distill, law, target_loss=2.3, num_student_params=1e9, scenario=TEACHER_INFERENCE
    ... )
    >>> f"{alone.flops:.2e} alone, {distilled.flops:.2e} distilled"
    '2.62e+20 alone, 2.11e+20 distilled'
    """
    if "flops" in inputs:
        raise TypeError("flops_to_reach searches for flops: give flops_bounds instead of flops")
    xp = array_module(law, target_loss, inputs)
    target, valid = valid_input("target_loss", target_loss, xp, replacement=1.0)

    def excess(plan: Tree, target: Array) -> Array:
        """The log of the plan's loss above the log of the target."""
        return xp.log(plan.loss) - xp.log(target)

    plan, rest = least_budget(question, law, excess, target, flops_bounds, inputs)
    # One part in 1e9 of the loss is rounding; in single precision one part in 1e5.
    reached = valid & (rest <= (1e-9 if rest.dtype == np.float64 else 1e-5))
    return where_reached(plan, reached, xp)


def least_budget(
    question: Callable[..., Tree],
    law: Tree,
    excess: Callable[[Tree, Array], Array],
    target: Array,
    flops_bounds: tuple[float, float] | None,
    inputs: Mapping[str, Tree],
) -> tuple[Tree, Array]:
    """The plan with the least budget at which a quantity of the plan passes a target.

    Args:
        question: takes `law`, `flops` and `inputs`, and returns a plan.
        law: the law.
        excess: from a plan and the target to a number that falls through zero as the budget grows.
        target: broadcast with the inputs.
        flops_bounds: least and largest budget of the search. None: `FLOPS_BOUNDS`, times the price
            of a FLOP of training if `inputs` or the settings of the question have a `cost`.
        inputs: the other keywords of the question.

    Returns:
        The plan, and `excess` there: above zero, or NaN, where no budget passes the target.

    Raises:
        ValueError: the bounds are not two rising positive numbers.
    """
    low, high = (np.log(float(end)) for end in flops_bounds or FLOPS_BOUNDS)
    if not low < high < np.inf:
        raise ValueError(f"flops_bounds must be two rising positive numbers, got {flops_bounds}")
    xp = array_module(law, target, inputs)
    cost = inputs["cost"] if "cost" in inputs else setting_of(question, "cost", Costs)
    unit = log_price_of_flop(None if flops_bounds else cost, xp)

    def function(given: Tree) -> Callable[[Array], Array]:
        law, target, inputs = given
        return lambda log_flops: excess(question(law, flops=xp.exp(log_flops), **inputs), target)

    highest = xp.broadcast_to(high + unit, jnp.broadcast_shapes(target.shape, unit.shape))
    at_highest = function((law, target, inputs))
    found = jax.eval_shape(at_highest, highest) if xp is jnp else at_highest(highest)
    shape, dtype = jnp.broadcast_shapes(found.shape, target.shape), found.dtype
    target = xp.broadcast_to(target.astype(dtype), shape)
    ends = (xp.broadcast_to((end + unit).astype(dtype), shape) for end in (low, high))
    root, _ = root_of(function, (law, target, inputs), *ends)
    plan = question(law, flops=xp.exp(root), **inputs)
    return plan, excess(plan, target)


def where_reached(plan: Tree, reached: Array, xp: ModuleType) -> Tree:
    """The plan where it reaches its target, else NaN and the status INFEASIBLE."""

    def leaf(value: Array) -> Array:
        nothing = xp.nan if xp.issubdtype(value.dtype, xp.floating) else 0
        return xp.where(reached, value, nothing).astype(value.dtype)

    given = jax.tree.map(leaf, plan)
    status = xp.where(reached, plan.status, int(Status.INFEASIBLE)).astype(plan.status.dtype)
    return jax.tree.map(lambda leaf: leaf[()], dataclasses.replace(given, status=status))
