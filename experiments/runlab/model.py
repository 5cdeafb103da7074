"""A decoder-only transformer as plain dictionaries of arrays.

It has RMSNorm before each block, rotary positions, normalised queries and keys, a gated MLP of
ratio 8/3, and a head that is not tied to the embedding. N counts all parameters except the
embedding and the head.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

ROTARY_BASE = 10_000.0
NORM_EPSILON = 1e-6


@dataclass(frozen=True)
class Shape:
    """The shape of a model. `d_ff` is 8/3 of the width, rounded up to a multiple of 8."""

    layers: int
    width: int
    heads: int
    vocabulary: int = 128
    context: int = 128

    @property
    def d_ff(self) -> int:
        """Width of the gated MLP."""
        return 8 * -(-self.width // 3)

    @property
    def head_width(self) -> int:
        """Width of one attention head."""
        return self.width // self.heads


def num_params(shape: Shape) -> int:
    """Return the number of parameters with the norm gains, without embedding and head."""
    d = shape.width
    attention = 4 * d * d + 2 * shape.head_width + d
    mlp = 3 * d * shape.d_ff + d
    return shape.layers * (attention + mlp) + d


def forward_flops(shape: Shape) -> float:
    """Return the exact forward FLOPs per token, with causal attention counted at half."""
    d, context = shape.width, shape.context
    layer = 8 * d * d + 6 * d * shape.d_ff + 2 * context * d + 2.5 * shape.heads * context
    return 2 * d + shape.layers * layer + 2 * shape.vocabulary * d


def init(key: jax.Array, shape: Shape) -> dict:
    """Return random parameters: matrices of variance 1/fan-in, unit embeddings, a zero head."""
    d, ff, layers = shape.width, shape.d_ff, shape.layers
    keys = iter(jax.random.split(key, 8))

    def matrix(fan_in, fan_out, scale=1.0):
        draws = jax.random.normal(next(keys), (layers, fan_in, fan_out))
        return draws * (scale / fan_in**0.5)

    into_residual = (
        2 * layers
    ) ** -0.5  # keeps the size of the residual stream independent of depth
    return {
        "embedding": jax.random.normal(next(keys), (shape.vocabulary, d)),
        "head": jnp.zeros((d, shape.vocabulary)),
        "final_norm": jnp.ones(d),
        "layers": {
            "attention_norm": jnp.ones((layers, d)),
            "query_norm": jnp.ones((layers, shape.head_width)),
            "key_norm": jnp.ones((layers, shape.head_width)),
            "qkv": matrix(d, 3 * d),
            "attention_out": matrix(d, d, into_residual),
            "mlp_norm": jnp.ones((layers, d)),
            "gate_up": matrix(d, 2 * ff),
            "down": matrix(ff, d, into_residual),
        },
    }


def forward(params: dict, symbols: jax.Array, shape: Shape) -> jax.Array:
    """Return logits `(batch, time, vocabulary)` of the next symbol, for symbols `(batch, time)`."""
    x = params["embedding"][symbols]
    cosine, sine = _rotary(symbols.shape[-1], shape.head_width)
    mask = jnp.tril(jnp.ones((symbols.shape[-1],) * 2, bool))
    for index in range(shape.layers):
        layer = {name: leaf[index] for name, leaf in params["layers"].items()}
        x = x + _attention(layer, _norm(x, layer["attention_norm"]), shape, cosine, sine, mask)
        gate, up = jnp.split(_norm(x, layer["mlp_norm"]) @ layer["gate_up"], 2, axis=-1)
        x = x + (jax.nn.silu(gate) * up) @ layer["down"]
    return _norm(x, params["final_norm"]) @ params["head"]


def _attention(layer, x, shape, cosine, sine, mask):
    batch, time, width = x.shape
    q, k, v = jnp.split(x @ layer["qkv"], 3, axis=-1)
    q, k, v = (
        a.reshape(batch, time, shape.heads, shape.head_width).swapaxes(1, 2) for a in (q, k, v)
    )
    q = _rotate(_norm(q, layer["query_norm"]), cosine, sine)
    k = _rotate(_norm(k, layer["key_norm"]), cosine, sine)
    scores = q @ k.swapaxes(-1, -2) * shape.head_width**-0.5
    weights = jax.nn.softmax(jnp.where(mask, scores, -1e9), axis=-1)
    mixed = (weights @ v).swapaxes(1, 2).reshape(batch, time, width)
    return mixed @ layer["attention_out"]


def _norm(x, gain):
    return x * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + NORM_EPSILON) * gain


def _rotary(time, head_width):
    rates = ROTARY_BASE ** (-jnp.arange(0, head_width, 2) / head_width)
    angles = jnp.arange(time)[:, None] * rates
    return jnp.cos(angles), jnp.sin(angles)


def _rotate(x, cosine, sine):
    first, second = jnp.split(x, 2, axis=-1)
    return jnp.concatenate(
        [first * cosine - second * sine, first * sine + second * cosine], axis=-1
    )
