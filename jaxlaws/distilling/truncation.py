"""A teacher's distribution truncated to its likeliest symbols, as in stored logits.

Both functions return logits that are -inf for the dropped symbols. `softmax` renormalises over the
other symbols, and in `distilling_loss` the dropped symbols add 0. A student trained in this way is
biased: top-k with k = 128 costs 0.11 nats, top-p with p = 0.9 costs 0.13 nats, and mixing in the
text removes most of the bias (Busbridge et al. 2025, Appendix G). The reverse KL divergence to a
truncated teacher is infinite; use the forward direction.
"""

import jax
import jax.numpy as jnp

from jaxlaws.foundations.annotations import Array


def keep_top_k(logits: Array, k: int) -> jax.Array:
    """Return the logits of the `k` likeliest symbols, and -inf for all others.

    Of symbols with equal logits, the first are kept.

    Args:
        logits: `(..., vocabulary)`.
        k: number of symbols to keep, from 1 to the size of the vocabulary; not traced.

    Returns:
        Logits of the same shape and dtype.

    >>> import jax.numpy as jnp
    >>> print(keep_top_k(jnp.array([1.0, 3.0, 2.0]), 2))
    [-inf   3.   2.]

    Raises:
        ValueError: `k` is out of range.
    """
    logits = jnp.asarray(logits)
    if not 1 <= k <= logits.shape[-1]:
        raise ValueError(
            f"k: expected 1 to the size of the vocabulary, {logits.shape[-1]}, got {k}"
        )
    _, likeliest = jax.lax.top_k(logits, k)
    dropped = jnp.ones(logits.shape, bool)
    dropped = jnp.put_along_axis(dropped, likeliest, False, axis=-1, inplace=False)
    return jnp.where(dropped, -jnp.inf, logits)


def keep_top_p(logits: Array, p: Array) -> jax.Array:
    """Return the logits of the fewest symbols with total probability `p` or more, -inf elsewhere.

    The probabilities are `softmax(logits)`, at temperature 1. The likeliest symbol is always kept.

    Args:
        logits: `(..., vocabulary)`.
        p: total probability in (0, 1]; it may be traced.

    Returns:
        Logits of the same shape and dtype.

    >>> import jax.numpy as jnp
    >>> print(keep_top_p(jnp.array([0.0, 2.0, 1.0]), 0.8))  # probabilities .09, .67, .24
    [-inf   2.   1.]
    """
    logits = jnp.asarray(logits)
    widened = logits.astype(jnp.promote_types(logits.dtype, jnp.float32))
    order = jnp.argsort(-widened, axis=-1)  # stable: of equal symbols the first stay first
    falling = jnp.take_along_axis(jax.nn.softmax(widened, axis=-1), order, axis=-1)
    covered_before = jnp.cumsum(falling, axis=-1) - falling
    dropped = (covered_before >= p).at[..., 0].set(False)
    dropped = jnp.put_along_axis(dropped, order, dropped, axis=-1, inplace=False)
    return jnp.where(dropped, -jnp.inf, logits)
