"""The runs: one model at several lengths, with other batches and learning rates."""

from experiments.runlab.runs import BATCH_WINDOWS, LEARNING_RATE, SHAPES, Job, Run

# Width, symbols in thousands of the bundled runs' steps, and what is changed: (windows in a step,
# learning rate). The order makes the table useful at any time.
_SHORT = [(2, 0.01), (1, 0.01), (2, 0.005), (4, 0.02), (8, 0.01), (8, 0.02), (1, 0.005)]
_MIDDLE = [(2, 0.01), (2, 0.005), (4, 0.005), (4, 0.02), (8, 0.01), (8, 0.02)]
_LONG = [(4, 0.005), (8, 0.01), (8, 0.005), (4, 0.0025), (16, 0.01)]
_SETTINGS = [
    (32, 500, _SHORT),
    (32, 8000, _LONG),
    (32, 2000, _MIDDLE),
    (64, 500, _SHORT[:4]),
    (64, 8000, _LONG[:2]),
    (32, 32_000, _LONG[:2]),
    (64, 2000, _MIDDLE[:4]),
    (64, 16_000, _LONG[:2]),
    (32, 32_000, _LONG[2:]),
]


def jobs() -> list[Job]:
    """One job for each run, because runs with other batches read other text at each step."""
    return [
        (_run(width, steps, batch, rate),)
        for width, steps, settings in _SETTINGS
        for batch, rate in settings
    ]


def _run(width: int, steps: int, batch: int, rate: float) -> Run:
    """A run with as many symbols as a bundled run of `steps` steps."""
    return Run(SHAPES[width], steps * BATCH_WINDOWS // batch, learning_rate=rate, batch=batch)
