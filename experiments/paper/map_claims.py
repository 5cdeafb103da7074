"""The paper's claims about its contour maps and U-shapes (Figs. 3, 7 and 13 to 16)."""

import numpy as np

from experiments.paper.claims import Claim
from experiments.paper.pictures.curves import (
    BUDGETS,
    PER_PARAM,
    student,
    tokens_of,
    without_teacher,
)
from experiments.paper.pictures.maps import given_teachers, maps_of_students, maps_of_teachers
from jaxlaws.foundations.annotations import Tree
from jaxlaws.foundations.quantities import format_flops
from jaxlaws.planning import optimal_teacher_loss


def by_teacher(law: Tree) -> str:
    """Compute the largest gain in Fig. 13, over all four students."""
    return f"{-max(each.gain.max() for each in maps_of_teachers(law)):.2f}"


def by_flops(law: Tree) -> str:
    """Compute the largest gain in Fig. 14, over all six teachers."""
    maps = maps_of_students(law, by_flops=True)
    return f"{-max(each.gain.max() for each in maps):.2f}"


def largest_teachers(law: Tree) -> str:
    """Compute the loss in Fig. 16 with a teacher of 1T parameters and of the lowest loss, E."""
    _, _, plan = given_teachers(law, 13)
    return ", ".join(f"{loss:.2f}" for loss in plan.loss[0, :, 0, -1])


def best_loss_of_large(law: Tree) -> str:
    """Find the best loss of a teacher of 1T parameters for a student with 1e21 FLOPs."""
    _, losses, plan = given_teachers(law, 41)
    return ", ".join(f"{loss:.2f}" for loss in losses[plan.loss[0, :, :, -1].argmin(axis=-1)])


def who_gains(law: Tree) -> str:
    """List the budgets of teachers whose best teacher beats supervised training, for two students.

    The best teacher of a budget is the one with the lowest loss.
    """
    sizes = np.geomspace(1e8, 1.26e10, 400)
    found = []
    for size in (1.98e8, 1.82e9):
        alone = without_teacher(law, size, PER_PARAM * size)
        lowest = [without_teacher(law, sizes, tokens_of(flops, sizes)).min() for flops in BUDGETS]
        taught = student(law, size, PER_PARAM * size, np.array(lowest))
        found.append(
            " ".join(
                format_flops(flops)
                for flops, loss in zip(BUDGETS, taught, strict=True)
                if loss < alone
            )
        )
    return "; ".join(each or "none" for each in found)


def power_of_size(law: Tree) -> str:
    """Fit a power of the student's size to the best teacher's loss, on 250B tokens."""
    sizes = np.geomspace(1e8, 3e9, 31)
    plan = optimal_teacher_loss(law, num_student_params=sizes, num_student_tokens=2.5e11)
    logs = np.log(plan.teacher_loss)
    power = np.polynomial.Polynomial.fit(np.log(sizes), logs, 1)
    off = np.abs(np.expm1(logs - power(np.log(sizes)))).max()
    return f"{power.convert().coef[1]:.3f}; {off:.1%}"


CLAIMS = [
    Claim(
        "Students of 198M and of 1.82B on 20 tokens per parameter: budgets of 3e19, 1e20, 3e20, "
        "1e21 whose best teacher gives a lower loss than no teacher",
        "E.4, Fig. 3",
        "all; 1e21",
        who_gains,
        "P, C, R hold",
    ),
    Claim(
        "The best teacher's loss is a power of the student's size: exponent, and largest distance "
        "from the power, 100M to 3B on 250B tokens",
        "Fig. 7",
        "a power",
        power_of_size,
        "P, C, R hold",
    ),
    Claim(
        "Lowest student's loss minus supervised, students of 198M to 1.82B on 20 tokens per "
        "parameter",
        "Fig. 13",
        "lowest labels -.08 and -.075",
        by_teacher,
        "P contradicts; C, R hold",
    ),
    Claim(
        "The same for students with 1e19 to 1e22 FLOPs",
        "Fig. 14",
        "lowest label -.15",
        by_flops,
        "P contradicts; C holds; R does not",
    ),
    Claim(
        "Students of 1B, 3B, 10B, 30B with 1e21 FLOPs: loss with a teacher of 1T parameters "
        "and of the loss 1.22, logits charged",
        "Fig. 16",
        "highest labels 3.70, 3.55, 3.45, 3.40",
        largest_teachers,
        "P is too low, C too high; R within 5%",
    ),
    Claim(
        "At a small fixed compute a large weak teacher is better than a large strong one: best "
        "loss of a 1T teacher of these students, of all from 1.22 on",
        "D.3, Fig. 16",
        "not the lowest",
        best_loss_of_large,
        "P, C, R hold",
    ),
]
