"""The runs: models of the bundled table with other batches and learning rates."""

from experiments.runlab.runs import BATCH_WINDOWS, SHAPES, Job, Run

_OTHER_WIDTHS = (16, 24, 48, 64, 80, 96, 128)

# Width, steps of the bundled run with as many symbols, and what is changed: windows in a step and
# learning rate. The order makes the table useful at any time.
_SETTINGS = [
    (32, 500, [(2, 0.01), (1, 0.01), (2, 0.005), (4, 0.02), (1, 0.005), (8, 0.01), (8, 0.02)]),
    (32, 1000, [(1, 0.01), (2, 0.01)]),
    (32, 2000, [(1, 0.01), (2, 0.01)]),
    (32, 8000, [(4, 0.005)]),
    *((width, 500, [(1, 0.01)]) for width in _OTHER_WIDTHS),
    *((width, 1000, [(1, 0.01)]) for width in _OTHER_WIDTHS),
    (32, 8000, [(8, 0.01), (2, 0.01)]),
    (64, 500, [(2, 0.01)]),
    (32, 32_000, [(4, 0.005), (8, 0.01)]),
    (64, 8000, [(4, 0.005), (8, 0.01)]),
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
