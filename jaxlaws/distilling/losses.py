"""The losses of Busbridge et al. 2025 (Eqs. 4-7), from logits.

Each function gives one loss for each token, in nats, and leaves the mean to the caller: masks
and sums over devices differ from loop to loop. Logits have the vocabulary on their last axis;
every other axis is a batch axis. They may be float32 or bfloat16: all sums run in float32, or
in float64 where the logits are.
"""

import jax
import jax.numpy as jnp

FORWARD = "forward"
REVERSE = "reverse"


def next_token_loss(logits, targets):
    """`L_NTP = -log softmax(z)[target]` (Eq. 4), in nats per token.

    Args:
        logits: `(..., vocabulary)`.
        targets: integers `(...)`, the symbols that came next.

    Returns:
        Losses `(...)`, float32 or wider.

    >>> import jax.numpy as jnp
    >>> loss = next_token_loss(jnp.zeros((2, 128)), jnp.array([5, 7]))  # log 128: knows nothing
    >>> print(loss.round(3))
    [4.852 4.852]
    """
    logits = _widened(logits)
    _check_targets(logits, targets)
    chosen = jnp.take_along_axis(logits, targets[..., None], axis=-1)[..., 0]
    return jax.nn.logsumexp(logits, axis=-1) - chosen


def distilling_loss(student_logits, teacher_logits, *, temperature=1.0, direction=FORWARD):
    """`L_KD`: the student's distance from the teacher's distribution, in nats per token.

    Forward (Eq. 5): `-tau^2 sum_a p_T(a) log p_S(a)` with `p = softmax(z / tau)`, the
    cross-entropy to the teacher. It is `tau^2 (KL(p_T || p_S) + H(p_T))`; the entropy is the
    teacher's alone, so the gradient is that of the KL, and the value shows what is reached.
    Reverse: `tau^2 KL(p_S || p_T)`, which seeks the teacher's modes.

    The factor `tau^2` keeps the gradient's size where the temperature changes (Hinton et al.
    2015). Gradients flow to both arguments: wrap the teacher's in `jax.lax.stop_gradient`, or
    differentiate by the student's parameters only.

    Args:
        student_logits: `(..., vocabulary)`.
        teacher_logits: the same shape.
        temperature: `tau > 0`; 1 was best at every size in the paper.
        direction: `"forward"` or `"reverse"`.

    Returns:
        Losses `(...)`, float32 or wider.

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


def logit_loss(student_logits, teacher_logits):
    """`sum_a (z_S(a) - z_T(a))^2 / (2 V)`: logits matched by squares, as a contrast.

    It is what `tau^2 KL` tends to at high temperature where both sets of logits have mean zero
    (Hinton et al. 2015). Unlike any loss of softmax it sees a constant added to all logits, and
    it weighs a symbol that never occurs like one that does.

    Args:
        student_logits: `(..., vocabulary)`.
        teacher_logits: the same shape.

    Returns:
        Losses `(...)`, float32 or wider; not in nats.

    >>> import jax.numpy as jnp
    >>> print(logit_loss(jnp.array([1.0, 2.0]), jnp.array([1.0, 4.0])))
    1.0
    """
    _check_shapes(student_logits, teacher_logits)
    return jnp.mean((_widened(student_logits) - _widened(teacher_logits)) ** 2, axis=-1) / 2


def z_loss(logits):
    """`L_Z = logsumexp(z)^2` (Eq. 6): keeps the logits' scale from drifting.

    Args:
        logits: `(..., vocabulary)`.

    Returns:
        Losses `(...)`, float32 or wider.

    >>> import jax.numpy as jnp
    >>> print(z_loss(jnp.log(jnp.array([0.5, 0.25, 0.25]))) < 1e-12)  # normalised: costs nothing
    True
    """
    return jax.nn.logsumexp(_widened(logits), axis=-1) ** 2


def student_loss(
    student_logits,
    teacher_logits,
    targets,
    *,
    mixing=1.0,
    temperature=1.0,
    direction=FORWARD,
    z_weight=1e-4,
):
    """`(1 - lambda) L_NTP + lambda L_KD + lambda_Z L_Z` (Eq. 7), in nats per token.

    Args:
        student_logits: `(..., vocabulary)`.
        teacher_logits: the same shape.
        targets: integers `(...)`, the symbols that came next.
        mixing: `lambda` in [0, 1]: 0 trains on the text alone, 1 on the teacher alone (what
            the paper's law is fitted to).
        temperature: `tau > 0` of `distilling_loss`.
        direction: of `distilling_loss`.
        z_weight: `lambda_Z`; 1e-4 in the paper.

    Returns:
        Losses `(...)`, float32 or wider.

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


def _expectation(log_probabilities, values):
    """`sum_a p(a) v(a)`; a symbol of no probability adds nothing, though its value is infinite.

    Logits of -inf mask symbols out.
    """
    possible = log_probabilities > -jnp.inf
    return jnp.sum(
        jnp.where(possible, jnp.exp(log_probabilities) * jnp.where(possible, values, 0), 0), axis=-1
    )


def _widened(logits):
    logits = jnp.asarray(logits)
    return logits.astype(jnp.promote_types(logits.dtype, jnp.float32))


def _check_shapes(student_logits, teacher_logits):
    if jnp.shape(student_logits) != jnp.shape(teacher_logits):
        raise ValueError(
            f"expected logits of one shape, got the student's {jnp.shape(student_logits)} "
            f"and the teacher's {jnp.shape(teacher_logits)}"
        )


def _check_targets(logits, targets):
    if not jnp.issubdtype(jnp.result_type(targets), jnp.integer):
        raise TypeError(f"targets: expected integers, got {jnp.result_type(targets)}")
    if jnp.shape(targets) != logits.shape[:-1]:
        raise ValueError(
            f"targets: expected the shape {logits.shape[:-1]} of the logits without their "
            f"vocabulary, got {jnp.shape(targets)}"
        )
