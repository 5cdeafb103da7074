from typing import Any

import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.planning import Status, distill_with, optimal_teacher_loss


def test_all_of_the_budget_becomes_tokens():
    law = presets.load("busbridge2025_consistent")
    plan = distill_with(
        law,
        flops=[1e20, 1e21],
        num_student_params=1e9,
        teacher_loss=2.1,
        num_teacher_params=7e9,
        logits=0.5,
        num_students=2,
        num_inference_tokens=1e9,
    )
    tokens = (np.array([1e20, 1e21]) - 2 * 2e9 * 1e9) / (2 * (6e9 + 0.5 * 14e9))
    np.testing.assert_allclose(plan.num_student_tokens, tokens, rtol=1e-12)
    np.testing.assert_allclose(plan.flops, [1e20, 1e21], rtol=1e-12)
    np.testing.assert_allclose(sum(plan.shares.values()), 1, rtol=1e-12)
    assert np.isnan(plan.num_teacher_tokens).all()


def test_a_mixture_of_experts_costs_what_is_active():
    law = presets.load("busbridge2025_consistent")
    student: Any = {"flops": 1e21, "num_student_params": 1e9, "teacher_loss": 2.1}
    sparse = distill_with(law, **student, num_teacher_params=5e10, teacher_forward_flops=1.4e10)
    dense = distill_with(law, **student, num_teacher_params=7e9)
    assert sparse.num_student_tokens == dense.num_student_tokens
    assert sparse.num_teacher_params == 5e10


def test_a_teacher_may_be_too_good():
    law = presets.load("busbridge2025_consistent")
    best = optimal_teacher_loss(law, num_student_params=1e9, num_student_tokens=1e21 / 20e9)
    losses = best.teacher_loss * np.array([0.95, 1.0, 1.05])
    plan = distill_with(
        law, flops=1e21, num_student_params=1e9, teacher_loss=losses, num_teacher_params=7e9
    )
    assert plan.loss[1] < min(plan.loss[0], plan.loss[2])


def test_no_budget_for_a_token_is_infeasible():
    law = presets.load("busbridge2025_consistent")
    plan = distill_with(
        law, flops=1e10, num_student_params=1e9, teacher_loss=2.1, num_teacher_params=7e9
    )
    assert plan.status == Status.INFEASIBLE


def test_misuse_is_named():
    teacher: Any = {"teacher_loss": 2.1, "num_teacher_params": 7e9}
    with pytest.raises(TypeError, match="distillation law"):
        distill_with(presets.load("besiroglu2024"), flops=1e20, num_student_params=1e9, **teacher)
    law = presets.load("busbridge2025_consistent")
    with pytest.raises(ValueError, match=r"logits cost that is charged must lie in \[0, 1\]"):
        distill_with(law, flops=1e20, num_student_params=1e9, logits=2.0, **teacher)
    with pytest.raises(ValueError, match="teacher_loss must be positive"):
        distill_with(law, flops=1e20, num_student_params=1e9, **(teacher | {"teacher_loss": -1}))
