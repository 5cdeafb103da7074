"""A question answered with every draw of a fit.

Law by law through the planner's compiled batches where few budgets are asked about: a call takes
about a millisecond, so that a thousand draws are done before a program for all of them at once has
been compiled. A long sweep is asked with all draws at once.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from jaxlaws.inputs import INPUTS
from jaxlaws.planning.engine.checks import supervised_law
from jaxlaws.planning.engine.mixture import distilled_loss
from jaxlaws.precision import float64, to_float64

# The planner's small batch: a sweep is cut into such, as the large one is made for thousands.
_BATCH = 16
_LONG_SWEEP = 64


def num_draws(ensemble: Any) -> int:
    """How many laws a batched law holds."""
    return len(jax.tree.leaves(ensemble)[0])


def loss_under(law: Any, plan: Any) -> np.ndarray:
    """What a plan would reach if a law were true, in the law's unit.

    The teacher of a plan that trains one is as good as the law says for its size and tokens; one
    that exists, or costs nothing, has the loss that the plan has.

    Args:
        law: a law of the plan's kind, single or batched, broadcast with the plan's sizes.
        plan: a `SupervisedPlan` or a `DistillationPlan`.
    """
    law = to_float64(law)
    sizes = to_float64({name: value for name, value in vars(plan).items() if name in INPUTS})
    shape = np.broadcast_shapes(*map(np.shape, jax.tree.leaves((law, sizes))))
    law, sizes = jax.tree.map(lambda leaf: np.broadcast_to(leaf, shape), (law, sizes))
    with float64():
        if "num_params" in sizes:
            names = ("num_params", "num_tokens")
            return np.asarray(supervised_law(law).loss(**{name: sizes[name] for name in names}))
        student = {name: sizes[name] for name in ("num_student_params", "num_student_tokens")}
        if np.isnan(sizes["num_teacher_tokens"]).all():
            return np.asarray(law.loss(teacher_loss=sizes["teacher_loss"], **student))
        teacher = {name: sizes[name] for name in ("num_teacher_params", "num_teacher_tokens")}
        return np.asarray(distilled_loss(law, **teacher, **student))


def regret(plan: Any, ensemble: Any, plans: Any) -> np.ndarray:
    """How much worse a plan is under each draw than that draw's own plan, in nats.

    It is at least zero, but for rounding. Its mean over the draws is what not knowing the law
    costs on average; where a `Mixture` of the draws is planned for, that is least.

    Args:
        plan: one plan, or a sweep.
        ensemble: a batched law.
        plans: what `over_draws` gives for it, the question being the plan's.

    Returns:
        `(num_draws, *shape of the plan)`; NaN where a draw has no plan.

    >>> from jaxlaws import presets
    >>> from jaxlaws.planning import FREE_TEACHER, Mixture, distill
    >>> draws = presets.ensemble("busbridge2025_refit")
    >>> draws = jax.tree.map(lambda leaf: leaf[:50], draws)
    >>> def question(law):
    ...     return distill(law, flops=1e21, num_student_params=1e9, scenario=FREE_TEACHER)
    >>> own = over_draws(question, draws)
    >>> for law in (presets.load("busbridge2025_refit"), Mixture(laws=draws)):
    ...     print(f"{1e6 * regret(question(law), draws, own).mean():.0f} millionths of a nat")
    66 millionths of a nat
    65 millionths of a nat
    """
    axes = (1,) * np.ndim(plan.loss)
    laws = jax.tree.map(lambda leaf: np.asarray(leaf).reshape(-1, *axes), ensemble)
    return loss_under(laws, plan) - plans.loss


def over_draws(
    question: Callable[..., Any], ensemble: Any, asked: Mapping[str, Any] | None = None
) -> Any:
    """The answers for every draw, as one whose leaves have a leading axis over the draws.

    Args:
        question: answers with a law, and with what is asked as keywords: one of this package.
        ensemble: a batched law.
        asked: numbers, or arrays of one length.

    >>> from jaxlaws import presets
    >>> from jaxlaws.planning import compute_optimal
    >>> draws = jax.tree.map(lambda leaf: leaf[:3], presets.ensemble("busbridge2025_refit"))
    >>> over_draws(compute_optimal, draws, {"flops": np.array([1e20, 1e21])}).loss.shape
    (3, 2)
    """
    asked = asked or {}
    axes = {name: value for name, value in asked.items() if np.ndim(value)}
    length = max((len(value) for value in axes.values()), default=1)

    def one(law: Any) -> Any:
        if not axes:
            return question(law, **asked)
        parts = []
        for begin in range(0, length, _BATCH):
            here = {name: value[begin : begin + _BATCH] for name, value in axes.items()}
            parts.append(question(law, **{**asked, **here}))
        return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)

    if length >= _LONG_SWEEP:
        return question(jax.tree.map(lambda leaf: np.asarray(leaf)[:, None], ensemble), **asked)
    answers = [
        one(jax.tree.map(lambda leaf, at=index: np.asarray(leaf)[at], ensemble))
        for index in range(num_draws(ensemble))
    ]
    return jax.tree.map(lambda *leaves: np.stack(leaves), *answers)
