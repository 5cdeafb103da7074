"""Appendix C.1 against published-setting numbers and an explicit projection in NumPy."""

import numpy as np
import pytest

from experiments.capacity_gap.kernel_regression import (
    Setting,
    last_flat,
    student_error,
    teacher_error,
)
from experiments.capacity_gap.kernel_regression.__main__ import STUDENTS, TEACHERS, paper_setting

pytestmark = pytest.mark.usefixtures("x64")


def test_teacher_errors():
    errors = teacher_error(paper_setting(), np.array([1, 250, 500, 1000]))
    np.testing.assert_allclose(errors, [18.028, 15.952, 14.849, 13.031], atol=5.1e-4)
    assert np.all(np.diff(teacher_error(paper_setting(), TEACHERS)) <= 0)


def test_student_errors():
    errors = np.asarray(student_error(paper_setting(), STUDENTS[:, None], TEACHERS[None, :]))
    least = [15.866, 15.448, 15.123, 14.784, 14.445, 14.095]
    np.testing.assert_allclose(errors.min(axis=1), least, atol=5.1e-4)
    last = [16.535, 16.060, 15.647, 15.176, 14.660, 14.095]
    np.testing.assert_allclose(errors[:, -1], last, atol=5.1e-4)


def test_where_the_rise_begins():
    """Falls to m = n, flat to m1 (up to rounding), rises strictly after."""
    setting = paper_setting()
    ends = np.asarray(last_flat(setting, STUDENTS))
    np.testing.assert_array_equal(ends, [380, 509, 631, 744, 855, 1000])
    for size, end in zip(STUDENTS, ends, strict=True):
        errors = np.asarray(student_error(setting, size, TEACHERS))
        np.testing.assert_allclose(errors[size - 1 : end], errors[size - 1], rtol=1e-14)
        assert np.all(np.diff(errors[:size]) <= 1e-14)
        assert np.all(np.diff(errors[end - 1 :]) > 0)


@pytest.mark.parametrize("seed", range(3))
def test_against_explicit_projections(seed):
    """Shrunk projections, and errors as norms of differences, by plain vectors."""
    rng = np.random.default_rng(seed)
    target = rng.normal(size=40) * rng.uniform(0.2, 2.0)
    teacher_norm, student_norm = 3.0, 2.5
    setting = Setting(coefficients=target, teacher_norm=teacher_norm, student_norm=student_norm)

    def fit(function, size, norm):
        kept = np.where(np.arange(40) < size, function, 0.0)
        return kept * min(1.0, norm / np.linalg.norm(kept))

    for m in (1, 7, 20, 40):
        taught = fit(target, m, teacher_norm)
        assert float(teacher_error(setting, m)) == pytest.approx(np.linalg.norm(taught - target))
        for n in (1, 5, 20, 33, 40):
            learnt = fit(taught, n, student_norm)
            expected = np.linalg.norm(learnt - target)
            assert float(student_error(setting, n, m)) == pytest.approx(expected, rel=1e-12)
