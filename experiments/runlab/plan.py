"""The sweeps: their runs, the order of the runs, and the estimated cost.

A sweep is a list of jobs. The order makes the table useful at any time: every part of the design
has a few runs before any part has many. A job waits for its teachers. The number of steps is 500
times a power of two, with 512 symbols per step: 500 steps are 0.256 M symbols, and 64,000 steps are
32.8 M symbols, one pass over the students' half.
"""

from collections.abc import Iterable

from experiments.runlab import plan_full
from experiments.runlab.model import Shape
from experiments.runlab.runs import SHAPES, TEACHER_HALF, Job, Run, students, supervised, teacher

# Seconds on one core, from the rates in the README: a constant per step and a cost per FLOP. A
# teacher's forward pass has the same cost per FLOP.
SECONDS_A_STEP = 3e-3
SECONDS_A_FLOP = 1 / 36e9

# The teachers of the first sweep, from weak to strong. The last two are for a hold-out.
FIRST_TEACHERS = [
    teacher(24, 1000),
    teacher(32, 1000),
    teacher(32, 4000),
    teacher(48, 4000),
    teacher(64, 4000),
    teacher(64, 8000),
    teacher(80, 8000),
    teacher(96, 8000),
    teacher(96, 12000),
]

# The teachers of the study of settings, from weak to strong. All are in the sweeps.
PRACTICE_TEACHERS = [
    teacher(32, 741),
    teacher(48, 1629),
    teacher(64, 8000),
]


def first() -> list[Job]:
    """Return the first sweep. Both laws can be fitted to it, also without its two best teachers."""
    jobs = [supervised(width, steps) for steps in (1000, 4000) for width in (16, 32, 64)]
    few = [FIRST_TEACHERS[index] for index in (2, 5, 0, 7)]
    many = [FIRST_TEACHERS[index] for index in (8, 4, 1, 6, 3)]
    for each in few:
        jobs += [(each,), students(each, [16, 32, 64], 1000)]
    jobs += [supervised(96, 1000), supervised(16, 16000), supervised(64, 500)]
    jobs += [(FIRST_TEACHERS[8],)]  # the longest run; other runs use the other cores meanwhile
    jobs += [students(each, [16, 32, 48], 4000) for each in few]
    jobs += [supervised(16, 500), supervised(32, 500), supervised(48, 2000)]
    for each in many:
        jobs += [(each,), students(each, [16, 32, 64], 1000)]
    jobs += [supervised(16, 64000), supervised(32, 16000), supervised(96, 4000)]
    jobs += [students(each, [16, 32, 48], 4000) for each in many]
    for steps in (2000, 8000, 500, 4000, 1000, 16000):
        jobs += [supervised(width, steps) for width in (24, 48, 16, 32, 64, 80, 96)]
    jobs += [supervised(16, 32000)]
    jobs += [students(each, [16, 32], 8000) for each in (FIRST_TEACHERS[4], FIRST_TEACHERS[8])]
    too_long = {supervised(width, 16000) for width in (48, 64, 80, 96)}
    too_long |= {supervised(96, 8000), supervised(80, 8000)}
    return [job for job in _unique(jobs) if job not in too_long]


def learning_rate() -> list[Job]:
    """Return runs at one third, one and three times the learning rate, at two widths."""
    return [
        (Run(SHAPES[width], 2000, learning_rate=rate),)
        for width in (16, 64)
        for rate in (0.0033, 0.01, 0.03)
    ]


def smoke() -> list[Job]:
    """Return a sweep of a few steps for tests. Its losses have no meaning."""
    small, large = Shape(layers=1, width=8, heads=1), Shape(layers=1, width=16, heads=1)
    one = Run(small, 30, half=TEACHER_HALF)
    # the students come before their teacher in the list and must wait for it
    return [(Run(small, 20),), tuple(Run(s, 20, teacher=one) for s in (small, large)), (one,)]


def full() -> list[Job]:
    """Return the full sweep without the runs of the first sweep."""
    return _unique(plan_full.full(FIRST_TEACHERS), {run for job in first() for run in job})


SWEEPS = {"first": first, "full": full, "smoke": smoke}


def _unique(jobs: list[Job], elsewhere: Iterable[Run] = ()) -> list[Job]:
    """Return the jobs without repeated runs and without the runs of another sweep."""
    seen = set(elsewhere)
    kept = []
    for job in jobs:
        new = tuple(run for run in job if run not in seen)
        seen.update(new)
        if new:
            kept.append(new)
    return kept


def seconds(job: Job) -> float:
    """Return the estimated seconds of a job on one core. A shared teacher is counted once."""
    teachers = {run.teacher: run.logit_flops for run in job if run.teacher}
    flops = sum(run.training_flops for run in job) + sum(teachers.values())
    return flops * SECONDS_A_FLOP + job[0].steps * SECONDS_A_STEP * (len(job) + 0.3 * len(teachers))
