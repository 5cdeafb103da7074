"""Adam with one learning rate for all widths: the simple form of muP.

The rate of a hidden matrix falls as one over the width (`BASE_WIDTH / d`); embedding, head and
norm gains keep the base rate (Wortsman et al. 2024, "muP simple"; the paper trains so too).
"""

import jax
import jax.numpy as jnp
import optax

BASE_WIDTH = 32
HIDDEN = ("qkv", "attention_out", "gate_up", "down")
WARM_UP = 0.1
LONGEST_WARM_UP = 500
LAST_RATE = 1e-3
WEIGHT_DECAY = 1e-4


def optimiser() -> optax.GradientTransformation:
    """Clipped Adam with decoupled weight decay; updates are for a learning rate of 1."""
    return optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.scale_by_adam(b1=0.9, b2=0.98),
        optax.add_decayed_weights(WEIGHT_DECAY),
    )


def rate_multipliers(params: dict, width: int) -> dict:
    """What the learning rate is multiplied with, for each array of `params`."""
    return jax.tree_util.tree_map_with_path(
        lambda path, _: BASE_WIDTH / width if path[-1].key in HIDDEN else 1.0, params
    )


def rate_at(step: jax.Array, steps: jax.Array) -> jax.Array:
    """The cosine's share of the peak rate at `step` of `steps`, after a linear warm-up.

    Both are traced, so that runs of every length share one compiled program.
    """
    warm_up = jnp.minimum(WARM_UP * steps, LONGEST_WARM_UP)
    progress = jnp.clip((step - warm_up) / (steps - warm_up), 0, 1)
    cosine = LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + jnp.cos(jnp.pi * progress))
    return jnp.minimum((step + 1) / warm_up, cosine)
