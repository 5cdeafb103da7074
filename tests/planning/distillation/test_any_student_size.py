"""The student's size as a variable, against dense searches and SciPy."""

import numpy as np
import pytest
from in_numpy import student_loss, trained_loss
from scipy.optimize import minimize

from jaxlaws import presets
from jaxlaws.planning import (
    FREE_TEACHER,
    TEACHER_PRETRAINING_AND_INFERENCE,
    Status,
    distill,
)

LAW = presets.load("busbridge2025_consistent")


@pytest.mark.slow
@pytest.mark.parametrize("served", [0.0, 1e11])
def test_no_student_of_a_dense_search_is_better_with_a_free_teacher(served):
    budgets = np.logspace(18, 24, 7)
    plan = distill(LAW, flops=budgets, scenario=FREE_TEACHER, num_inference_tokens=served)
    assert (plan.status <= Status.ON_BOUND).all()
    for i, flops in enumerate(budgets):
        low, high, best = np.array([5.0, 1.22]), np.array([13.0, 6.0]), np.inf
        for _ in range(9):
            sizes = np.logspace(low[0], high[0], 201)[:, None]
            teachers = np.linspace(low[1], high[1], 201)[None, :]
            tokens = flops / (6 * sizes) - served / 3
            losses = student_loss(LAW, sizes, np.where(tokens > 1e3, tokens, np.nan), teachers)
            at = np.unravel_index(np.nanargmin(losses), losses.shape)
            best = min(best, losses[at])
            centre = np.array([np.log10(sizes[at[0], 0]), teachers[0, at[1]]])
            width = 12 * (high - low) / 200
            low, high = np.maximum(centre - width, [3, 1.22]), centre + width
        assert best - 1e-7 < plan.loss[i] <= best + 1e-10


@pytest.mark.slow
def test_nothing_that_scipy_finds_is_better_where_all_is_paid():
    budgets, served = np.array([1e20, 1e22, 1e24]), 1e11
    plan = distill(
        LAW,
        flops=budgets,
        scenario=TEACHER_PRETRAINING_AND_INFERENCE,
        num_inference_tokens=served,
    )
    for i, flops in enumerate(budgets):

        def loss(x):
            student, tokens, teacher, read = np.exp(x)
            return student_loss(LAW, student, tokens, trained_loss(LAW, teacher, read))

        def left(x, flops=flops):
            student, tokens, teacher, read = np.exp(x)
            cost = (6 * student + 2 * teacher) * tokens + 2 * student * served
            return 1 - (cost + 6 * teacher * read) / flops

        best = np.inf
        for size in np.sqrt(flops / 1000) * np.array([0.1, 0.3, 1.0]):
            found = minimize(
                loss,
                np.log([size, flops / 20 / size, size, flops / 20 / size]),
                method="SLSQP",
                constraints={"type": "ineq", "fun": left},
                options={"ftol": 1e-14, "maxiter": 1000},
            )
            if abs(left(found.x)) < 1e-8:
                best = min(best, found.fun)
        assert best - 1e-6 < plan.loss[i] <= best + 1e-8
    np.testing.assert_allclose(plan.flops, budgets, rtol=1e-9)


@pytest.mark.slow
def test_a_cap_on_the_size_binds():
    capped = distill(LAW, flops=1e22, scenario=FREE_TEACHER, num_student_params_bounds=(1e6, 1e9))
    assert capped.active_bounds.num_student_params == 1
    assert capped.status == Status.ON_BOUND
    fixed = distill(LAW, flops=1e22, num_student_params=1e9, scenario=FREE_TEACHER)
    np.testing.assert_allclose(capped.loss, fixed.loss, rtol=1e-12)
    np.testing.assert_allclose(capped.num_student_tokens, fixed.num_student_tokens, rtol=1e-9)


def test_misuse_is_named():
    with pytest.raises(ValueError, match="num_student_params_bounds exclude each other"):
        distill(LAW, flops=1e22, scenario=FREE_TEACHER, num_student_params_bounds=(1e9, 1e8))
    with pytest.raises(TypeError, match="distillation law"):
        distill(presets.load("besiroglu2024"), flops=1e22, scenario=FREE_TEACHER)
