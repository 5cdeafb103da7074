"""Losses in memory that grows with a chunk of tokens times the vocabulary, not with all tokens.

Logits are the largest array of a training step: tokens times vocabulary, once for the student,
once for the teacher, and again for the gradients. Here they exist for one chunk at a time, and
the backward pass makes them again.
"""

import jax
import jax.numpy as jnp

from jaxlaws.distilling.losses import student_loss


def in_chunks(loss, tokens, *, chunk_size=1024):
    """Map a loss over tokens, some at a time; forward and backward hold one chunk's work.

    Args:
        loss: from one token's arrays to its loss; what it closes over (parameters, too) is
            differentiated as usual.
        tokens: a tree of arrays whose first axis is the tokens.
        chunk_size: how many tokens at a time.

    Returns:
        Losses `(tokens, ...)`: those of `jax.vmap(loss)(tokens)`.

    >>> import jax.numpy as jnp
    >>> from jaxlaws.distilling import next_token_loss
    >>> hidden, head, targets = jnp.zeros((5, 8)), jnp.zeros((8, 128)), jnp.arange(5)
    >>> per_token = lambda token: next_token_loss(token[0] @ head, token[1])
    >>> print(in_chunks(per_token, (hidden, targets), chunk_size=2).round(3))
    [4.852 4.852 4.852 4.852 4.852]
    """
    return jax.lax.map(jax.checkpoint(loss), tokens, batch_size=chunk_size)


def student_loss_from_hidden(
    student_hidden,
    student_head,
    teacher_hidden,
    teacher_head,
    targets,
    *,
    chunk_size=1024,
    truncate=None,
    **options,
):
    """`student_loss` from hidden states and unembedding matrices, logits a chunk at a time.

    Args:
        student_hidden: `(..., width)`, what the student's unembedding is applied to.
        student_head: `(width, vocabulary)`.
        teacher_hidden: `(..., teacher_width)`, the same batch axes.
        teacher_head: `(teacher_width, vocabulary)`.
        targets: integers `(...)`, the symbols that came next.
        chunk_size: tokens whose logits exist at one time.
        truncate: what to do to a token's teacher logits, such as
            `functools.partial(keep_top_k, k=128)`; None: nothing.
        options: of `student_loss`: mixing, temperature, direction, z_weight.

    Returns:
        Losses `(...)`, float32 or wider.

    >>> import jax.numpy as jnp
    >>> states, head, targets = jnp.ones((2, 3, 4)), jnp.zeros((4, 128)), jnp.zeros((2, 3), int)
    >>> losses = student_loss_from_hidden(states, head, states, head, targets, z_weight=0.0)
    >>> print(losses.shape, losses[0, 0].round(3))
    (2, 3) 4.852

    Raises:
        ValueError: the batch axes of hidden states and targets differ.
    """
    batch = jnp.shape(targets)
    for name, hidden in (("student_hidden", student_hidden), ("teacher_hidden", teacher_hidden)):
        if jnp.shape(hidden)[:-1] != batch:
            raise ValueError(
                f"{name}: expected batch axes {batch} as of targets, got {jnp.shape(hidden)[:-1]}"
            )

    def per_token(token):
        own, taught, target = token
        teacher_logits = _unembed(taught, teacher_head)
        if truncate is not None:
            teacher_logits = truncate(teacher_logits)
        return student_loss(_unembed(own, student_head), teacher_logits, target, **options)

    own, taught = (
        jnp.reshape(hidden, (-1, jnp.shape(hidden)[-1]))
        for hidden in (student_hidden, teacher_hidden)
    )
    tokens = (own, taught, jnp.ravel(targets))
    return in_chunks(per_token, tokens, chunk_size=chunk_size).reshape(batch)


def _unembed(hidden, head):
    """Logits of low-precision states are summed in float32, and stay so."""
    wide = jnp.promote_types(jnp.result_type(hidden, head), jnp.float32)
    return jnp.matmul(hidden, head, preferred_element_type=wide)
