"""The sweeps, declared: which runs, in which order, and what they are expected to cost.

A sweep is a list of jobs. The order is such that the table is useful at every moment: each part
of the design is covered coarsely before any is covered densely. A job waits for its teachers.
Steps are 500 times a power of two, 512 symbols each: 500 steps are .256 M symbols, 64,000 are
32.8 M, one pass over the students' half.
"""

from collections.abc import Iterable

from experiments.runlab import plan_full
from experiments.runlab.model import Shape
from experiments.runlab.runs import SHAPES, TEACHER_HALF, Job, Run, students, supervised, teacher

# Seconds on one core, from the rates that the README states: a step costs so much whatever the
# model, and so much for each FLOP. A teacher's forward pass is charged at the same rate.
SECONDS_A_STEP = 3e-3
SECONDS_A_FLOP = 1 / 36e9

# The teachers of the first sweep, from weak to strong; the last two are meant as a hold-out.
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

# Teachers of the study of practice, from weak to strong; all are in the sweeps.
PRACTICE_TEACHERS = [
    teacher(32, 741),
    teacher(48, 1629),
    teacher(64, 8000),
]


def first() -> list[Job]:
    """Issue-sized: both laws can be fitted to it, and two best teachers held out."""
    jobs = [supervised(width, steps) for steps in (1000, 4000) for width in (16, 32, 64)]
    few = [FIRST_TEACHERS[index] for index in (2, 5, 0, 7)]
    many = [FIRST_TEACHERS[index] for index in (8, 4, 1, 6, 3)]
    for each in few:
        jobs += [(each,), students(each, [16, 32, 64], 1000)]
    jobs += [supervised(96, 1000), supervised(16, 16000), supervised(64, 500)]
    jobs += [(FIRST_TEACHERS[8],)]  # the longest run of all: others fill the other cores
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
    """A third, once and three times the learning rate at two widths."""
    return [
        (Run(SHAPES[width], 2000, learning_rate=rate),)
        for width in (16, 64)
        for rate in (0.0033, 0.01, 0.03)
    ]


def smoke() -> list[Job]:
    """A few steps of everything, for tests; far too short to mean anything."""
    small, large = Shape(layers=1, width=8, heads=1), Shape(layers=1, width=16, heads=1)
    one = Run(small, 30, half=TEACHER_HALF)
    # the students stand before their teacher, and must wait for it
    return [(Run(small, 20),), tuple(Run(s, 20, teacher=one) for s in (small, large)), (one,)]


def full() -> list[Job]:
    """The first sweep widened; what the first has already is not listed again."""
    return _unique(plan_full.full(FIRST_TEACHERS), {run for job in first() for run in job})


SWEEPS = {"first": first, "full": full, "smoke": smoke}


def _unique(jobs: list[Job], elsewhere: Iterable[Run] = ()) -> list[Job]:
    """Each run once, where it stands first, and none that is made elsewhere."""
    seen = set(elsewhere)
    kept = []
    for job in jobs:
        new = tuple(run for run in job if run not in seen)
        seen.update(new)
        if new:
            kept.append(new)
    return kept


def seconds(job: Job) -> float:
    """Estimated seconds of a job on one core; a teacher that runs share is charged once."""
    teachers = {run.teacher: run.logit_flops for run in job if run.teacher}
    flops = sum(run.training_flops for run in job) + sum(teachers.values())
    return flops * SECONDS_A_FLOP + job[0].steps * SECONDS_A_STEP * (len(job) + 0.3 * len(teachers))
