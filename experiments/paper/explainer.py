"""The numbers of a popular explainer of the paper, computed from laws.

The explainer counts 6 N D FLOPs of training and 2 N FLOPs for the logits of a token. None of its
numbers is the result of a fit (preset `busbridge2025_explainer`).
"""

from collections.abc import Mapping

import numpy as np

from experiments.paper.claims import loss_of
from jaxlaws import presets
from jaxlaws.compute import distillation_flops
from jaxlaws.foundations.annotations import Tree
from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.planning import (
    TEACHER_INFERENCE,
    TEACHER_PRETRAINING_AND_INFERENCE,
    distill,
    train_fixed,
)

# The worked example: the best plan for a 1B student, a budget of 1e22 FLOPs and the scenario full.
_STUDENT, _BUDGET = 1e9, 1e22
_PLAN = {"num_teacher_params": 3e9, "num_teacher_tokens": 6e10, "num_student_tokens": 2e11}
_LOSSES = {"teacher_loss": 2.10, "loss": 2.18}
_ALONE = 2.22

# The table of the capacity gap, on 40B tokens: the student; the best teacher, the loss of its
# student, the loss of the student of the 7.75B teacher.
_GAP_TOKENS = 4e10
_GAP = [
    (1.43e8, 9.75e8, 2.56, 2.59),
    (5.46e8, 1.82e9, 2.22, 2.24),
    (1.82e9, 4.82e9, 2.07, 2.08),
    (4.82e9, 7.75e9, 1.98, 1.98),
]
_TEACHERS = np.array([5.46e8, 9.75e8, 1.82e9, 2.72e9, 4.82e9, 7.75e9])


def worked_example(laws: Mapping[str, Tree]) -> list[list[str]]:
    """The rows of the worked example: the quantity, the explainer's number, that of each law."""
    plans, alone = [], []
    for law in laws.values():
        plans.append(
            distill(
                law,
                flops=_BUDGET,
                num_student_params=_STUDENT,
                scenario=TEACHER_PRETRAINING_AND_INFERENCE,
            )
        )
        alone.append(float(train_fixed(law, flops=_BUDGET, num_params=_STUDENT).loss))
    spent = distillation_flops(
        num_student_params=_STUDENT,
        num_student_tokens=_PLAN["num_student_tokens"],
        num_teacher_params=_PLAN["num_teacher_params"],
        num_teacher_tokens=_PLAN["num_teacher_tokens"],
        logits=1.0,
        pretraining=1.0,
    )
    names = {
        "num_teacher_params": "teacher's parameters",
        "num_teacher_tokens": "teacher's tokens",
        "num_student_tokens": "student's tokens",
    }
    rows = [
        [words, format_quantity(_PLAN[name]), *(format_quantity(getattr(p, name)) for p in plans)]
        for name, words in names.items()
    ]
    for name, words in {"teacher_loss": "teacher's loss", "loss": "student's loss"}.items():
        rows.append(
            [words, f"{_LOSSES[name]:.2f}", *(f"{float(getattr(p, name)):.3f}" for p in plans)]
        )
    rows.append(["loss of the same size without a teacher", f"{_ALONE:.2f}"])
    rows[-1] += [f"{each:.3f}" for each in alone]
    better = ["distil" if p.loss < each else "train" for p, each in zip(plans, alone, strict=True)]
    rows.append(["better", "distil", *better])
    rows.append(["FLOPs of the plan", f"{float(spent):.2g}", *(f"{p.flops:.2g}" for p in plans)])
    return rows


def own_teacher_loss() -> str:
    """The loss of the explainer's teacher in its own supervised law."""
    law = presets.load("busbridge2025_explainer").supervised
    inputs = {"num_params": _PLAN["num_teacher_params"], "num_tokens": _PLAN["num_teacher_tokens"]}
    return f"{float(loss_of(law, **inputs)):.2f}"


def capacity_gap(laws: Mapping[str, Tree]) -> list[list[str]]:
    """The rows of the capacity gap: student, the explainer's numbers, those of each law.

    The best teacher is one of the six teachers of the paper, with 20 tokens per parameter.
    """
    rows = []
    for student, best, lowest, strongest in _GAP:
        row = [format_quantity(student), f"{format_quantity(best)}: {lowest:.2f}; {strongest:.2f}"]
        for law in laws.values():
            teachers = loss_of(law.supervised, num_params=_TEACHERS, num_tokens=20 * _TEACHERS)
            inputs = {"num_student_params": student, "num_student_tokens": _GAP_TOKENS}
            losses = loss_of(law, **inputs, teacher_loss=teachers)
            name = format_quantity(_TEACHERS[np.argmin(losses)])
            row.append(f"{name}: {losses.min():.2f}; {losses[-1]:.2f}")
        supervised = next(iter(laws.values())).supervised
        for tokens in (_GAP_TOKENS, np.inf):
            row.append(f"{float(loss_of(supervised, num_params=student, num_tokens=tokens)):.2f}")
        rows.append(row)
    return rows


def gains(law: Tree) -> str:
    """The gain of distilling a 1B student over training it, at 1e20, 1e22 and 1e24 FLOPs."""
    budgets = np.array([1e20, 1e22, 1e24])
    alone = train_fixed(law, flops=budgets, num_params=_STUDENT).loss
    taught = distill(
        law, flops=budgets, num_student_params=_STUDENT, scenario=TEACHER_INFERENCE
    ).loss
    return ", ".join(f"{gain:+.3f}" for gain in alone - taught)
