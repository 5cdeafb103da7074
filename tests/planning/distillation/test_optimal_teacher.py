import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.planning import Status, optimal_teacher_loss

LAWS = ["busbridge2025", "busbridge2025_consistent", "busbridge2025_refit"]


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.usefixtures("x64")
def test_no_teacher_of_a_dense_scan_is_better(name):
    law = presets.load(name)
    sizes, tokens = np.meshgrid(np.logspace(6, 11, 6), np.logspace(8, 14, 7))
    plan = optimal_teacher_loss(law, num_student_params=sizes, num_student_tokens=tokens)
    losses = np.linspace(np.asarray(law.supervised.E), 8, 30_001)[:, None, None]
    scanned = law.loss(num_student_params=sizes, num_student_tokens=tokens, teacher_loss=losses)
    best = np.argmin(scanned, axis=0)
    assert (plan.loss <= np.min(scanned, axis=0) + 1e-9).all()
    np.testing.assert_allclose(plan.teacher_loss, losses[best, 0, 0], atol=3e-4)
    on_floor = plan.teacher_loss <= np.asarray(law.supervised.E) * (1 + 1e-12)
    np.testing.assert_array_equal(plan.active_bounds.teacher_loss, np.where(on_floor, -1, 0))
    np.testing.assert_array_equal(plan.status == Status.ON_BOUND, on_floor)


def test_a_better_and_a_worse_teacher_both_make_a_worse_student():
    law = presets.load("busbridge2025_consistent")
    student = {"num_student_params": 1e9, "num_student_tokens": 1e11}
    plan = optimal_teacher_loss(law, **student)
    for factor in (0.97, 1.03):
        assert law.loss(**student, teacher_loss=plan.teacher_loss * factor) > plan.loss + 1e-4


def test_a_supervised_law_has_no_teacher():
    with pytest.raises(TypeError, match="distillation law"):
        optimal_teacher_loss(
            presets.load("besiroglu2024"), num_student_params=1e9, num_student_tokens=1e10
        )
