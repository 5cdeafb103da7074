"""Distillation plans by brute force in NumPy: a grid over all that is chosen, zoomed in on."""

import dataclasses
from typing import Any

import jax
import numpy as np

from tests.planning.in_numpy import student_loss, trained_loss

_COARSE, _FINE, _ZOOMS, _BASINS = (97, 97, 13), 9, 14, 3
_BELOW = 12.0  # student's tokens are sought from the most there may be down to that, in logs


@dataclasses.dataclass(frozen=True)
class Case:
    """One problem, with `C = 6 N D` and `2 N`.

    Attributes:
        law: a distillation law.
        flops: the budget.
        size: of a student.
        students: how many there are.
        logits: share of the logits that is charged.
        pretraining: share of the teacher's training that is charged.
        most_student_tokens: upper bound.
        most_teacher_tokens: upper bound.
    """

    law: Any
    flops: float
    size: float
    students: float
    logits: float
    pretraining: float
    most_student_tokens: float
    most_teacher_tokens: float


def random_law(law, random):
    """A law around a preset: every coefficient off by some per cent."""
    return jax.tree.map(lambda leaf: leaf * np.exp(random.normal(0, 0.05)), law)


def random_case(law, random, shares):
    """A problem that can be planned: students of 1e7 to 1e12, budgets of 1e15 to 1e28."""
    while True:
        size, students = 10 ** random.uniform(7, 12), float(random.choice([1, 1, 3, 100]))
        case = Case(
            law=random_law(law, random),
            flops=10 ** random.uniform(15, 28),
            size=size,
            students=students,
            logits=shares[0],
            pretraining=shares[1],
            most_student_tokens=float(random.choice([1e17, 1e17, 10 ** random.uniform(9, 13)])),
            most_teacher_tokens=float(random.choice([1e17, 1e17, 10 ** random.uniform(9, 13)])),
        )
        # Less than that is no training: the plan is then on several bounds at once.
        if case.flops > 1e5 * 6 * size * students:
            return case


def cost(case, teacher, student_tokens, teacher_tokens):
    """What the budget is charged with."""
    of_student = (6 * case.size + case.logits * 2 * teacher) * student_tokens * case.students
    return of_student + case.pretraining * 6 * teacher * teacher_tokens


def _paid(case, logs):
    """Loss of logs of the teacher's size and tokens, and of how far below the most the student's
    tokens are.
    """
    teacher, teacher_tokens = np.exp(logs[0]), np.exp(logs[1])
    rest = case.flops - case.pretraining * 6 * teacher * teacher_tokens
    each = (6 * case.size + case.logits * 2 * teacher) * case.students
    most = np.minimum(np.where(rest > 0, rest, np.nan) / each, case.most_student_tokens)
    tokens = most * np.exp(-logs[2])
    loss = student_loss(
        case.law, case.size, tokens, trained_loss(case.law, teacher, teacher_tokens)
    )
    return np.where((tokens >= 1e3) & ~np.isnan(loss), loss, np.inf)


def _free(case, logs):
    """Loss of the log of the teacher's, and of how far below the most the tokens are."""
    most = np.minimum(case.flops / (6 * case.size * case.students), case.most_student_tokens)
    tokens = most * np.exp(-logs[1])
    loss = student_loss(case.law, case.size, tokens, np.exp(logs[0]))
    return np.where((tokens >= 1e3) & ~np.isnan(loss), loss, np.inf)


def _zoomed(loss, low, high, start, width):
    best = np.inf
    for _ in range(_ZOOMS):
        axes = [
            np.linspace(max(s - w, a), min(s + w, b), _FINE)
            for s, w, a, b in zip(start, width, low, high, strict=True)
        ]
        places = np.meshgrid(*axes, indexing="ij")
        losses = loss(places)
        where = np.unravel_index(np.argmin(losses), losses.shape)
        start = [place[where] for place in places]
        width = [w / 2 for w in width]
        best = min(best, losses[where])
    return best


def least_loss(case):
    """The least loss that was found."""
    if case.logits == 0 and case.pretraining == 0:
        worst = trained_loss(case.law, 1e3, 1e3)
        low, high = [np.log(case.law.supervised.E), 0.0], [np.log(worst), _BELOW]
        counts, loss = (2001, 25), lambda logs: _free(case, logs)
    else:
        low = [np.log(1e3), np.log(1e3), 0.0]
        high = [np.log(1e17), np.log(case.most_teacher_tokens), _BELOW]
        counts, loss = _COARSE, lambda logs: _paid(case, logs)
    axes = [np.linspace(a, b, n) for a, b, n in zip(low, high, counts, strict=True)]
    places = np.meshgrid(*axes, indexing="ij")
    losses = loss(places)
    steps = [axis[1] - axis[0] for axis in axes]
    best = np.inf
    for index in np.argsort(losses, axis=None)[: 200 * _BASINS : 200]:
        start = [place.flat[index] for place in places]
        best = min(best, _zoomed(loss, low, high, start, [2 * step for step in steps]))
    return best
