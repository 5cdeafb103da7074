"""Limits and bounds on plans with a teacher: the quantity, the marginal value, the status."""

import jax
import numpy as np
import pytest
from limit_checks import check_limit

from jaxlaws import presets
from jaxlaws.planning import (
    FREE_TEACHER,
    TEACHER_INFERENCE,
    TEACHER_PRETRAINING,
    Limit,
    Status,
    assess_teacher,
    distill,
    distill_family,
    distill_with,
    optimal_teacher_loss,
)

LAW = presets.load("busbridge2025_consistent")
FAMILY = {"flops": 1e22, "num_student_params": [3e8, 1e9, 3e9]}
TEACHER = {"flops": 1e20, "num_student_params": 1e9, "teacher_loss": 2.1, "num_teacher_params": 7e9}


def quality(*, teacher_loss, **_):
    """What a free teacher may not exceed, in this example."""
    return 1 / (teacher_loss - 1.2)


def teacher_memory(*, num_teacher_params, **_):
    return 2 * num_teacher_params


def days(*, num_teacher_params, num_teacher_tokens, **_):
    return 6 * num_teacher_params * num_teacher_tokens / 1e19


def data(*, num_student_tokens, **_):
    return num_student_tokens


def weeks(*, num_student_params, num_student_tokens, **_):
    return 6 * num_student_params * (num_student_tokens + 1e9) / 1e19


def logits(*, num_teacher_params, num_student_tokens, **_):
    return num_teacher_params * num_student_tokens


def test_a_limit_on_a_free_teacher():
    check_limit(
        lambda limits: distill(
            LAW, flops=1e21, num_student_params=1e9, scenario=FREE_TEACHER, limits=limits
        ),
        quality,
        1.0,
        status=Status.ON_BOUND,
    )


def test_a_limit_on_the_data_of_a_student_leaves_budget():
    check_limit(
        lambda limits: distill_with(LAW, **TEACHER, limits=limits),
        data,
        1e9,
        status=Status.BUDGET_UNSPENT,
    )


@pytest.mark.slow
def test_a_limit_on_a_teacher_whose_logits_are_charged():
    check_limit(
        lambda limits: distill(
            LAW, flops=1e21, num_student_params=1e9, scenario=TEACHER_INFERENCE, limits=limits
        ),
        teacher_memory,
        8e8,
        status=Status.ON_BOUND,
    )


@pytest.mark.slow
def test_a_limit_on_a_student_of_any_size():
    check_limit(
        lambda limits: distill(LAW, flops=1e21, scenario=FREE_TEACHER, limits=limits),
        lambda *, num_student_params, num_student_tokens, **_: (
            2 * num_student_params + 0.01 * num_student_tokens
        ),
        8e9,
        status=Status.ON_BOUND,
    )


@pytest.mark.parametrize(
    ("scenario", "quantity", "most"),
    [
        pytest.param(FREE_TEACHER, quality, 1.0, marks=pytest.mark.slow),
        pytest.param(TEACHER_INFERENCE, teacher_memory, 8e8, marks=pytest.mark.slow),
        pytest.param(TEACHER_PRETRAINING, days, 10.0, marks=pytest.mark.slow),
    ],
)
def test_a_limit_on_the_teacher_of_a_family(scenario, quantity, most):
    check_limit(
        lambda limits: distill_family(LAW, scenario=scenario, limits=limits, **FAMILY),
        quantity,
        most,
        status=Status.ON_BOUND,
    )


@pytest.mark.parametrize(
    ("scenario", "quantity", "message"),
    [
        (FREE_TEACHER, days, "on num_teacher_params, num_teacher_tokens, .* only on teacher_loss"),
        (TEACHER_PRETRAINING, logits, "only on num_teacher_params and num_teacher_tokens, or only"),
    ],
)
def test_a_limit_on_several_models_of_a_family_is_refused(scenario, quantity, message):
    limits = {"mine": Limit(quantity, 1e10)}
    with pytest.raises(ValueError, match=rf"limits\['mine'\] depends .*{message}"):
        distill_family(LAW, scenario=scenario, limits=limits, **FAMILY)
    passed_through_jit = jax.tree.map(lambda leaf: leaf, limits)
    with pytest.raises(ValueError, match=message):
        distill_family(LAW, scenario=scenario, limits=passed_through_jit, **FAMILY)


def test_a_limit_on_each_student_of_a_family():
    """It is the bound of the tokens that follows from it; its value is a difference of plans."""
    step, most = 1e-4, 350.0
    limits = {"weeks": Limit(weeks, most * np.exp(np.array([-step, 0.0, step])))}
    plan = distill_family(LAW, scenario=FREE_TEACHER, limits=limits, **FAMILY)
    caps = most * 1e19 / (6 * np.array(FAMILY["num_student_params"])) - 1e9
    bounded = distill_family(
        LAW, scenario=FREE_TEACHER, num_student_tokens_bounds=(1e3, caps), **FAMILY
    )
    np.testing.assert_allclose(plan.loss[1], bounded.loss, rtol=1e-12)
    np.testing.assert_allclose(plan.num_student_tokens[1], bounded.num_student_tokens, rtol=1e-9)
    assert plan.status[1] == bounded.status == Status.ON_BOUND
    assert bounded.active_bounds.num_student_tokens.tolist().count(1) in (1, 2)
    np.testing.assert_array_equal(
        plan.active_bounds.weeks[1], bounded.active_bounds.num_student_tokens
    )
    assert not plan.active_bounds.num_student_tokens.any()
    slope = -(plan.loss[2] - plan.loss[0]) / (2 * step)
    np.testing.assert_allclose(plan.marginal_values.weeks[1].sum(), slope, rtol=1e-5)
    assert not plan.marginal_values.num_student_tokens.any()
    impossible = distill_family(
        LAW, scenario=FREE_TEACHER, limits={"weeks": Limit(weeks, 1e-3)}, **FAMILY
    )
    assert impossible.status == Status.INFEASIBLE
    assert np.isnan(impossible.num_student_tokens).all()


