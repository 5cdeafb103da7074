"""The losses of Busbridge et al. 2025 (Eqs. 4-7), from logits.

Each function returns one loss per token, in nats. The caller takes the mean, because masks and
sums over devices differ between training loops. The last axis of the logits is the vocabulary;
every other axis is a batch axis. Logits may be float32 or bfloat16. All sums are in float32, or in
float64 if the logits are float64.
"""

from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp

from jaxlaws.foundations.annotations import Array

Direction: TypeAlias = Literal["forward", "reverse"]

FORWARD: Direction = "forward"
REVERSE: Direction = "reverse"


def next_token_loss(logits: Array, targets: Array) -> jax.Array:
    """Return `L_NTP = -log softmax(z)[target]` (Eq. 4), in nats per token.

    Args:
        logits: `(..., vocabulary)`.
        targets: integers `(...)`, the next symbol of each token.

    Returns:
        Losses `(...)`, float32 or wider.

    Raises:
        ValueError: the shape of `targets` is not that of the logits without the last axis.
        TypeError: `targets` are not integers.

    >>> import jax.numpy as jnp
    >>> loss = next_token_loss(jnp.zeros((2, 128)), jnp.array([5, 7]))  # uniform: log 128
    >>> print(loss.round(3))
    [4.852 4.852]
    """
    logits = _widened(logits)
    _check_targets(logits, targets)
    chosen = jnp.take_along_axis(logits, targets[..., None], axis=-1)[..., 0]
    return jax.nn.logsumexp(logits, axis=-1) - chosen


def distilling_loss(
    student_logits: Array,
    teacher_logits: Array,
    *,
    temperature: Array = 1.0,
    direction: Direction = FORWARD,
) -> jax.Array:
    """Return `L_KD`, the student's distance from the teacher's distribution, in nats per token.

    Forward (Eq. 5): the cross-entropy to the teacher, `-tau^2 sum_a p_T(a) log p_S(a)` with
    `p = softmax(z / tau)`. It equals `tau^2 (KL(p_T || p_S) + H(p_T))`. The entropy H depends on
    the teacher only, so the gradient is the gradient of the KL divergence.
    Reverse: `tau^2 KL(p_S || p_T)`, which makes the student follow the teacher's modes.

    The factor `tau^2` makes the size of the gradient independent of the temperature (Hinton et al.
    2015). Both arguments have gradients. Wrap the teacher's logits in `jax.lax.stop_gradient`, or
    differentiate with respect to the student's parameters only.

    Args:
        student_logits: `(..., vocabulary)`.
        teacher_logits: the same shape.
        temperature: `tau > 0`. In the paper 1 is best at every size.
        direction: `"forward"` or `"reverse"`.

    Returns:
        Losses `(...)`, float32 or wider.

    Raises:
        ValueError: the shapes of the logits differ, or `direction` is not one of the two words.

    >>> import jax.numpy as jnp
    >>> teacher = jnp.log(jnp.array([0.5, 0.25, 0.25]))
    >>> print(f"{distilling_loss(teacher, teacher):.3f}")  # the teacher's entropy, 1.5 log 2
    1.040
    >>> print(abs(distilling_loss(teacher, teacher, direction="reverse")) < 1e-6)
    True
    """
    _check_shapes(student_logits, teacher_logits)
    log_student = jax.nn.log_softmax(_widened(student_logits) / temperature, axis=-1)
    log_teacher = jax.nn.log_softmax(_widened(teacher_logits) / temperature, axis=-1)
    if direction == FORWARD:
        per_token = -_expectation(log_teacher, log_student)
    elif direction == REVERSE:
        per_token = _expectation(log_student, log_student - log_teacher)
    else:
        raise ValueError(f"direction: expected 'forward' or 'reverse', got {direction!r}")
    return temperature**2 * per_token


