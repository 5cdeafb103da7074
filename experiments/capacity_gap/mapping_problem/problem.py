"""The Mapping Problem: an easy question and a hard one, told apart by one symbol.

An example is a context of K symbols in {0, 1, 2} and a position i, as a one-hot vector: 2K
integers. Where `context[i]` is 0 the label is i, which needs no context; else it is the other
position that holds the same symbol. The paper does not say how contexts are drawn. Here they are
uniform given that the label is defined, that `context[i]` is 0 or occurs exactly twice, and given
how many of the examples are easy ones.
"""

import jax
import jax.numpy as jnp
import numpy as np

NUM_POSITIONS = 8
NUM_SYMBOLS = 3
# As many as there are symbols asked for. A network that answers these alone has an accuracy of .4
# to .5, where the paper's axes begin.
SHARE_OF_EASY = 1 / 3


def share_kept_by_rejection(positions: int = NUM_POSITIONS) -> float:
    """How many examples are easy if contexts without a label are drawn again, and nothing else.

    Of uniform contexts a third has `context[i] == 0`, and two thirds times
    `(K - 1) (1/3) (2/3)**(K - 2)` are hard ones with a label; the rest has none.
    """
    easy = 1 / 3
    hard = 2 / 3 * (positions - 1) * (1 / 3) * (2 / 3) ** (positions - 2)
    return easy / (easy + hard)


def draw(
    key: jax.Array, count: int, one_hot: bool = False, share_of_easy: float = SHARE_OF_EASY
) -> tuple[jax.Array, jax.Array]:
    """Examples and labels: what rejection from uniform contexts would give, without rejecting.

    Args:
        key: of the random numbers.
        count: how many.
        one_hot: encode each symbol as three numbers instead of as one integer.
        share_of_easy: the probability of `context[i] == 0`.

    Returns:
        Inputs `(count, 2K)`, or `(count, 4K)` one-hot, and labels `(count,)`.
    """
    places = np.arange(NUM_POSITIONS)[None, :]
    keys = jax.random.split(key, 6)
    asked = jax.random.randint(keys[0], (count, 1), 0, NUM_POSITIONS)
    other = (asked + jax.random.randint(keys[1], (count, 1), 1, NUM_POSITIONS)) % NUM_POSITIONS
    symbol = jax.random.randint(keys[2], (count, 1), 1, NUM_SYMBOLS)
    is_easy = jax.random.uniform(keys[3], (count, 1)) < share_of_easy

    anything = jax.random.randint(keys[4], (count, NUM_POSITIONS), 0, NUM_SYMBOLS)
    rest = jax.random.randint(keys[5], (count, NUM_POSITIONS), 1, NUM_SYMBOLS)
    rest = (symbol + rest) % NUM_SYMBOLS  # any symbol but the one asked for
    is_asked = places == asked
    easy = jnp.where(is_asked, 0, anything)
    hard = jnp.where(is_asked | (places == other), symbol, rest)

    context = jnp.where(is_easy, easy, hard)
    label = jnp.where(is_easy, asked, other)[:, 0]
    symbols = jax.nn.one_hot(context, NUM_SYMBOLS).reshape(count, -1) if one_hot else context
    return jnp.concatenate([symbols, is_asked], axis=1).astype(jnp.float32), label
