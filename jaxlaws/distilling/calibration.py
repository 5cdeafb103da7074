"""Whether a model's confidence is what it should be (Busbridge et al. 2025, Appendix E.8).

A model's confidence is the probability of its likeliest symbol. Tokens are sorted into bins by
it; within each bin its mean is held against a mean that it should equal, and the absolute
differences are averaged with the bins' shares of the tokens. Both measures take one number a
token, so that logits can be thrown away batch by batch.
"""

import jax
import jax.numpy as jnp

NUM_BINS = 21


def confidence(logits):
    """Probability of the likeliest symbol, and which it is.

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


def calibration_error(confidences, correct, *, num_bins=NUM_BINS):
    """Expected calibration error: `sum_m |B_m| / n |accuracy(B_m) - confidence(B_m)|` (Eq. 38).

    The bins `B_m` are `((m - 1) / M, m / M]`, of equal width.

    Args:
        confidences: `(...)` in [0, 1], of `confidence`.
        correct: whether the likeliest symbol was the right one, `(...)`: the text's, or the
            teacher's likeliest.
        num_bins: `M`; 21 in the paper.

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


def calibration_distance(confidences, others, *, num_bins=NUM_BINS):
    """How far another model's confidence is from a model's own, ECE_Dist (Eq. 39).

    `sum_m |B_m| / n |confidence(B_m; other) - confidence(B_m; own)|`, with bins `B_m` of the
    model's own confidence: a student's, with its teacher's as the others, in the paper.

    Args:
        confidences: of the model, `(...)` in [0, 1].
        others: of the other model on the same tokens, `(...)`.
        num_bins: `M`; 21 in the paper.

    Returns:
        A scalar in [0, 1].

    >>> import jax.numpy as jnp
    >>> student, teacher = jnp.array([0.5, 0.5, 0.9]), jnp.array([0.75, 0.25, 0.9])
    >>> print(calibration_distance(student, teacher))
    0.0
    """
    return _mean_gap(confidences, others, num_bins)


def _mean_gap(confidences, others, num_bins):
    """Sum over bins of `|sum(others) - sum(confidences)|`, over the number of tokens."""
    confidences, others = jnp.ravel(jnp.asarray(confidences)), jnp.ravel(jnp.asarray(others))
    if confidences.shape != others.shape:
        raise ValueError(
            f"expected one number a token in both, got {confidences.size} and {others.size}"
        )
    upper = jnp.ceil(confidences * num_bins).astype(jnp.int32)
    differences = others.astype(confidences.dtype) - confidences
    sums = jnp.zeros(num_bins, differences.dtype).at[jnp.maximum(upper, 1) - 1].add(differences)
    return jnp.sum(jnp.abs(sums)) / confidences.size
