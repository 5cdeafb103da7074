"""A question answered with every draw of a fit.

The draws are planned as batches of laws. For few budgets a call has so few entries that it needs
the planner's small program only, which a single plan has compiled already: a thousand draws are
done before a program for all of them would be compiled. A long sweep is one call.
"""

import functools
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.batches import scalar_leaves
from jaxlaws.inputs import INPUTS
from jaxlaws.planning.engine.checks import supervised_law
from jaxlaws.planning.engine.evaluation import MOST_IN_SMALL_BATCHES
from jaxlaws.planning.engine.mixture import distilled_loss
from jaxlaws.planning.engine.plans import DistillationPlan, SupervisedPlan
from jaxlaws.precision import float64, in_jax, to_float64

_LONG_SWEEP = 64  # budgets; then the large program is worth its compilation


def num_draws(ensemble: Tree) -> int:
    """The number of laws in a batched law."""
    return len(jax.tree.leaves(ensemble)[0])


def loss_under(law: Tree, plan: SupervisedPlan | DistillationPlan) -> np.ndarray:
    """The loss of a plan under another law, in the law's unit.

    A teacher that the plan trains has the loss that this law predicts for its size and tokens. A
    teacher that exists, or costs nothing, has the loss that the plan states.

    Args:
        law: a law of the plan's kind, single or batched, broadcast with the plan.
        plan: the plan, of any shape.
    """
    law, names = scalar_leaves(law), {*INPUTS, *law.input_names}
    chosen = vars(plan) | vars(plan).get("further_inputs", {})
    sizes = {name: value for name, value in chosen.items() if name in names}
    if in_jax(law, sizes):
        return _loss_under(law, sizes)
    with float64():
        return np.asarray(_loss_under(*to_float64((law, sizes))))


def _loss_under(law: Tree, sizes: dict[str, Array]) -> Array:
    shape = jnp.broadcast_shapes(*map(np.shape, jax.tree.leaves((law, sizes))))
    law, sizes = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, shape), (law, sizes))
    if "num_params" in sizes:
        law = law if set(law.input_names) <= set(sizes) else supervised_law(law)
        names = law.input_names
    else:
        names = ("num_student_params", "num_student_tokens", "teacher_loss")
    # Any finite numbers where there is no plan, so that derivatives are finite.
    known = functools.reduce(jnp.logical_and, [jnp.isfinite(sizes[name]) for name in names])
    given = {name: jnp.where(known, sizes[name], 1e3) for name in names}
    if "num_params" in sizes:
        return jnp.where(known, law.loss(**given), jnp.nan)
    student = {name: given[name] for name in names[:2]}
    is_trained = ~jnp.isnan(sizes["num_teacher_tokens"])
    teacher = {  # likewise where it is not trained
        name: jnp.where(is_trained, sizes[name], 1e9)
        for name in ("num_teacher_params", "num_teacher_tokens")
    }
    loss = jnp.where(is_trained, distilled_loss(law, **teacher, **student), law.loss(**given))
    return jnp.where(known, loss, jnp.nan)


def regret(plan: SupervisedPlan | DistillationPlan, ensemble: Tree, plans: Tree) -> np.ndarray:
    """How much worse a plan is under each draw than the best plan of that draw, in nats.

    Apart from rounding, regret is not negative. Its mean over the draws is the average cost of not
    knowing the law. The plan for a `Mixture` of the draws has the least mean regret.

    Args:
        plan: one plan, or a sweep.
        ensemble: a batched law, with the draws along the leading axis.
        plans: the answer of `over_draws` to the same question with the same ensemble.

    Returns:
        Regret, `(num_draws, *shape of the plan)`; NaN where a draw has no plan.

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
    ensemble = scalar_leaves(ensemble)
    laws = jax.tree.map(lambda leaf: leaf.reshape(-1, *axes), ensemble)
    return loss_under(laws, plan) - plans.loss


def over_draws(
    question: Callable[..., Tree], ensemble: Tree, inputs: Mapping[str, Array] | None = None
) -> Tree:
    """The answer for every draw, as one tree whose leaves have a leading axis over the draws.

    Args:
        question: a planning function, or another function that takes a batched law and the
            inputs by keyword, and returns a tree of arrays whose leading axis is that of the law.
        ensemble: a batched law, with the draws along the leading axis.
        inputs: numbers, or arrays of one length.

    >>> from jaxlaws import presets
    >>> from jaxlaws.planning import compute_optimal
    >>> draws = jax.tree.map(lambda leaf: leaf[:3], presets.ensemble("busbridge2025_refit"))
    >>> over_draws(compute_optimal, draws, {"flops": np.array([1e20, 1e21])}).loss.shape
    (3, 2)
    """
    inputs, ensemble = inputs or {}, scalar_leaves(ensemble)
    if in_jax(ensemble, inputs):
        return jax.vmap(lambda law: question(law, **inputs))(ensemble)
    ensemble = jax.tree.map(np.asarray, ensemble)
    swept = [name for name, value in inputs.items() if np.ndim(value)]
    length = max([1, *(len(inputs[name]) for name in swept)])
    if swept:
        ensemble = jax.tree.map(lambda leaf: leaf[:, None], ensemble)
    if length >= _LONG_SWEEP:
        return question(ensemble, **inputs)
    step, count = MOST_IN_SMALL_BATCHES // length, num_draws(ensemble)
    answers = [
        question(jax.tree.map(lambda leaf, at=begin: leaf[at : at + step], ensemble), **inputs)
        for begin in range(0, count, step)
    ]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *answers)
