"""A teacher's distribution cut to its likeliest symbols, as when its logits are stored.

Both functions give logits again, -inf for the symbols that are dropped: `softmax` renormalises
over the rest, and `distilling_loss` lets dropped symbols add nothing. A student trained so is
biased (Busbridge et al. 2025, Appendix G: top-k 128 costs .11 nats, top-p .9 costs .13; mixing
in the text repairs most of it). Reverse KL to a cut teacher is infinite: use the forward one.
"""

import jax
import jax.numpy as jnp


def keep_top_k(logits, k):
    """The `k` likeliest symbols' logits, -inf elsewhere; of equal ones the first are kept.

    Args:
        logits: `(..., vocabulary)`.
        k: how many to keep, 1 to the vocabulary; an integer outside any trace.

    Returns:
        Logits of the same shape and kind.

    >>> import jax.numpy as jnp
    >>> print(keep_top_k(jnp.array([1.0, 3.0, 2.0]), 2))
    [-inf   3.   2.]

    Raises:
        ValueError: `k` is out of range.
    """
    logits = jnp.asarray(logits)
    if not 1 <= k <= logits.shape[-1]:
        raise ValueError(f"k: expected 1 to the vocabulary, {logits.shape[-1]}, got {k}")
    _, likeliest = jax.lax.top_k(logits, k)
    dropped = jnp.ones(logits.shape, bool)
    dropped = jnp.put_along_axis(dropped, likeliest, False, axis=-1, inplace=False)
    return jnp.where(dropped, -jnp.inf, logits)


def keep_top_p(logits, p):
    """Logits of the fewest symbols that together have probability `p` or more, -inf elsewhere.

    Probabilities are those of `softmax(logits)`, at temperature 1; the likeliest symbol is
    always kept.

    Args:
        logits: `(..., vocabulary)`.
        p: the probability to cover, in (0, 1]; may be traced.

    Returns:
        Logits of the same shape and kind.

    >>> import jax.numpy as jnp
    >>> print(keep_top_p(jnp.array([0.0, 2.0, 1.0]), 0.8))  # probabilities .09, .67, .24
    [-inf   2.   1.]
    """
    logits = jnp.asarray(logits)
    widened = logits.astype(jnp.promote_types(logits.dtype, jnp.float32))
    order = jnp.argsort(-widened, axis=-1)  # stable: of equal symbols the first come first
    falling = jnp.take_along_axis(jax.nn.softmax(widened, axis=-1), order, axis=-1)
    covered_before = jnp.cumsum(falling, axis=-1) - falling
    dropped = (covered_before >= p).at[..., 0].set(False)
    dropped = jnp.put_along_axis(dropped, order, dropped, axis=-1, inplace=False)
    return jnp.where(dropped, -jnp.inf, logits)
