"""Laws against published values, and against formulas written out anew in NumPy."""

from typing import Any

import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.laws.distillation_limit import DistillationLimit

pytestmark = pytest.mark.usefixtures("x64")

PRINTED = presets.load("busbridge2025")
DISTILLED = ["busbridge2025", "busbridge2025_consistent"]


def student(law, num_params, num_tokens, teacher_loss):
    return np.asarray(
        law.loss(
            num_student_params=num_params, num_student_tokens=num_tokens, teacher_loss=teacher_loss
        )
    )


@pytest.mark.parametrize(
    ("name", "num_params", "num_tokens", "loss"),
    [
        ("busbridge2025_supervised", 1e9, 2e10, 2.374692),
        ("busbridge2025_supervised", 1e9, 1e12, 2.142414),
        ("busbridge2025_supervised", 3e8, 6e9, 2.670524),
        ("busbridge2025_supervised", 5.46e8, 5.12e11, 2.254211),
        ("kaplan2020", 1e9, 2e10, 2.373882),
        ("kaplan2020", 1e8, 1e10, 2.787857),
    ],
)
def test_losses_of_supervised_laws(name, num_params, num_tokens, loss):
    predicted = presets.load(name).loss(num_params=num_params, num_tokens=num_tokens)
    assert float(predicted) == pytest.approx(loss, abs=5.1e-7)


def test_teachers_of_twenty_tokens_a_parameter():
    sizes = np.array([103e6, 143e6, 198e6, 546e6, 975e6, 1.82e9, 2.72e9, 4.82e9, 7.75e9, 12.6e9])
    losses = [2.996, 2.889, 2.789, 2.515, 2.380, 2.251, 2.175, 2.077, 2.004, 1.935]
    predicted = PRINTED.supervised.loss(num_params=sizes, num_tokens=20 * sizes)
    np.testing.assert_allclose(predicted, losses, atol=5.1e-4)


@pytest.mark.parametrize(
    ("num_params", "num_tokens", "teacher_loss", "printed", "consistent", "alone"),
    [
        (1e9, 2e10, 2.2, 2.316953, 2.336672, 2.374692),
        (1e9, 2e10, 2.6, 2.600614, 2.600718, 2.374692),
        (1.43e8, 4e10, 2.38, 2.558732, 2.569293, 2.609013),
        (1.43e8, 4e10, 2.0036, 2.552064, 2.584471, 2.609013),
        (3e9, 1e12, 1.85, 1.991557, 1.994435, 2.000810),
        (1e10, 1e12, 1.7, 1.861389, 1.866209, 1.881970),
    ],
)
def test_losses_of_students(num_params, num_tokens, teacher_loss, printed, consistent, alone):
    for name, loss in zip(DISTILLED, [printed, consistent], strict=True):
        law = presets.load(name)
        assert student(law, num_params, num_tokens, teacher_loss) == pytest.approx(loss, abs=5.1e-7)
        by_itself = law.supervised.loss(num_params=num_params, num_tokens=num_tokens)
        assert float(by_itself) == pytest.approx(alone, abs=5.1e-7)


def test_the_explainers_law_is_its_own():
    law = presets.load("busbridge2025_explainer")
    assert student(law, 1e9, 2e10, 2.2) == pytest.approx(3.192126, abs=5.1e-7)
    alone = law.supervised.loss(num_params=1e9, num_tokens=2e10)
    assert float(alone) == pytest.approx(2.600048, abs=5.1e-7)


# Infinite data (laws of the paper with its printed coefficients; B drops out): how far the best
# student lies from supervised training, for Eq. 8 and for each way it has been got wrong.
SIZES = np.array([1e8, 1e9, 1e10, 1e11])
TEACHERS = np.geomspace(1.220, 6.0, 200_001)


def formula(num_params, *, mimicked="teacher", d1_is="factor", gamma=0.764, A=2243.0, slope=None):
    """Eq. 8 at infinite data over all teachers, written out in NumPy with one thing changed."""
    c0, c1, d1, f1 = 2.549, 522.6, 1.315, 0.090
    alone = 1.220 + (3355.0 / num_params**0.408) ** 0.452
    base = {"teacher": TEACHERS, "student": alone}[mimicked]
    gap = {"factor": TEACHERS / (d1 * alone), "exponent": TEACHERS / alone**d1}[d1_is]
    bracket = np.exp(-(c1 * f1 if slope is None else slope) * np.log1p(gap ** (1 / f1)))
    return TEACHERS + base**-c0 * bracket * (A / num_params**0.321) ** gamma


@pytest.mark.parametrize(
    ("changes", "per_cent", "digits"),
    [
        ({}, [-0.49, +0.44, +0.33, -0.77], 2),
        ({"mimicked": "student"}, [-37.2, -24.6, -15.6, -10.6], 1),
        ({"d1_is": "exponent"}, [+0.9, -3.0, -6.9, -10.3], 1),
        ({"gamma": 1.0}, [+2.0, +1.8, +0.8, -1.6], 1),  # -1.647 on the finest grid
        ({"A": 3355.0}, [+1.4, +2.1, +2.0, +1.2], 1),
        ({"slope": 522.6}, [-17.0, -16.0, -16.0, -17.0], 0),
    ],
    ids=str,
)
def test_infinite_data_tells_equation_8_from_every_wrong_variant(changes, per_cent, digits):
    supervised = np.asarray(PRINTED.supervised.loss(num_params=SIZES, num_tokens=np.inf))
    wrong = np.array([formula(size, **changes).min() for size in SIZES])
    np.testing.assert_allclose(100 * (wrong / supervised - 1), per_cent, atol=0.51 * 10.0**-digits)
    ours = student(PRINTED, SIZES[:, None], np.inf, TEACHERS[None, :]).min(axis=1)
    same = np.allclose(ours, wrong, rtol=1e-9)
    assert same == (not changes)


