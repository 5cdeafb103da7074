"""Losses whose memory grows with a chunk of tokens, not with all tokens.

Logits are the largest array of a training step. They have one number per token and symbol, for the
student, for the teacher, and again for the gradients. Here they exist for one chunk of tokens at a
time, and the backward pass computes them again.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxlaws.distilling.losses import FORWARD, Direction, student_loss
from jaxlaws.foundations.annotations import Array, Tree


def in_chunks(
    loss: Callable[[Tree], jax.Array], tokens: Tree, *, chunk_size: int = 1024
) -> jax.Array:
    """Return `jax.vmap(loss)(tokens)`, computed for one chunk of tokens at a time.

    The forward and the backward pass hold the intermediate arrays of one chunk only.

    Args:
        loss: from the arrays of one token to its loss. Gradients with respect to the values that
            the function closes over, such as parameters, work as usual.
        tokens: a tree of arrays whose first axis is the tokens.
        chunk_size: number of tokens in a chunk.

    Returns:
        Losses `(tokens, ...)`.

    >>> import jax.numpy as jnp
    >>> from jaxlaws.distilling import next_token_loss
    >>> hidden, head, targets = jnp.zeros((5, 8)), jnp.zeros((8, 128)), jnp.arange(5)
    >>> per_token = lambda token: next_token_loss(token[0] @ head, token[1])
    >>> print(in_chunks(per_token, (hidden, targets), chunk_size=2).round(3))
    [4.852 4.852 4.852 4.852 4.852]
    """
    return jax.lax.map(jax.checkpoint(loss), tokens, batch_size=chunk_size)


def student_loss_from_hidden(
    student_hidden: Array,
    student_head: Array,
    teacher_hidden: Array,
    teacher_head: Array,
    targets: Array,
    *,
    chunk_size: int = 1024,
    truncate: Callable[[jax.Array], jax.Array] | None = None,
    mixing: Array = 1.0,
    temperature: Array = 1.0,
    direction: Direction = FORWARD,
    z_weight: Array = 1e-4,
) -> jax.Array:
    """Return `student_loss` from hidden states and unembedding matrices, in chunks of tokens.

    Args:
        student_hidden: `(..., width)`, the student's last hidden states.
        student_head: `(width, vocabulary)`, the student's unembedding.
        teacher_hidden: `(..., teacher_width)`, the teacher's last hidden states, with the same
            batch axes.
        teacher_head: `(teacher_width, vocabulary)`, the teacher's unembedding.
        targets: integers `(...)`, the next symbol of each token.
        chunk_size: number of tokens whose logits exist at one time.
        truncate: a function of one token's teacher logits, such as
            `functools.partial(keep_top_k, k=128)`, or None to keep all of them.
        mixing: as in `student_loss`.
        temperature: as in `student_loss`.
        direction: as in `student_loss`.
        z_weight: as in `student_loss`.

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
                f"{name}: expected the batch axes {batch} of targets, got {jnp.shape(hidden)[:-1]}"
            )

    def per_token(token: tuple[jax.Array, jax.Array, jax.Array]) -> jax.Array:
        of_student, of_teacher, target = token
        teacher_logits = _unembed(of_teacher, teacher_head)
        if truncate is not None:
            teacher_logits = truncate(teacher_logits)
        return student_loss(
            _unembed(of_student, student_head),
            teacher_logits,
            target,
            mixing=mixing,
            temperature=temperature,
            direction=direction,
            z_weight=z_weight,
        )

    of_student, of_teacher = (
        jnp.reshape(hidden, (-1, jnp.shape(hidden)[-1]))
        for hidden in (student_hidden, teacher_hidden)
    )
    tokens = (of_student, of_teacher, jnp.ravel(targets))
    return in_chunks(per_token, tokens, chunk_size=chunk_size).reshape(batch)


def _unembed(hidden: Array, head: Array) -> jax.Array:
    """Return logits that are summed in float32 or wider, also for low-precision states."""
    wide = jnp.promote_types(jnp.result_type(hidden, head), jnp.float32)
    return jnp.matmul(hidden, head, preferred_element_type=wide)
