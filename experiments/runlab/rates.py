"""How fast the training runs, beside the plain matrix products that it is made of.

One thread; times are CPU seconds of the process, which other work on the machine disturbs less
than the clock on the wall.
"""

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.runlab import training
from experiments.runlab.model import Shape, forward_flops, init
from experiments.runlab.optimiser import optimiser
from experiments.runlab.runs import BATCH_TOKENS, BATCH_WINDOWS

STEPS = 20
REPEATS = 5


def training_seconds(shape: Shape) -> float:
    """CPU seconds of one training step, the optimiser included; the median of some calls."""
    group = training.Group((training.Lane(shape),))
    params = (init(jax.random.key(0), shape),)
    state = tuple(optimiser().init(each) for each in params)
    windows = np.random.default_rng(0).integers(
        0, shape.vocabulary, (STEPS, BATCH_WINDOWS, shape.context + 1), dtype=np.uint8
    )

    def call():
        nonlocal params, state
        params, state, _ = training.advance(params, state, (), windows, 0, 1000, 0.01, group=group)
        return params

    return _median_seconds(call) / STEPS


def product_rate(shape: Shape) -> float:
    """FLOPs a CPU second of the step's weight products alone, forward and both backward."""
    d, ff = shape.width, shape.d_ff
    sizes = [(d, 3 * d), (d, d), (d, 2 * ff), (ff, d)] * shape.layers + [(d, shape.vocabulary)]
    random = np.random.default_rng(0)

    def draw(*size):
        return jnp.asarray(random.normal(size=size), jnp.float32)

    operands = [(draw(BATCH_TOKENS, m), draw(m, n), draw(BATCH_TOKENS, n)) for m, n in sizes]

    @jax.jit
    def step(operands):
        return [(x @ w, g @ w.T, x.T @ g) for x, w, g in operands]

    flops = sum(3 * 2 * BATCH_TOKENS * m * n for m, n in sizes)
    return flops / _median_seconds(lambda: step(operands), calls=STEPS)


def report(shapes: dict[int, Shape]) -> list[str]:
    """A line for each shape, as Markdown."""
    lines = [
        "| width | symbols/s | GFLOP/s of training | GFLOP/s of its products alone | share |",
        "|---|---|---|---|---|",
    ]
    for width, shape in shapes.items():
        seconds = training_seconds(shape)
        rate = 3 * forward_flops(shape) * BATCH_TOKENS / seconds
        alone = product_rate(shape)
        lines.append(
            f"| {width} | {BATCH_TOKENS / seconds:,.0f} | {rate / 1e9:.1f} | {alone / 1e9:.1f} "
            f"| {rate / alone:.0%} |"
        )
    return lines


def _median_seconds(call: Callable[[], Any], calls: int = 1) -> float:
    jax.block_until_ready(call())
    taken = []
    for _ in range(REPEATS):
        begin = time.process_time()
        jax.block_until_ready([call() for _ in range(calls)])
        taken.append((time.process_time() - begin) / calls)
    return float(np.median(taken))
