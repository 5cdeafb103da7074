"""The full sweep: the paper's protocols at a scale that two cores train in hours.

Supervised runs: IsoFLOP profiles, runs with a fixed number of tokens per parameter, long runs, and
three runs of a million parameters. Distilled runs: IsoFLOP students of teachers with fixed tokens
per parameter; students with fixed tokens per parameter of IsoFLOP teachers; and pairs in which both
have fixed tokens per parameter. Some runs have three seeds, to measure the noise.
"""

from experiments.runlab.model import forward_flops, num_params
from experiments.runlab.runs import (
    BATCH_TOKENS,
    SHAPES,
    TEACHER_HALF,
    Job,
    Run,
    students,
    supervised,
    teacher,
)

LEAST_STEPS = 500  # in shorter runs most of the training is warm-up
MOST_STEPS = 64_000  # one pass over one half of the text
BUDGETS = [2e11, 8e11, 3.2e12, 1.28e13]  # FLOPs of training
TEACHER_TOKENS_PER_PARAM = 10
SEEDS = (1, 2)


def isoflop_steps(width: int, flops: float) -> int:
    """Return the number of steps with which a run of this width costs `flops`."""
    return round(flops / (3 * forward_flops(SHAPES[width]) * BATCH_TOKENS))


def steps_for_ratio(width: int, tokens_per_param: float) -> int:
    """Return the number of steps for a given number of tokens per parameter."""
    return round(tokens_per_param * num_params(SHAPES[width]) / BATCH_TOKENS)


def fixed_ratio_teachers() -> list[Run]:
    """Return the teachers with ten tokens per parameter, from weak to strong."""
    return [
        teacher(width, steps_for_ratio(width, TEACHER_TOKENS_PER_PARAM))
        for width in (32, 48, 64, 80, 96)
    ]


def supervised_lines() -> list[Job]:
    """Return the supervised runs: IsoFLOP profiles, fixed ratio, the largest size, long runs."""
    profiles = [
        (width, isoflop_steps(width, flops)) for flops in BUDGETS for width in (16, 24, 32, 48, 64)
    ]
    profiles += [(width, isoflop_steps(width, flops)) for flops in BUDGETS for width in (80, 96)]
    line = [(width, steps_for_ratio(width, 10)) for width in (32, 48, 64, 80, 96)]
    long = [(16, 32_000), (24, 32_000), (32, 32_000), (48, 16_000), (64, 16_000)]
    largest = [(128, 500), (128, 1000), (128, 2000)]
    return [
        supervised(width, steps)
        for width, steps in [*profiles, *line, *largest, *long]
        if LEAST_STEPS <= steps <= MOST_STEPS
    ]


def isoflop_students() -> list[Job]:
    """Return students of equal training cost, of teachers with fixed tokens per parameter."""
    widths = {BUDGETS[0]: (16, 24, 32, 48), BUDGETS[1]: (24, 32, 48, 64), BUDGETS[2]: (48, 64, 80)}
    return [
        students(of, [width], isoflop_steps(width, flops))
        for flops, some in widths.items()
        for of in fixed_ratio_teachers()
        for width in some
    ]


def isoflop_teachers() -> list[Job]:
    """Return students with twenty tokens per parameter, of teachers of equal training cost."""
    widths = {
        BUDGETS[0]: (16, 24, 32, 48),
        BUDGETS[1]: (24, 32, 48, 64),
        BUDGETS[2]: (32, 48, 64, 96),
    }
    jobs: list[Job] = []
    for flops, some in widths.items():
        for width in some:
            of = Run(SHAPES[width], isoflop_steps(width, flops), half=TEACHER_HALF)
            jobs += [(of,)]
            jobs += [students(of, [own], steps_for_ratio(own, 20)) for own in (32, 48)]
    return jobs


def fixed_pairs() -> list[Job]:
    """Return students of the fixed-ratio teachers, with several ratios of tokens to parameters."""
    return [
        students(of, [width], steps_for_ratio(width, ratio))
        for level in range(4)
        for of in fixed_ratio_teachers()
        for width, ratio in ((24, 20 * 2**level), (48, 5 * 2**level))
    ]


def more_seeds(first_teachers: list[Run]) -> list[Job]:
    """Return runs of the first sweep with other seeds, supervised and distilled."""
    alone = [(16, 1000), (32, 1000), (64, 1000), (16, 4000), (32, 4000), (96, 1000)]
    alone += [(24, 2000), (48, 2000), (64, 4000), (80, 1000), (24, 500)]
    weak, middle, strong = (first_teachers[index] for index in (2, 5, 7))
    jobs: list[Job] = []
    for seed in SEEDS:
        jobs += [supervised(width, steps, seed=seed) for width, steps in alone]
        jobs += [students(of, [16, 32, 64], 1000, seed=seed) for of in (weak, middle, strong)]
        jobs += [students(of, [16, 32, 48], 4000, seed=seed) for of in (middle, strong)]
    return jobs


def full(first_teachers: list[Run]) -> list[Job]:
    """Return all jobs of the full sweep. Teachers come before their students."""
    noise = more_seeds(first_teachers)
    half = len(noise) // len(SEEDS)
    teachers = [(each,) for each in fixed_ratio_teachers()]
    alone = supervised_lines()
    return [
        *noise[:half],
        *teachers,
        *fixed_pairs()[:20],
        *alone[:14],
        *isoflop_teachers(),
        *isoflop_students(),
        *noise[half:],
        *alone[14:],
        *fixed_pairs()[20:],
    ]