def test_best_teachers_at_infinite_data():
    sizes = np.array([1e8, 3e8, 1e9, 3e9, 1e10, 3e10, 1e11])
    losses = student(PRINTED, sizes[:, None], np.inf, TEACHERS[None, :])
    best = TEACHERS[losses.argmin(axis=1)]
    np.testing.assert_allclose(best, [2.330, 2.142, 1.958, 1.812, 1.674, 1.563, 1.448], atol=6e-4)
    lowest = [2.5206, 2.2948, 2.0880, 1.9310, 1.7876, 1.6778, 1.5752]
    np.testing.assert_allclose(losses.min(axis=1), lowest, atol=5.1e-5)


LIMIT = DistillationLimit(
    supervised=PRINTED.supervised,
    A=3119.0, alpha=0.3551, B=5214.0, beta=0.3515, gamma=0.7632,
    c0=2.3523, kappa=2.2966, f1=0.10117,
)  # fmt: skip


@pytest.mark.parametrize("law", [PRINTED, presets.load(DISTILLED[1]), LIMIT], ids=lambda _: "")
class TestStatedProperties:
    """Section 4.3 of the paper."""

    def test_an_endless_student_on_endless_data_becomes_its_teacher(self, law):
        for teacher_loss in (1.5, 2.0, 3.0):
            assert student(law, np.inf, np.inf, teacher_loss) == teacher_loss

    def test_a_hopeless_teacher_is_matched_by_any_student(self, law):
        for size in (1e6, 1e9, 1e12):
            assert student(law, size, 20 * size, 50.0) == pytest.approx(50.0, rel=1e-12)

    def test_there_is_a_capacity_gap(self, law):
        """Past its best teacher, a student is made worse by a better one."""
        teachers = np.linspace(1.25, 3.0, 400)
        losses = student(law, 1.43e8, 2.9e9, teachers)
        best = losses.argmin()
        assert 0 < best < 399
        assert np.all(np.diff(losses[: best + 1]) < 0)
        assert np.all(np.diff(losses[best:]) > 0)

    def test_the_student_stays_above_its_teacher(self, law):
        sizes = np.geomspace(1e7, 1e11, 20)[:, None]
        teachers = np.linspace(1.3, 3.0, 50)[None, :]
        losses = student(law, sizes, 20 * sizes, teachers)
        assert np.all(losses >= teachers)
        better = teachers < np.asarray(law.supervised.loss(num_params=sizes, num_tokens=20 * sizes))
        assert np.all((losses > teachers) | ~better)  # weaker ones: equal up to rounding


def test_the_bracket_turns_where_the_teacher_meets_d1_times_the_student():
    """There the bracket is 2**(-c1 f1), whatever the student."""
    for size in (2e8, 5e9):
        alone = float(PRINTED.supervised.loss(num_params=size, num_tokens=1e11))
        turn = PRINTED.d1 * alone
        resource = (2243.0 / size**0.321 + 24181.0 / 1e11**0.637) ** 0.764
        expected = turn + turn**-2.549 * 2.0 ** (-522.6 * 0.090) * resource
        assert student(PRINTED, size, 1e11, turn) == pytest.approx(expected, rel=1e-13)


def test_the_limit_form_is_what_a_growing_c1_tends_to():
    teachers = np.linspace(1.8, 2.8, 11)
    expected = student(LIMIT, 1e9, 2e10, teachers)
    worst = []
    for c1 in (1e3, 1e5, 1e7):
        d1 = (c1 * LIMIT.f1 / LIMIT.kappa) ** LIMIT.f1
        shared = {name: getattr(LIMIT, name) for name in ("A", "alpha", "B", "beta", "gamma", "c0")}
        law = type(PRINTED)(supervised=LIMIT.supervised, c1=c1, d1=d1, f1=LIMIT.f1, **shared)
        worst.append(abs(student(law, 1e9, 2e10, teachers) - expected).max())
    assert worst[0] > 10 * worst[1] > 100 * worst[2]
    assert worst[2] < 1e-7


def test_weak_teachers_in_single_precision():
    """The naive power (L_T / (d1 L~))**(1/f1) overflows float32 at a ratio of 3,000."""
    import jax

    both: tuple[Any, ...] = (PRINTED, LIMIT)
    with jax.enable_x64(False):
        for law in both:
            value, slope = jax.value_and_grad(
                lambda teacher, law=law: law.loss(
                    num_student_params=1e9, num_student_tokens=2e10, teacher_loss=teacher
                )
            )(np.float32(1e5))
            assert value == np.float32(1e5)
            assert slope == 1.0
