"""The other way round: the least budget with which a plan reaches a loss."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxlaws.inputs import as_float
from jaxlaws.planning.engine.checks import checked
from jaxlaws.planning.engine.status import Status
from jaxlaws.planning.solver.batched import Array
from jaxlaws.planning.solver.root_finding import falling_root, implicit_root
from jaxlaws.precision import is_traced

_FLOPS_BOUNDS = (1e6, 1e36)


def flops_to_reach(
    question: Callable[..., Any],
    law: Any,
    *,
    target_loss: Any,
    flops_bounds: tuple[float, float] = _FLOPS_BOUNDS,
    **asked: Any,
) -> Any:
    """The least budget with which a question's plan reaches a loss, and that plan.

    A plan's loss never rises with the budget, which is an upper limit; the budget is found on the
    question itself, so that all that the plan has to keep is kept.

    Args:
        question: `compute_optimal`, `train_fixed`, `distill`, `distill_with`, or another that
            takes `law` and `flops` and gives a plan with `loss`, `flops` and `status`.
        law: the law that the question takes.
        target_loss: loss to reach, in the law's unit, broadcast with what else is asked.
        flops_bounds: the budgets among which to look; where the lowest is enough, it is the answer.
        asked: the question's other keywords.

    Returns:
        The plan, its `flops` the least budget: NumPy float64 outside a trace, in the caller's
        precision inside one. Where no budget reaches the loss it has the status INFEASIBLE and
        NaN. The derivatives are those of the implicit function,
        `dC/d target_loss = 1 / (d loss / dC)`; zero where the least budget that allows any plan
        is already enough.

    Raises:
        ValueError: the target or what else is asked is not positive and finite. Inside a trace
            the plan then has the status INFEASIBLE.
        TypeError: as the question does; or `flops` is asked, which is what is looked for.

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
    if "flops" in asked:
        raise TypeError("flops is what flops_to_reach looks for: give flops_bounds instead")
    low, high = (np.log(float(end)) for end in flops_bounds)
    if not low < high < np.inf:
        raise ValueError(f"flops_bounds must be two rising positive numbers, got {flops_bounds}")
    if is_traced(law, target_loss, asked):
        return _inside(question, law, target_loss, (low, high), asked)
    target = checked("target_loss", target_loss)

    def loss_at(log_flops: Array) -> Array:
        return question(law, flops=np.exp(log_flops), **asked).loss

    shape = np.broadcast_shapes(target.shape, np.shape(loss_at(np.full(target.shape, high))))
    root, _ = falling_root(
        lambda log_flops: np.log(loss_at(log_flops)) - np.log(target),
        np.full(shape, low),
        np.full(shape, high),
        traced=False,
    )
    plan = question(law, flops=np.exp(root), **asked)
    return jax.tree.map(lambda leaf: leaf[()], _told(np, plan, plan.loss <= target * (1 + 1e-9)))


def _inside(
    question: Callable[..., Any],
    law: Any,
    target_loss: Any,
    log_bounds: tuple[float, float],
    asked: dict[str, Any],
) -> Any:
    target = jnp.asarray(as_float("target_loss", target_loss))
    usable = jnp.isfinite(target) & (target > 0)
    target = jnp.where(usable, target, 1.0)

    def off(law: Any, target: Any, asked: dict[str, Any]) -> Callable[[Array], Array]:
        return lambda place: (
            jnp.log(question(law, flops=jnp.exp(place), **asked).loss) - jnp.log(target)
        )

    kind = jax.eval_shape(off(law, target, asked), jnp.zeros_like(target))
    shape, dtype = jnp.broadcast_shapes(kind.shape, target.shape), kind.dtype
    target = jnp.broadcast_to(target.astype(dtype), shape)
    low, high = (jnp.full(shape, end, dtype) for end in log_bounds)
    still = jax.tree.map(_still, (law, target, asked))
    found, exact = falling_root(off(*still), low, high, traced=True)
    root = implicit_root(off(law, target, asked), found, exact)
    plan = question(law, flops=jnp.exp(root), **asked)
    close = 1e-9 if dtype == jnp.float64 else 1e-5
    return _told(jnp, plan, usable & (plan.loss <= target * (1 + close)))


def _still(leaf: Any) -> Any:
    """A leaf without its derivatives; functions and the like as they are."""
    return lax.stop_gradient(leaf) if is_traced(leaf) else leaf


def _told(xp: Any, plan: Any, reached: Any) -> Any:
    """The plan, where it reaches the loss; else none."""

    def leaf(value: Any) -> Any:
        nothing = xp.nan if xp.issubdtype(value.dtype, xp.floating) else 0
        return xp.where(reached, value, nothing).astype(value.dtype)

    given = jax.tree.map(leaf, plan)
    status = xp.where(reached, plan.status, int(Status.INFEASIBLE)).astype(plan.status.dtype)
    return type(given)(**{**vars(given), "status": status})
