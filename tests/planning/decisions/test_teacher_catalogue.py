"""Teachers that exist, ranked and judged, against Eq. 8 in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from in_numpy import student_loss, trained_loss

from jaxlaws import presets
from jaxlaws.planning import assess_teacher, rank_teachers

LAW = presets.load("busbridge2025_consistent")
LOSSES = np.array([2.6, 2.38, 2.1, 1.95])
SIZES = np.array([3e8, 9.75e8, 4e9, 1.26e10])


def test_ranking_is_that_of_the_formula():
    budgets = np.array([1e20, 1e22, 1e24])
    choice = rank_teachers(
        LAW, flops=budgets, num_student_params=1e9, teacher_loss=LOSSES, num_teacher_params=SIZES
    )
    losses = student_loss(LAW, 1e9, budgets[:, None] / (6e9 + 2 * SIZES), LOSSES)
    np.testing.assert_array_equal(choice.ranking, np.argsort(losses, axis=1))
    np.testing.assert_array_equal(choice.best, choice.ranking[:, 0])
    assert len(set(choice.best)) > 1
    ordered = np.sort(losses, axis=1)
    np.testing.assert_allclose(choice.margin, ordered[:, 1] - ordered[:, 0], rtol=1e-9)
    alone = trained_loss(LAW, 1e9, budgets / 6e9)
    np.testing.assert_allclose(choice.gain, alone - ordered[:, 0], rtol=1e-9)


def test_teachers_beyond_the_budget_come_last():
    choice = rank_teachers(
        LAW,
        flops=[1e13, 1.0],
        num_student_params=1e8,
        teacher_loss=LOSSES[:2],
        num_teacher_params=[3e10, 9.75e8],
    )
    assert choice.best.tolist() == [1, -1]
    assert choice.ranking[0].tolist() == [1, 0]
    assert np.isnan(choice.margin).all()
    assert np.isnan(choice.gain).tolist() == [False, True]


@pytest.mark.slow
def test_inside_a_trace_it_is_the_same():
    def best(flops):
        choice = rank_teachers(
            LAW, flops=flops, num_student_params=1e9, teacher_loss=LOSSES, num_teacher_params=SIZES
        )
        return choice.best, choice.gain

    best_inside, gain = jax.jit(best)(jnp.asarray([1e20, 1e24]))
    assert best_inside.tolist() == best([1e20, 1e24])[0].tolist()
    np.testing.assert_allclose(gain, best([1e20, 1e24])[1], atol=2e-5)


@pytest.mark.parametrize(("size", "teacher", "too_good"), [(1.4e8, 2.0, True), (3e9, 2.4, False)])
def test_quality_is_that_of_the_formula(size, teacher, too_good):
    quality = assess_teacher(
        LAW, flops=1e21, num_student_params=size, teacher_loss=teacher, num_teacher_params=5e9
    )
    tokens = 1e21 / (6 * size + 2 * 5e9)
    near, step = np.array([teacher - 1e-5, teacher + 1e-5]), 2e-5
    slope = np.diff(student_loss(LAW, size, tokens, near))[0] / step
    np.testing.assert_allclose(quality.slope, slope, rtol=1e-6)
    assert quality.too_good == too_good == (slope < 0)
    scanned = student_loss(LAW, size, tokens, np.linspace(1.3, 4, 100_001))
    gain = student_loss(LAW, size, tokens, teacher) - scanned.min()
    np.testing.assert_allclose(quality.gain, gain, atol=1e-8)


def test_misuse_is_named():
    asked = {"flops": 1e21, "num_student_params": 1e9, "num_teacher_params": SIZES}
    with pytest.raises(ValueError, match="teacher_loss must have the teachers along its last axis"):
        rank_teachers(LAW, teacher_loss=2.1, **asked)
    with pytest.raises(ValueError, match="teacher_loss must be positive and finite, got nan"):
        rank_teachers(LAW, teacher_loss=[2.1, np.nan, 2.0, 2.2], **asked)
    with pytest.raises(ValueError, match="do not broadcast together"):
        rank_teachers(LAW, teacher_loss=[2.1, 2.0], **asked)
    with pytest.raises(TypeError, match="distillation law"):
        rank_teachers(presets.load("besiroglu2024"), teacher_loss=LOSSES, **asked)
