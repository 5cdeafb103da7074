"""The paper's claims about its plans (App. D.4 and D.5, Figs. 8 and 17 to 34)."""

from collections.abc import Mapping

import numpy as np

from experiments.paper.claims import Claim
from experiments.paper.pictures.curves import without_teacher
from experiments.paper.pictures.plans import (
    BUDGETS,
    QUANTITIES,
    RATIO_STUDENTS,
    SCENARIOS,
    STUDENTS,
    exponents,
    optimal,
    relative_costs,
)
from jaxlaws.compute import transformer_forward_flops
from jaxlaws.foundations.annotations import Tree
from jaxlaws.foundations.quantities import format_flops, format_quantity
from jaxlaws.planning import FREE_TEACHER, crossover

_SHOWN = (3e8, 3e9, 3e10)  # students of the table of exponents


def crossovers(law: Tree) -> str:
    """Find the largest budget at which supervised training overtakes the best free teacher."""
    found = crossover(
        law,
        num_student_params=np.array([5e8, 1e9, 3e9, 1e10]),
        scenario=FREE_TEACHER,
        forward_flops=transformer_forward_flops,
        flops_bounds=(1e19, 1e27),
    )
    last = np.nanmax(np.where(np.isfinite(found.flops), found.flops, 0), axis=-1)
    return ", ".join(format_flops(flops, 2) if flops > 0 else "never" for flops in last)


def always_dearer(law: Tree) -> str:
    """Find the lowest ratio of compute to supervised training in the scenario full, by student."""
    lowest = np.nanmin(relative_costs(law, "full")[1].compute, axis=1)
    return ", ".join(f"{ratio:.2g}" for ratio in lowest)


def when_dearer(law: Tree) -> str:
    """Measure how near to the least possible loss the scenarios free and inference get dearer.

    The distance is to the loss of the size on unlimited data, in nats, for the lowest target below
    which distillation costs less.
    """
    parts = []
    for name in ("free", "inference"):
        targets, costs = relative_costs(law, name)
        limit = without_teacher(law, RATIO_STUDENTS, np.inf)
        cheaper = np.where(costs.compute < 1, targets, np.inf).min(axis=1) - limit
        parts.append("/".join(f"{each:.2f}" for each in cheaper))
    return "; ".join(parts)


def to_the_logits(law: Tree) -> str:
    """Compute the share of the logits for a 3B student in the scenario inference."""
    plan = optimal(law, "inference")
    row = plan.shares["logits"][list(STUDENTS).index(3e9)]
    return ", ".join(f"{100 * share:.0f}%" for share in row[[8, 24, 40, 56]])


def teachers_size(law: Tree) -> str:
    """Compute the teacher's size relative to the student's, 1B in the scenario full."""
    plan = optimal(law, "full")
    row = plan.num_teacher_params[list(STUDENTS).index(1e9)] / 1e9
    return ", ".join(f"{ratio:.2g}" for ratio in row[[8, 24, 40, 56]])


def exponents_table(laws: Mapping[str, Tree]) -> list[list[str]]:
    """Rows of exponents: scenario, quantity, and for each law those of three students.

    The second number is the largest distance of a plan from the power, in per cent.
    """
    shown = [list(STUDENTS).index(size) for size in _SHOWN]
    found = {name: [exponents(optimal(law, name)) for law in laws.values()] for name in SCENARIOS}
    return [
        [scenario, QUANTITIES[quantity], *(_exponents(each[quantity], shown) for each in of_laws)]
        for scenario, of_laws in found.items()
        for quantity in of_laws[0]
    ]


def _exponents(found: tuple[np.ndarray, np.ndarray], shown: list[int]) -> str:
    slopes, distances = found
    return ", ".join(f"{slopes[i]:.2f} ({distances[i]:.2g}x)" for i in shown)


def students_shown() -> str:
    """The students of the table of exponents, and the budgets."""
    sizes = ", ".join(map(format_quantity, _SHOWN))
    return f"{sizes}; {format_flops(BUDGETS[0])} to {format_flops(BUDGETS[-1])} FLOPs"


CLAIMS = [
    Claim(
        "With a free teacher, supervised training overtakes distillation at a compute that grows "
        "with the student: 500M, 1B, 3B, 10B",
        "5.3, Figs. 8, 17",
        "grows",
        crossovers,
        "P, C hold from 1B on; R has no crossover",
    ),
    Claim(
        "In the scenario inference the spending moves from the student to the logits: share of the "
        "logits of a 3B student at 1e20, 1e22, 1e24, 1e26",
        "D.4",
        "rises",
        to_the_logits,
        "P contradicts at 1e20; C, R hold",
    ),
    Claim(
        "In the scenario full the teacher's size rises to slightly above the student's, then "
        "stays: teacher over a 1B student at 1e20, 1e22, 1e24, 1e26",
        "D.4, Figs. 28 to 31",
        "slightly above 1, then falls",
        teachers_size,
        "P, C, R rise and then fall, but to 3 times the student (R: 6)",
    ),
    Claim(
        "In the scenario full distillation costs more than supervised training at equal loss: "
        "lowest ratio of compute of 300M, 1B, 3B, 10B",
        "D.5, Figs. 32 to 34",
        "above 1",
        always_dearer,
        "C holds to 3B; P, R do not hold",
    ),
    Claim(
        "The scenarios free and inference cost less until near the loss on unlimited data: "
        "distance in nats, 300M/1B/3B/10B",
        "D.5, Figs. 32 to 34",
        "near",
        when_dearer,
        "P, C hold; with R always cheaper",
    ),
]
