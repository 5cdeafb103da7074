"""The distillation plan with optimistix: BFGS, vmapped over budgets and over starts."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optimistix  # pyright: ignore[reportMissingImports]

_LEAST_LOG_ODDS, _LARGEST_LOG_ODDS = -22.0, 6.0  # of the teacher's training, as our own scan has it
_TOLERANCE, _MAX_STEPS = 1e-10, 256


@jax.jit
def _least(law: Any, flops: jax.Array, sizes: jax.Array, log_odds: jax.Array) -> jax.Array:
    def loss(logs: jax.Array, budget_and_size: Any) -> jax.Array:
        """Of the log of the teacher's size and the log odds of its share; the budget is spent."""
        budget, size = budget_and_size
        teacher = jnp.exp(logs[0])
        of_teacher = budget * jax.nn.sigmoid(logs[1])
        teacher_loss = law.supervised.loss(
            num_params=teacher, num_tokens=of_teacher / (6 * teacher)
        )
        return law.loss(
            num_student_params=size,
            num_student_tokens=budget * jax.nn.sigmoid(-logs[1]) / (6 * size + 2 * teacher),
            teacher_loss=teacher_loss,
        )

    solver = optimistix.BFGS(rtol=_TOLERANCE, atol=_TOLERANCE)

    def from_start(budget: jax.Array, size: jax.Array, odds: jax.Array) -> jax.Array:
        # The compute-optimal teacher of what the share leaves it.
        start = jnp.stack([0.5 * jnp.log(budget * jax.nn.sigmoid(odds)) - 2.4, odds])
        given = (budget, size)
        found = optimistix.minimise(
            loss, solver, start, given, max_steps=_MAX_STEPS, throw=False
        ).value
        return loss(found, given)

    starts = jax.vmap(from_start, (None, None, 0))
    return jnp.nanmin(jax.vmap(starts, (0, 0, None))(flops, sizes, log_odds), axis=1)


def plans_with_bfgs(law: Any, flops: Any, sizes: Any, num_starts: int) -> np.ndarray:
    """The least losses with the teacher's training and logits paid, `C = 6 N D` and `2 N`.

    Args:
        law: a distillation law.
        flops: budgets.
        sizes: of the students.
        num_starts: with more than one, shares of compute as our own scan takes them; with one, a
            quarter of it for the teacher.
    """
    log_odds = (
        np.linspace(_LEAST_LOG_ODDS, _LARGEST_LOG_ODDS, num_starts)
        if num_starts > 1
        else np.array([np.log(0.25 / 0.75)])
    )
    with jax.enable_x64(True):
        law = jax.tree.map(jnp.asarray, law)
        return np.asarray(_least(law, jnp.asarray(flops), jnp.asarray(sizes), log_odds))