@pytest.mark.slow
def test_a_limit_on_each_student_in_a_float32_program():
    def loss(most):
        limits = {"weeks": Limit(weeks, most)}
        plan = distill_family(LAW, scenario=FREE_TEACHER, limits=limits, **FAMILY)
        return plan.loss, plan

    (_, plan), slope = jax.jit(jax.value_and_grad(loss, has_aux=True))(350.0)
    _, exact = loss(350.0)
    np.testing.assert_allclose(plan.loss, exact.loss, rtol=1e-6)
    np.testing.assert_array_equal(plan.active_bounds.weeks, exact.active_bounds.weeks)
    np.testing.assert_allclose(-350 * slope, exact.marginal_values.weeks.sum(), rtol=1e-4)


STUDENT = {"num_student_params": 1e9, "num_student_tokens": 1e11}


@pytest.mark.parametrize("side", [-1, 1])
def test_a_bound_of_the_teacher_loss_has_a_value(side):
    step = 1e-4
    free = optimal_teacher_loss(LAW, **STUDENT)
    ends = free.teacher_loss * (1.1 if side < 0 else 0.9) * np.exp(np.array([-step, 0.0, step]))
    bounds = (ends, 3.0) if side < 0 else (1.0, ends)
    plan = optimal_teacher_loss(LAW, **STUDENT, teacher_loss_bounds=bounds)
    np.testing.assert_allclose(plan.teacher_loss, ends, rtol=1e-12)
    assert plan.active_bounds.teacher_loss.tolist() == [side] * 3
    assert (plan.status == Status.ON_BOUND).all()
    slope = -(plan.loss[2] - plan.loss[0]) / (2 * step)
    np.testing.assert_allclose(plan.marginal_values.teacher_loss[1], slope, rtol=1e-5)
    assert side * slope > 0


def test_bounds_of_the_teacher_loss_that_do_not_bind_or_exclude_all():
    free = optimal_teacher_loss(LAW, **STUDENT)
    uppers = [0.5, 1.0, 3.0]  # two of them below the irreducible loss
    plan = optimal_teacher_loss(LAW, **STUDENT, teacher_loss_bounds=(0.4, uppers))
    assert plan.status.tolist() == [Status.INFEASIBLE, Status.INFEASIBLE, Status.CONVERGED]
    assert plan.teacher_loss[2] == pytest.approx(free.teacher_loss, rel=1e-9)
    assert np.isnan([plan.loss[:2], plan.marginal_values.teacher_loss[:2]]).all()
    assert free.marginal_values.teacher_loss == 0
    with pytest.raises(ValueError, match="teacher_loss_bounds exclude each other"):
        optimal_teacher_loss(LAW, **STUDENT, teacher_loss_bounds=(3.0, 2.0))
    with pytest.raises(ValueError, match="teacher_loss_bounds must be positive"):
        optimal_teacher_loss(LAW, **STUDENT, teacher_loss_bounds=(np.nan, 2.0))


def test_a_teacher_is_assessed_within_limits():
    limits = {"data": Limit(data, 1e9)}
    answer = assess_teacher(LAW, **TEACHER, limits=limits, teacher_loss_bounds=(2.5, 4.0))
    alone = distill_with(LAW, **TEACHER, limits=limits)
    assert answer.plan.num_student_tokens == pytest.approx(1e9, rel=1e-9)
    assert answer.plan.loss == alone.loss
    assert answer.plan.status == Status.BUDGET_UNSPENT
    best = optimal_teacher_loss(
        LAW, num_student_params=1e9, num_student_tokens=1e9, teacher_loss_bounds=(2.5, 4.0)
    )
    assert answer.optimal.loss == pytest.approx(best.loss, rel=1e-9)
    assert answer.optimal.teacher_loss == pytest.approx(best.teacher_loss, rel=1e-9)


@pytest.mark.parametrize("wrong", [np.nan, -1.0])
def test_an_input_of_assess_teacher_that_is_not_valid_is_an_error(wrong):
    inputs = dict.fromkeys((*TEACHER, "num_students", "num_inference_tokens"), wrong)
    for name, value in inputs.items():
        with pytest.raises(ValueError, match=f"^{name} must .* finite, got {wrong:g}"):
            assess_teacher(LAW, **TEACHER | {name: value})
    with pytest.raises(ValueError, match="logits"):
        assess_teacher(LAW, **TEACHER, logits=wrong)
    for name in ("num_student_tokens_bounds", "teacher_loss_bounds"):
        with pytest.raises(ValueError, match=f"^{name} must be positive and finite"):
            assess_teacher(LAW, **TEACHER, **{name: (1e3, wrong)})
    with pytest.raises(ValueError, match=r"limits\['data'\].most must be positive and finite"):
        assess_teacher(LAW, **TEACHER, limits={"data": Limit(data, wrong)})
