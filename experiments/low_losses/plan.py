"""The runs: models of the bundled table with other batches and learning rates."""

import csv
from dataclasses import replace
from pathlib import Path

from experiments.runlab.runs import BATCH_WINDOWS, LEARNING_RATE, SHAPES, Job, Run, teacher

_OTHER_WIDTHS = (16, 24, 48, 64, 80, 96, 128)

# Width, steps of the bundled run with as many symbols, and what is changed: windows in a step and
# learning rate. The order makes the table useful at any time.
_FIRST = [
    (32, 500, [(2, 0.01), (1, 0.01), (2, 0.005), (4, 0.02), (1, 0.005), (8, 0.01), (8, 0.02)]),
    (32, 1000, [(1, 0.01), (2, 0.01)]),
    (32, 2000, [(1, 0.01), (2, 0.01)]),
    (32, 8000, [(4, 0.005)]),
    *((width, 500, [(1, 0.01)]) for width in _OTHER_WIDTHS),
    *((width, 1000, [(1, 0.01)]) for width in (16, 24)),
]
_LATER = [
    *((width, 1000, [(1, 0.01)]) for width in (48, 64, 80, 96, 128)),
    (32, 8000, [(8, 0.01), (2, 0.01)]),
    (64, 500, [(2, 0.01)]),
    (32, 32_000, [(4, 0.005), (8, 0.01)]),
    (64, 8000, [(4, 0.005), (8, 0.01)]),
]

_WEAK, _MIDDLE, _STRONG = teacher(32, 4000), teacher(48, 1629), teacher(64, 8000)
HERE = Path(__file__).parent
RUNS, PREDICTIONS, CHOSEN = (HERE / f"{name}.csv" for name in ("runs", "predictions", "chosen"))

# Teacher, widths of its students, steps of the bundled students, and seed. All have one window in
# a step. The bundled table has each of these students with four windows.
_STUDENTS = [
    (_MIDDLE, (24,), 548, 0),
    (_MIDDLE, (48,), 600, 0),
    *((of, (16, 32, 64), 1000, seed) for of in (_WEAK, _STRONG) for seed in (0, 1)),
]
_LONGER_STUDENTS = [(of, (16, 32), 4000, 0) for of in (_WEAK, _STRONG)]


def jobs() -> list[Job]:
    """The runs in the order of their training. Runs with other batches read other text."""
    first, later = ([(run,) for run in _alone(some)] for some in (_FIRST, _LATER))
    again = [(replace(run, seed=1),) for (run,) in first if run in decisive()]
    teachers = [(of,) for of in (_WEAK, _MIDDLE, _STRONG)]
    students = [*_taught(_STUDENTS), *chosen(), *_taught(_LONGER_STUDENTS)]
    return [*first, *again, *teachers, *students, *later]


def decisive() -> list[Run]:
    """The short runs of one window in a step, with the learning rate of the bundled table."""
    usual = [run for run in _alone(_FIRST) if run == Run(run.shape, run.steps, batch=1)]
    return [run for run in usual if run.steps < 8000]


def candidates() -> list[Run]:
    """Students of at least 2,000 steps of one window, from which `chosen` are chosen."""
    return [
        replace(_run(width, steps, 1), seed=2, teacher=of)
        for of in (_WEAK, _MIDDLE, _STRONG)
        for width in (16, 24, 32, 48, 64)
        for steps in (500, 750, 1000, 1500, 2000, 4000)
    ]


def chosen() -> list[Job]:
    """The candidates that `next_runs` chose, in its order."""
    by_name = {run.name: run for run in candidates()}
    with CHOSEN.open(newline="") as file:
        return [(by_name[row["run"]],) for row in csv.DictReader(file)]


def _taught(settings: list[tuple[Run, tuple[int, ...], int, int]]) -> list[Job]:
    return [
        tuple(replace(_run(width, steps, 1), seed=seed, teacher=of) for width in widths)
        for of, widths, steps, seed in settings
    ]


def _alone(settings: list[tuple[int, int, list[tuple[int, float]]]]) -> list[Run]:
    return [
        _run(width, steps, batch, rate) for width, steps, some in settings for batch, rate in some
    ]


def _run(width: int, steps: int, batch: int, rate: float = LEARNING_RATE) -> Run:
    """A run with as many symbols as a bundled run of `steps` steps."""
    return Run(SHAPES[width], steps * BATCH_WINDOWS // batch, learning_rate=rate, batch=batch)