def logit_loss(student_logits: Array, teacher_logits: Array) -> jax.Array:
    """Return `sum_a (z_S(a) - z_T(a))^2 / (2 V)`, the squared distance of the logits.

    At high temperature `tau^2 KL` tends to this loss if both sets of logits have mean zero (Hinton
    et al. 2015). It is for comparison: unlike a loss of softmax, it depends on a constant that is
    added to all logits, and it gives the same weight to frequent and to rare symbols.

    Args:
        student_logits: `(..., vocabulary)`.
        teacher_logits: the same shape.

    Returns:
        Losses `(...)`, float32 or wider, not in nats.

    >>> import jax.numpy as jnp
    >>> print(logit_loss(jnp.array([1.0, 2.0]), jnp.array([1.0, 4.0])))
    1.0
    """
    _check_shapes(student_logits, teacher_logits)
    return jnp.mean((_widened(student_logits) - _widened(teacher_logits)) ** 2, axis=-1) / 2


def z_loss(logits: Array) -> jax.Array:
    """Return `L_Z = logsumexp(z)^2` (Eq. 6), which keeps the scale of the logits constant.

    Args:
        logits: `(..., vocabulary)`.

    Returns:
        Losses `(...)`, float32 or wider.

    >>> import jax.numpy as jnp
    >>> print(z_loss(jnp.log(jnp.array([0.5, 0.25, 0.25]))) < 1e-12)  # zero for normalised logits
    True
    """
    return jax.nn.logsumexp(_widened(logits), axis=-1) ** 2


def student_loss(
    student_logits: Array,
    teacher_logits: Array,
    targets: Array,
    *,
    mixing: Array = 1.0,
    temperature: Array = 1.0,
    direction: Direction = FORWARD,
    z_weight: Array = 1e-4,
) -> jax.Array:
    """Return `(1 - lambda) L_NTP + lambda L_KD + lambda_Z L_Z` (Eq. 7), in nats per token.

    Args:
        student_logits: `(..., vocabulary)`.
        teacher_logits: the same shape.
        targets: integers `(...)`, the next symbol of each token.
        mixing: `lambda` in [0, 1]. 0 trains on the text only. 1 trains on the teacher only, as the
            runs that the paper's law is fitted to.
        temperature: `tau > 0` of `distilling_loss`.
        direction: of `distilling_loss`.
        z_weight: `lambda_Z`; 1e-4 in the paper.

    Returns:
        Losses `(...)`, float32 or wider.

    Raises:
        ValueError: the shapes of the arguments do not fit, or `direction` is not a known word.
        TypeError: `targets` are not integers.

    >>> import jax.numpy as jnp
    >>> even = jnp.zeros((1, 128))
    >>> print(student_loss(even, even, jnp.array([5]), mixing=0.5, z_weight=0.0).round(3))
    [4.852]
    """
    text = next_token_loss(student_logits, targets)
    teacher = distilling_loss(
        student_logits, teacher_logits, temperature=temperature, direction=direction
    )
    return (1 - mixing) * text + mixing * teacher + z_weight * z_loss(student_logits)


def _expectation(log_probabilities: jax.Array, values: jax.Array) -> jax.Array:
    """Return `sum_a p(a) v(a)`. A symbol of probability zero adds 0, even if its value is infinite.

    A logit of -inf gives a symbol the probability zero.
    """
    possible = log_probabilities > -jnp.inf
    return jnp.sum(
        jnp.where(possible, jnp.exp(log_probabilities) * jnp.where(possible, values, 0), 0), axis=-1
    )


def _widened(logits: Array) -> jax.Array:
    logits = jnp.asarray(logits)
    return logits.astype(jnp.promote_types(logits.dtype, jnp.float32))


def _check_shapes(student_logits: Array, teacher_logits: Array) -> None:
    if jnp.shape(student_logits) != jnp.shape(teacher_logits):
        raise ValueError(
            f"expected logits of one shape, got {jnp.shape(student_logits)} for the student and "
            f"{jnp.shape(teacher_logits)} for the teacher"
        )


def _check_targets(logits: jax.Array, targets: Array) -> None:
    if not jnp.issubdtype(jnp.result_type(targets), jnp.integer):
        raise TypeError(f"targets: expected integers, got {jnp.result_type(targets)}")
    if jnp.shape(targets) != logits.shape[:-1]:
        raise ValueError(
            f"targets: expected the shape {logits.shape[:-1]} of the logits without their last "
            f"axis, got {jnp.shape(targets)}"
        )
