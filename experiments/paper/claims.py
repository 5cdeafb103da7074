"""The paper's claims with numbers (Busbridge et al. 2025), computed from a preset.

Each function takes a distillation law and returns the planner's result as a short text. Compute is
counted as in the paper, with `transformer_forward_flops`.
"""

from collections.abc import Callable
from typing import NamedTuple, TypedDict

import numpy as np

from jaxlaws.compute import ForwardFlops, transformer_forward_flops
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning import (
    TEACHER_INFERENCE,
    TEACHER_PRETRAINING,
    TEACHER_PRETRAINING_AND_INFERENCE,
    distill,
    flops_to_reach,
    optimal_teacher_loss,
    train_fixed,
)
from jaxlaws.precision import float64


class _Count(TypedDict):
    forward_flops: ForwardFlops


_COUNT: _Count = {"forward_flops": transformer_forward_flops}
_TEACHERS = np.array([5.46e8, 9.75e8, 1.82e9, 2.72e9, 4.82e9, 7.75e9])
_SIZES = np.array([3e8, 5e8, 1e9, 3e9, 5e9, 1e10, 3e10, 5e10])


def loss_of(law: Tree, **inputs: Array) -> np.ndarray:
    """Return the losses that a law predicts, in float64."""
    with float64():
        return np.asarray(law.loss(**inputs))


def _teacher_losses(law: Tree) -> np.ndarray:
    """Return the losses of the paper's teachers, trained on 20 tokens per parameter."""
    return loss_of(law.supervised, num_params=_TEACHERS, num_tokens=20 * _TEACHERS)


def infinite_data(law: Tree) -> str:
    """Compare the best teacher's student on unlimited data with supervised training."""
    sizes = np.geomspace(1e8, 1e11, 31)
    best = optimal_teacher_loss(law, num_student_params=sizes, num_student_tokens=1e60).loss
    alone = loss_of(law.supervised, num_params=sizes, num_tokens=np.inf)
    return f"within {100 * np.max(np.abs(best / alone - 1)):.2f}%"


def ratios(law: Tree) -> str:
    """Divide compute and tokens of distillation by those of supervised training, at equal loss."""
    sizes, targets = np.array([5e8, 1e10]), np.array([2.4, 2.2])
    distilled = flops_to_reach(
        distill,
        law,
        target_loss=targets,
        num_student_params=sizes,
        scenario=TEACHER_INFERENCE,
        **_COUNT,
    )
    alone = flops_to_reach(train_fixed, law, target_loss=targets, num_params=sizes, **_COUNT)
    compute = distilled.flops / alone.flops
    tokens = distilled.num_student_tokens / alone.num_tokens
    return "; ".join(f"{c:.2g} / {t:.2g}" for c, t in zip(compute, tokens, strict=True))


def never_better(law: Tree) -> str:
    """Compute the largest gain from distillation when the teacher's training is charged."""
    sizes, budgets = np.meshgrid(_SIZES, np.geomspace(1e20, 1e26, 13))
    alone = train_fixed(law, flops=budgets, num_params=sizes, **_COUNT).loss
    best = np.full(len(_SIZES), -np.inf)
    for scenario in (TEACHER_PRETRAINING, TEACHER_PRETRAINING_AND_INFERENCE):
        plan = distill(law, flops=budgets, num_student_params=sizes, scenario=scenario, **_COUNT)
        best = np.maximum(best, np.nanmax(alone - plan.loss, axis=0))
    small = best[_SIZES <= 5e9].max()
    return f"to 5B by {max(small, 0):.3f}; 10B {best[5]:.3f}, 50B {best[7]:.3f}"


def shares(law: Tree) -> str:
    """Compute the shares of the student, of the logits and of the teacher's training."""
    parts = []
    for size, flops in ((1e10, 1e20), (3e9, 1e20), (3e9, 1e25), (1e10, 1e25)):
        plan = distill(
            law,
            flops=flops,
            num_student_params=size,
            scenario=TEACHER_PRETRAINING_AND_INFERENCE,
            **_COUNT,
        )
        parts.append(
            "/".join(f"{100 * plan.shares[n]:.0f}" for n in ("student", "logits", "teacher"))
        )
    return "; ".join(parts)


def isoflop_minima(law: Tree) -> str:
    """Find the best student's size at budgets of 3e19 to 1e21, with the 7.75B teacher."""
    sizes = np.geomspace(1e7, 1e11, 4001)
    parts = []
    for flops in (3e19, 1e20, 3e20, 1e21):
        tokens = flops / 3 / np.asarray(transformer_forward_flops(sizes))
        loss = loss_of(
            law,
            num_student_params=sizes,
            num_student_tokens=tokens,
            teacher_loss=_teacher_losses(law)[-1],
        )
        at = np.argmin(loss)
        parts.append(f"{sizes[at] / 1e9:.2g}B" if at < len(sizes) - 1 else "none")
    return ", ".join(parts)


