"""Simulated runs with the protocols of Busbridge et al. 2025: 73 supervised and 697 distilled.

The designs are those of Sections 3.1 and 4.2 and of Appendix E of the paper. Where the paper gives
only the number of runs, the sizes are evenly spaced in logs. The losses are those of a law, with
noise.
"""

import numpy as np

from fitting import Runs
from jaxlaws import presets
from jaxlaws.compute import transformer_forward_flops

TRUTH = presets.load("busbridge2025_consistent")
BUDGETS = (3e19, 1e20, 3e20, 1e21)
TEACHERS = (5.46e8, 9.75e8, 1.82e9, 2.72e9, 4.82e9, 7.75e9)
MOST_TOKENS = 5.12e11
PER_PARAM = 20.0


def tokens_for(flops, sizes):
    """The tokens of a budget, from `C = 3 F(N) D`."""
    return flops / (3 * np.asarray(transformer_forward_flops(sizes)))


def supervised_loss(sizes, tokens):
    law = TRUTH.supervised
    return law.E + (law.A / sizes**law.alpha + law.B / tokens**law.beta) ** law.gamma


def distilled_loss(sizes, tokens, teacher_loss):
    """Eq. 8, in NumPy."""
    law, alone = TRUTH, supervised_loss(sizes, tokens)
    bracket = (1 + (teacher_loss / (law.d1 * alone)) ** (1 / law.f1)) ** (-law.c1 * law.f1)
    resources = (law.A / sizes**law.alpha + law.B / tokens**law.beta) ** law.gamma
    return teacher_loss + teacher_loss**-law.c0 * bracket * resources


def supervised_design():
    """73 sizes and token counts: 11 with 20 tokens per parameter, 6 with 512B, 4 IsoFLOPs."""
    sizes = [np.geomspace(1.43e8, 1.26e10, 11), np.geomspace(1.98e8, 7.75e9, 6)]
    tokens = [PER_PARAM * sizes[0], np.full(6, MOST_TOKENS)]
    for flops in BUDGETS:
        sizes.append(np.geomspace(1.43e8, 7.75e9, 14))
        tokens.append(tokens_for(flops, sizes[-1]))
    return np.concatenate(sizes), np.concatenate(tokens)


def distilled_design():
    """697 students, tokens and teacher losses, by the three protocols of the paper."""
    designs = []
    # Teachers with 20 tokens per parameter, students along IsoFLOPs: 6 x (4 x 11 + 3).
    for teacher in TEACHERS:
        loss = supervised_loss(teacher, PER_PARAM * teacher)
        for flops, count in (*((each, 11) for each in BUDGETS), (3e21, 3)):
            sizes = np.geomspace(1.43e8, 7.75e9, count)
            designs += [(n, min(tokens_for(flops, n), MOST_TOKENS), loss) for n in sizes]
    # Teachers along IsoFLOPs, students with 20 tokens per parameter: 4 x 11 x 4.
    for flops in BUDGETS:
        for teacher in np.geomspace(1.43e8, 7.75e9, 11):
            loss = supervised_loss(teacher, tokens_for(flops, teacher))
            designs += [(n, PER_PARAM * n, loss) for n in (1.98e8, 5.46e8, 9.75e8, 1.82e9)]
    # Both with fixed ratios: ten teachers, five students, five ratios, to 239 in all.
    for teacher in np.geomspace(1.98e8, 1.26e10, 10):
        loss = supervised_loss(teacher, PER_PARAM * teacher)
        for n in (1.43e8, 1.98e8, 2.66e8, 3.4e8, 5.46e8):
            designs += [(n, ratio * n, loss) for ratio in (20, 40, 80, 160, 320)]
    return np.array(designs[:697]).T


def table(noise=5e-3, seed=0):
    """Both designs as one table of runs; `noise` is the standard deviation of the log losses."""
    rng = np.random.default_rng(seed)
    sizes, tokens = supervised_design()
    students, student_tokens, teachers = distilled_design()
    loss = np.concatenate(
        [supervised_loss(sizes, tokens), distilled_loss(students, student_tokens, teachers)]
    )
    none = np.full(len(students), np.nan), np.full(len(sizes), np.nan)
    return Runs.read(
        {
            "num_params": np.concatenate([sizes, none[0]]),
            "num_tokens": np.concatenate([tokens, none[0]]),
            "num_student_params": np.concatenate([none[1], students]),
            "num_student_tokens": np.concatenate([none[1], student_tokens]),
            "teacher_loss": np.concatenate([none[1], teachers]),
            "loss": loss * np.exp(noise * rng.normal(size=loss.shape)),
        }
    )


def held_out_design(num_runs=1000, seed=1):
    """Random students, tokens and teacher losses by the same three protocols.

    There are `num_runs` runs of each protocol, with sizes and budgets within the designs.
    """
    rng = np.random.default_rng(seed)

    def between(low, high):
        return np.exp(rng.uniform(np.log(low), np.log(high), num_runs))

    def loss_of_teacher(low, high):
        sizes = between(low, high)
        return supervised_loss(sizes, PER_PARAM * sizes)

    sizes = between(1.43e8, 7.75e9)
    tokens = np.minimum(tokens_for(between(3e19, 3e21), sizes), MOST_TOKENS)
    first = sizes, tokens, loss_of_teacher(5.46e8, 7.75e9)
    sizes, teachers = between(1.98e8, 1.82e9), between(1.43e8, 7.75e9)
    second = (
        sizes,
        PER_PARAM * sizes,
        supervised_loss(teachers, tokens_for(between(3e19, 1e21), teachers)),
    )
    sizes = between(1.43e8, 5.46e8)
    third = sizes, between(20, 320) * sizes, loss_of_teacher(1.98e8, 1.26e10)
    return tuple(np.concatenate(parts) for parts in zip(first, second, third, strict=True))
