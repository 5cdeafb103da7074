"""Rules of thumb for distillation, tested with the planner.

The rules are those of a popular explainer of the paper. Inference costs 2 N FLOPs per token.
"""

import numpy as np

from jaxlaws.foundations.annotations import Tree
from jaxlaws.planning import (
    TEACHER_INFERENCE,
    TEACHER_PRETRAINING,
    TEACHER_PRETRAINING_AND_INFERENCE,
    assess_teacher,
    break_even_students,
    distill,
    distill_with,
    train_fixed,
)

_SIZES, _BUDGETS = np.meshgrid([3e8, 1e9, 3e9, 1e10], np.geomspace(1e20, 1e24, 9))


def _of_cases(better: np.ndarray) -> str:
    return f"{np.sum(better)} of {better.size}"


def single_model(law: Tree) -> str:
    """Count the cases in which training a model of a given size is as good as distilling it."""
    alone = train_fixed(law, flops=_BUDGETS, num_params=_SIZES)
    distilled = distill(
        law,
        flops=_BUDGETS,
        num_student_params=_SIZES,
        scenario=TEACHER_PRETRAINING_AND_INFERENCE,
    )
    behind = alone.loss - distilled.loss
    return f"{_of_cases(behind <= 0)}; distilling gains {max(behind.max(), 0):.3f} at most"


def family(law: Tree) -> str:
    """Compute how many students must share a teacher to break even, at 20 tokens per parameter."""
    sizes = np.array([3e8, 1e9, 3e9])
    num = break_even_students(
        law,
        flops=6 * 20 * sizes**2,
        num_student_params=sizes,
        scenario=TEACHER_PRETRAINING,
    )
    return ", ".join(f"{each:.1f}" if np.isfinite(each) else "never" for each in num)


def existing_teacher(law: Tree) -> str:
    """Count the cases in which an existing 7.75B teacher gives a better student than no teacher."""
    loss = law.supervised.loss(num_params=7.75e9, num_tokens=20 * 7.75e9)
    alone = train_fixed(law, flops=_BUDGETS, num_params=_SIZES)
    taught = distill_with(
        law,
        flops=_BUDGETS,
        num_student_params=_SIZES,
        teacher_loss=float(loss),
        num_teacher_params=7.75e9,
    )
    return _of_cases(taught.loss < alone.loss)


def best_existing_teacher(law: Tree) -> str:
    """Count the same for the best teacher of any size, with only its inference charged."""
    alone = train_fixed(law, flops=_BUDGETS, num_params=_SIZES)
    taught = distill(law, flops=_BUDGETS, num_student_params=_SIZES, scenario=TEACHER_INFERENCE)
    return _of_cases(taught.loss < alone.loss)


def stronger_is_better(law: Tree) -> str:
    """Count the students for which the 7.75B teacher is too good, at 1e20 and 1e22 FLOPs."""
    sizes, budgets = np.meshgrid([1.43e8, 5.46e8, 1.82e9], [1e20, 1e22])
    loss = law.supervised.loss(num_params=7.75e9, num_tokens=20 * 7.75e9)
    quality = assess_teacher(
        law,
        flops=budgets,
        num_student_params=sizes,
        teacher_loss=float(loss),
        num_teacher_params=7.75e9,
    )
    lost = quality.gain[quality.too_good]
    return f"{_of_cases(quality.too_good)}; costs {lost.max(initial=0):.3f} at most"


# The rule and what is counted; the function that counts it.
RULES = [
    (
        "For the best single model of a size, train it and do not distil. Of 36 cases (300M to "
        "10B, 1e20 to 1e24 FLOPs, scenario full) training wins",
        single_model,
    ),
    (
        "For a family of students, one teacher pays off. Number of students of 300M, 1B, 3B that "
        "must share it, each with the compute of 20 tokens per parameter, logits stored",
        family,
    ),
    (
        "If a teacher exists, distil. Of the 36 cases a 7.75B teacher, with inference charged, "
        "wins",
        existing_teacher,
    ),
    ("The same with the best of all teachers of any size", best_existing_teacher),
    (
        "A stronger teacher makes a better student. Of six students (143M, 546M, 1.82B at 1e20 and "
        "1e22 FLOPs) the 7.75B teacher is too good for",
        stronger_is_better,
    ),
]
