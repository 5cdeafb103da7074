"""Calibration of a model's confidence (Busbridge et al. 2025, Appendix E.8).

A model's confidence is the probability that it gives its likeliest symbol. Tokens are sorted into
bins by confidence. Within each bin the mean confidence is compared with another mean that it should
equal. The result is the mean of the absolute differences, weighted by the number of tokens in each
bin. Both measures need only one number per token, so a caller can discard the logits after each
batch.
"""

import jax
import jax.numpy as jnp

from jaxlaws.foundations.annotations import Array

NUM_BINS = 21


def confidence(logits: Array) -> tuple[jax.Array, jax.Array]:
    """Return the probability of the likeliest symbol, and that symbol.

    Args:
        logits: `(..., vocabulary)`.

    Returns:
        Probabilities `(...)`, float32 or wider, and symbols `(...)`.

    >>> import jax.numpy as jnp
    >>> sure, symbol = confidence(jnp.log(jnp.array([0.25, 0.75])))
    >>> print(f"{sure:.2f}", symbol)
    0.75 1
    """
    logits = jnp.asarray(logits)
    widened = logits.astype(jnp.promote_types(logits.dtype, jnp.float32))
    return jnp.max(jax.nn.softmax(widened, axis=-1), axis=-1), jnp.argmax(logits, axis=-1)


def calibration_error(confidences: Array, correct: Array, *, num_bins: int = NUM_BINS) -> jax.Array:
    """Return the expected calibration error (Eq. 38).

    It is `sum_m |B_m| / n |accuracy(B_m) - confidence(B_m)|`, with the bins
    `B_m = ((m - 1) / M, m / M]` of equal width.

    Args:
        confidences: `(...)` in [0, 1], from `confidence`.
        correct: `(...)`, whether the likeliest symbol is correct. The correct symbol is the next
            symbol of the text, or the teacher's likeliest symbol.
        num_bins: number of bins M; 21 in the paper.

    Returns:
        A scalar in [0, 1].

    >>> import jax.numpy as jnp
    >>> sure = jnp.array([0.75, 0.75, 0.75, 0.75])
    >>> print(calibration_error(sure, jnp.array([True, True, True, False])))
    0.0
    >>> print(calibration_error(sure, jnp.array([True, False, True, False])))
    0.25
    """
    return _mean_gap(confidences, correct, num_bins)


def calibration_distance(
    confidences: Array, others: Array, *, num_bins: int = NUM_BINS
) -> jax.Array:
    """Return the distance between the confidences of two models, ECE_Dist (Eq. 39).

    It is `sum_m |B_m| / n |confidence(B_m; other) - confidence(B_m; own)|`, with bins `B_m` of the
    first model's confidence. In the paper the first model is a student, the other its teacher.

    Args:
        confidences: `(...)` in [0, 1], confidence of the first model.
        others: `(...)`, confidence of the other model on the same tokens.
        num_bins: number of bins M; 21 in the paper.

    Returns:
        A scalar in [0, 1].

    >>> import jax.numpy as jnp
    >>> student, teacher = jnp.array([0.5, 0.5, 0.9]), jnp.array([0.75, 0.25, 0.9])
    >>> print(calibration_distance(student, teacher))
    0.0
    """
    return _mean_gap(confidences, others, num_bins)


def _mean_gap(confidences: Array, others: Array, num_bins: int) -> jax.Array:
    """Return the sum over bins of `|sum(others) - sum(confidences)|`, divided by the tokens."""
    confidences, others = jnp.ravel(jnp.asarray(confidences)), jnp.ravel(jnp.asarray(others))
    if confidences.shape != others.shape:
        raise ValueError(
            f"expected as many numbers in both arguments, got {confidences.size} and {others.size}"
        )
    upper = jnp.ceil(confidences * num_bins).astype(jnp.int32)
    differences = others.astype(confidences.dtype) - confidences
    sums = jnp.zeros(num_bins, differences.dtype).at[jnp.maximum(upper, 1) - 1].add(differences)
    return jnp.sum(jnp.abs(sums)) / confidences.size
