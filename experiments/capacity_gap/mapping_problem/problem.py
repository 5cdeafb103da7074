"""The Mapping Problem: easy and hard examples, which one symbol distinguishes.

An example has 2K integers: a context of K symbols in {0, 1, 2}, and a position i as a one-hot
vector. If `context[i]` is 0, the example is easy: the label is i. Otherwise the label is the other
position with the same symbol. The label is defined if `context[i]` is 0 or occurs exactly twice.
The paper does not say how contexts are drawn. Here they are uniform among the contexts with a
label, for a given share of easy examples.
"""

import jax
import jax.numpy as jnp
import numpy as np

NUM_POSITIONS = 8
NUM_SYMBOLS = 3
# One of three symbols is the easy one. A network that solves only the easy examples has an accuracy
# of 0.4 to 0.5, where the paper's axes begin.
SHARE_OF_EASY = 1 / 3


def share_kept_by_rejection(positions: int = NUM_POSITIONS) -> float:
    """Return the share of easy examples if only contexts without a label are drawn again.

    One third of uniform contexts has `context[i] == 0`. A share of
    `2/3 (K - 1) (1/3) (2/3)**(K - 2)` is hard and has a label. The others have no label.
    """
    easy = 1 / 3
    hard = 2 / 3 * (positions - 1) * (1 / 3) * (2 / 3) ** (positions - 2)
    return easy / (easy + hard)


def draw(
    key: jax.Array, count: int, one_hot: bool = False, share_of_easy: float = SHARE_OF_EASY
) -> tuple[jax.Array, jax.Array]:
    """Return examples and labels, distributed as uniform contexts with rejection.

    Args:
        key: key of the random numbers.
        count: number of examples.
        one_hot: encode each symbol as three numbers instead of one integer.
        share_of_easy: the probability of `context[i] == 0`.

    Returns:
        Inputs `(count, 2K)`, or `(count, 4K)` one-hot, and labels `(count,)`.
    """
    places = np.arange(NUM_POSITIONS)[None, :]
    keys = jax.random.split(key, 6)
    position = jax.random.randint(keys[0], (count, 1), 0, NUM_POSITIONS)
    other = (position + jax.random.randint(keys[1], (count, 1), 1, NUM_POSITIONS)) % NUM_POSITIONS
    symbol = jax.random.randint(keys[2], (count, 1), 1, NUM_SYMBOLS)
    is_easy = jax.random.uniform(keys[3], (count, 1)) < share_of_easy

    anything = jax.random.randint(keys[4], (count, NUM_POSITIONS), 0, NUM_SYMBOLS)
    rest = jax.random.randint(keys[5], (count, NUM_POSITIONS), 1, NUM_SYMBOLS)
    rest = (symbol + rest) % NUM_SYMBOLS  # any symbol except that of the position
    is_position = places == position
    easy = jnp.where(is_position, 0, anything)
    hard = jnp.where(is_position | (places == other), symbol, rest)

    context = jnp.where(is_easy, easy, hard)
    label = jnp.where(is_easy, position, other)[:, 0]
    symbols = jax.nn.one_hot(context, NUM_SYMBOLS).reshape(count, -1) if one_hot else context
    return jnp.concatenate([symbols, is_position], axis=1).astype(jnp.float32), label
