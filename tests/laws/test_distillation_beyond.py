"""Students below their teachers: the formula anew, the limit form within it, and the limits."""

import dataclasses

import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.laws.distillation_limit import DistillationLimit

pytestmark = pytest.mark.usefixtures("x64")

LAW = presets.load("busbridge2025_beyond")
SIZES, TOKENS, TEACHERS = (
    each.ravel()
    for each in np.meshgrid([1e8, 1e9, 1e10], [1e9, 3e10, 1e12], [1.5, 2.0, 2.4, 2.8, 3.5])
)


def loss(law, size, tokens, teacher):
    return np.asarray(
        law.loss(num_student_params=size, num_student_tokens=tokens, teacher_loss=teacher)
    )


def test_the_formula_by_hand():
    law, s = LAW, LAW.supervised
    alone = s.E + (s.A / SIZES**s.alpha + s.B / TOKENS**s.beta) ** s.gamma
    endless = s.E + (s.A / SIZES**s.alpha) ** s.gamma
    b = np.exp(-law.kappa * (TEACHERS / alone) ** (1 / law.f1))
    lacking = b * (law.A / SIZES**law.alpha + law.B / TOKENS**law.beta) ** law.gamma
    gained = (1 - b) * law.w * np.sqrt((alone - endless) / alone)
    expected = TEACHERS + (lacking - gained) / TEACHERS**law.c0
    np.testing.assert_allclose(loss(law, SIZES, TOKENS, TEACHERS), expected, rtol=1e-12)


def test_without_a_gain_it_is_the_limit_form():
    names = [field.name for field in dataclasses.fields(DistillationLimit)]
    limit = DistillationLimit(**{name: getattr(LAW, name) for name in names})
    none = dataclasses.replace(LAW, w=0.0)
    args = (SIZES, TOKENS, TEACHERS)
    np.testing.assert_allclose(loss(none, *args), loss(limit, *args), rtol=1e-14)
    assert (loss(LAW, *args) <= loss(limit, *args)).all()


def test_students_win_against_weak_teachers_and_only_there():
    alone = np.asarray(LAW.supervised.loss(num_params=SIZES, num_tokens=TOKENS))
    gain = TEACHERS - loss(LAW, SIZES, TOKENS, TEACHERS)
    assert (gain[alone > TEACHERS] < 0).all()
    assert (gain[1.15 * alone < TEACHERS] > 0).any()
    assert (loss(LAW, SIZES, TOKENS, TEACHERS) > 0).all()
    # 546M students of one teacher: with more tokens the gain fades
    fading = [2.754 - loss(LAW, 5.46e8, tokens, 2.754) for tokens in (2.46e10, 9.85e10, 1e13)]
    assert np.all(np.diff(fading) < 0)


def test_more_and_more_student_and_worse_and_worse_teachers_give_the_teachers_loss():
    """Properties (i) and (ii) of the paper's Section 4.3."""
    teachers = np.array([1.3, 1.9, 2.75])
    distance = [
        np.abs(loss(LAW, scale, 20 * scale, teachers) - teachers)
        for scale in np.array([1e10, 1e14, 1e20, 1e40])
    ]
    assert np.all(np.diff(distance, axis=0) < 0)
    assert np.max(distance[-1]) < 1e-3
    np.testing.assert_allclose(loss(LAW, np.inf, np.inf, teachers), teachers, rtol=1e-15)
    weak = np.array([1e1, 1e3, 1e6])
    relative = np.abs(loss(LAW, 1e8, 1e9, weak) / weak - 1)
    assert np.all(np.diff(relative) < 0)
    assert relative[-1] < 1e-12


def test_past_some_point_a_better_teacher_makes_a_worse_student():
    """Property (iii), within the sizes that it was fitted to."""
    teachers = np.linspace(1.3, 3.0, 1701)
    for size in (1.43e8, 5.46e8, 1.82e9, 7.75e9):
        losses = loss(LAW, size, 20 * size, teachers)
        best = losses.argmin()
        assert 100 < best < 1400
        assert losses[0] > losses[best] + 0.05


def test_it_fits_the_published_points_better_than_the_limit_form(real_runs):
    rows = np.genfromtxt(real_runs / "busbridge_figure1_points.csv", delimiter=",", names=True)
    args = [rows[f"{name}"] for name in ("num_student_params", "num_student_tokens")]
    teacher, measured = rows["teacher_loss"], rows["student_loss"]
    errors = {
        name: 100 * np.abs(loss(presets.load(name), *args, teacher) / measured - 1)
        for name in ("busbridge2025_refit", "busbridge2025_beyond")
    }
    below = measured < teacher
    assert below.sum() == 41
    assert [round(float(each.mean()), 2) for each in errors.values()] == [0.23, 0.17]
    assert [round(float(each[below].mean()), 2) for each in errors.values()] == [0.56, 0.13]
