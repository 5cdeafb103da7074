"""Adam with one learning rate for all widths, by the simple form of muP.

The rate of a hidden matrix is multiplied by `BASE_WIDTH / d`. The embedding, the head and the norm
gains keep the base rate (Wortsman et al. 2024, "muP simple", as in Busbridge et al. 2025).
"""

import jax
import jax.numpy as jnp
import optax

from jaxlaws.foundations.annotations import Array

BASE_WIDTH = 32
HIDDEN = ("qkv", "attention_out", "gate_up", "down")
WARM_UP = 0.1
LONGEST_WARM_UP = 500
LAST_RATE = 1e-3
ANNEALED = 0.2  # the last part of a run, in which the rate of the schedule `constant` falls
WEIGHT_DECAY = 1e-4


def optimiser() -> optax.GradientTransformation:
    """Return clipped Adam with decoupled weight decay, for a learning rate of 1."""
    return optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.scale_by_adam(b1=0.9, b2=0.98),
        optax.add_decayed_weights(WEIGHT_DECAY),
    )


def rate_multipliers(params: dict, width: int) -> dict:
    """Return the multiplier of the learning rate for each array of `params`."""
    return jax.tree_util.tree_map_with_path(
        lambda path, _: BASE_WIDTH / width if path[-1].key in HIDDEN else 1.0, params
    )


def rate_at(step: Array, steps: Array, schedule: str = "cosine") -> jax.Array:
    """Return the share of the peak rate at a step: linear warm-up, then the schedule.

    `step` and `steps` are traced, so runs of every length share one compiled program. The schedule
    is `cosine`, or `constant`: the peak rate, and a linear fall in the last fifth of the run.
    """
    warm_up = jnp.minimum(WARM_UP * steps, LONGEST_WARM_UP)
    progress = jnp.clip((step - warm_up) / (steps - warm_up), 0, 1)
    if schedule == "cosine":
        height = 0.5 * (1 + jnp.cos(jnp.pi * progress))
    else:
        height = jnp.minimum((1 - step / steps) / ANNEALED, 1)
    return jnp.minimum((step + 1) / warm_up, LAST_RATE + (1 - LAST_RATE) * height)
