"""Distillation plans with the BFGS of optimistix, vmapped over budgets and starts."""

import jax
import jax.numpy as jnp
import numpy as np
import optimistix  # pyright: ignore[reportMissingImports]

from jaxlaws.foundations.annotations import Array, Tree

_LEAST_LOG_ODDS, _LARGEST_LOG_ODDS = -22.0, 6.0  # of the teacher's training, as in our own scan
_TOLERANCE, _MAX_STEPS = 1e-10, 256


@jax.jit
def _least(law: Tree, flops: jax.Array, sizes: jax.Array, log_odds: jax.Array) -> jax.Array:
    def loss(logs: jax.Array, budget_and_size: tuple[Array, Array]) -> jax.Array:
        """Return the loss at the log of the teacher's size and the log odds of its share."""
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
        # Start from the compute-optimal teacher for its share of the budget.
        start = jnp.stack([0.5 * jnp.log(budget * jax.nn.sigmoid(odds)) - 2.4, odds])
        given = (budget, size)
        found = optimistix.minimise(
            loss, solver, start, given, max_steps=_MAX_STEPS, throw=False
        ).value
        return loss(found, given)

    starts = jax.vmap(from_start, (None, None, 0))
    return jnp.nanmin(jax.vmap(starts, (0, 0, None))(flops, sizes, log_odds), axis=1)


def plans_with_bfgs(law: Tree, flops: Array, sizes: Array, num_starts: int) -> np.ndarray:
    """Return the lowest losses with the teacher's training and inference charged.

    Costs are `6 N D` for training and `2 N` per token for inference.

    Args:
        law: a distillation law.
        flops: budgets in FLOPs, shape `(count,)`.
        sizes: students' sizes in parameters, shape `(count,)`.
        num_starts: number of starts. Several starts have the teacher's shares of our own scan; a
            single start gives the teacher a quarter of the compute.

    Returns:
        Losses `(count,)`.
    """
    log_odds = (
        np.linspace(_LEAST_LOG_ODDS, _LARGEST_LOG_ODDS, num_starts)
        if num_starts > 1
        else np.array([np.log(0.25 / 0.75)])
    )
    with jax.enable_x64(True):
        law = jax.tree.map(jnp.asarray, law)
        return np.asarray(_least(law, jnp.asarray(flops), jnp.asarray(sizes), log_odds))
