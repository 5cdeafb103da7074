"""Speed of training, compared with the matrix products that it consists of.

Everything runs on one thread. Times are CPU seconds of the process, because other work on the
machine changes them less than wall-clock times.
"""

import time
from collections.abc import Callable

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
    """Return the median CPU seconds of one training step, with the optimiser."""
    group = training.Group((training.Member(shape),))
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
    """Return FLOPs per CPU second of the products with weights, forward and backward."""
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
    """Return a Markdown table with a row for each shape."""
    lines = [
        "| width | symbols/s | GFLOP/s of training | GFLOP/s of the products | ratio |",
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


def _median_seconds(call: Callable[[], object], calls: int = 1) -> float:
    jax.block_until_ready(call())
    taken = []
    for _ in range(REPEATS):
        begin = time.process_time()
        jax.block_until_ready([call() for _ in range(calls)])
        taken.append((time.process_time() - begin) / calls)
    return float(np.median(taken))