def gap_of_small_students(law: Tree) -> str:
    """Find the best teacher (20 tokens per parameter) for students of 143M and 198M."""
    students = np.array([[1.43e8], [1.98e8]])
    tokens = students * np.array([20.0, 320.0])
    best = optimal_teacher_loss(law, num_student_params=students, num_student_tokens=tokens)
    sizes = np.geomspace(1e8, 1e12, 20_001)
    losses = loss_of(law.supervised, num_params=sizes, num_tokens=20 * sizes)
    found = np.interp(-best.teacher_loss, -losses, sizes) / 1e9
    return "; ".join(f"{few:.2g}B, {many:.2g}B" for few, many in found)


def most_gained(law: Tree) -> str:
    """Find the largest gain over supervised training with the paper's teachers."""
    sizes, tokens = np.meshgrid(np.geomspace(1e8, 7e9, 60), np.geomspace(1e9, 1e13, 60))
    alone = loss_of(law.supervised, num_params=sizes, num_tokens=tokens)
    gains = [
        loss_of(law, num_student_params=sizes, num_student_tokens=tokens, teacher_loss=each) - alone
        for each in _teacher_losses(law)
    ]
    return f"{np.min(gains):.2f} nats"


def one_pair(law: Tree) -> str:
    """Compute the loss of a 546M student of the 1.82B teacher, both at 20 tokens per parameter."""
    loss = loss_of(
        law,
        num_student_params=5.46e8,
        num_student_tokens=20 * 5.46e8,
        teacher_loss=_teacher_losses(law)[2],
    )
    return f"{loss:.3f}"


def growing_share_of_teachers(law: Tree) -> str:
    """Compute the tokens per parameter of the best teacher in the scenario pretraining."""
    plan = distill(
        law,
        flops=np.array([1e21, 1e23, 1e25]),
        num_student_params=1e9,
        scenario=TEACHER_PRETRAINING,
        **_COUNT,
    )
    ratios = plan.num_teacher_tokens / plan.num_teacher_params
    return ", ".join(f"{ratio:.3g}" for ratio in ratios)


class Claim(NamedTuple):
    """A claim of the paper.

    Attributes:
        claim: what the paper says, and what is computed.
        place: where.
        printed: the value that the paper prints, or its words.
        answer: the function that computes the value from a law.
        verdict: what the computed values say, with the coefficients as printed (P), with B' a
            hundred times as large (C), and with our refit (R).
    """

    claim: str
    place: str
    printed: str
    answer: Callable[[Tree], str]
    verdict: str


CLAIMS = [
    Claim(
        "On unlimited data the best teacher's student is as good as supervised training: largest "
        "difference, 1e8 to 1e11 parameters",
        "E.6, Fig. 40",
        "equal",
        infinite_data,
        "P, C hold; R does not",
    ),
    Claim(
        "Scenario inference, compute / tokens relative to supervised training: 500M to loss 2.4; "
        "10B to 2.2",
        "D.5",
        "about 3/4 / 2/3; about 1/2 / 1/2",
        ratios,
        "P contradicts; C, R nearly",
    ),
    Claim(
        "With the teacher's training charged, distillation is never better: largest gain in nats, "
        "1e20 to 1e26 FLOPs",
        "5.3, D.4.2",
        "never; equal at very large budgets",
        never_better,
        "C holds to 10B; P, R do not hold",
    ),
    Claim(
        "Scenario full, per cent student/logits/teacher: 10B at 1e20; 3B at 1e20; 3B at 1e25; 10B "
        "at 1e25",
        "Table 3",
        "mostly student; mostly teacher; student and logits; a third each",
        shares,
        "P wrong for 10B at 1e20; C holds; R gives more to the logits at 1e25",
    ),
    Claim(
        "With the 7.75B teacher the best student at 3e19, 1e20, 3e20, 1e21 FLOPs",
        "Fig. 39a",
        "between 100M and 7B",
        isoflop_minima,
        "P contradicts; C, R hold",
    ),
    Claim(
        "The best teacher of 143M and of 198M students, at 20 and at 320 tokens per parameter",
        "Fig. 4",
        "below 12.6B",
        gap_of_small_students,
        "P contradicts at 20; C, R hold",
    ),
    Claim(
        "Largest gain over supervised training",
        "Fig. 6",
        "end of the colour scale, -.18",
        most_gained,
        "P contradicts; C holds; R nearly",
    ),
    Claim(
        "Loss of the 546M student of the 1.82B teacher",
        "Table 7",
        "2.42",
        one_pair,
        "P holds; C, R within 1.6%",
    ),
    Claim(
        "In the scenario pretraining the teacher's tokens per parameter, at 1e21, 1e23, 1e25",
        "D.4",
        "constant",
        growing_share_of_teachers,
        "P, C, R hold",
    ),
]
