"""Rules of thumb for distillation, asked of the planner instead of repeated.

As a popular explainer of the paper has them. Compute is counted as 2 N a token.
"""

from typing import Any

import numpy as np

from jaxlaws.planning import (
    TEACHER_INFERENCE,
    TEACHER_PRETRAINING_AND_INFERENCE,
    distill,
    distill_with,
    train_fixed,
)
from jaxlaws.planning.decisions.break_even import break_even_students
from jaxlaws.planning.distillation.teacher_quality import assess_teacher

_SIZES, _BUDGETS = np.meshgrid([3e8, 1e9, 3e9, 1e10], np.geomspace(1e20, 1e24, 9))


def _of_cases(better: np.ndarray) -> str:
    return f"{np.sum(better)} of {better.size}"


def single_model(law: Any) -> str:
    """In how many cases training a model of given size is at least as good as distilling it."""
    alone = train_fixed(law, flops=_BUDGETS, num_params=_SIZES)
    distilled = distill(
        law,
        flops=_BUDGETS,
        num_student_params=_SIZES,
        scenario=TEACHER_PRETRAINING_AND_INFERENCE,
    )
    behind = alone.loss - distilled.loss
    return f"{_of_cases(behind <= 0)}; distilling gains {max(behind.max(), 0):.3f} at most"


def family(law: Any) -> str:
    """How many students of a size must share a teacher for it to pay, each at 20 tokens a size."""
    sizes = np.array([3e8, 1e9, 3e9])
    num = break_even_students(law, flops=6 * 20 * sizes**2, num_student_params=sizes)
    return ", ".join(f"{each:.1f}" if np.isfinite(each) else "never" for each in num)


def teacher_at_hand(law: Any) -> str:
    """In how many cases a student of a 7.75B teacher at hand is better than one trained alone."""
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


def best_teacher_at_hand(law: Any) -> str:
    """The same for the best teacher that exists, of whatever size, its logits alone paid for."""
    alone = train_fixed(law, flops=_BUDGETS, num_params=_SIZES)
    taught = distill(law, flops=_BUDGETS, num_student_params=_SIZES, scenario=TEACHER_INFERENCE)
    return _of_cases(taught.loss < alone.loss)


def stronger_is_better(law: Any) -> str:
    """For which students the 7.75B teacher is too good, at 1e20 and 1e22 FLOPs."""
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


# The rule, what is counted, and how.
RULES = [
    (
        "The best single model of a size: train it, do not distil. Of 36 cases (300M to 10B, 1e20 "
        "to 1e24 FLOPs, teacher and logits paid) training wins",
        single_model,
    ),
    (
        "A family: one teacher, its cost shared. Students of 300M, 1B, 3B that must share it, each "
        "with the compute of 20 tokens a parameter, logits stored",
        family,
    ),
    (
        "A teacher that exists: distil. Of the 36 cases a 7.75B teacher, its logits paid, wins",
        teacher_at_hand,
    ),
    ("The same with the best of all teachers, of whatever size", best_teacher_at_hand),
    (
        "A stronger teacher makes a better student. Of six students (143M, 546M, 1.82B at 1e20 and "
        "1e22 FLOPs) the 7.75B teacher is too good for",
        stronger_is_better,
    ),
]
