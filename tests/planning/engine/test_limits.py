"""Limits and marginal values, against dense search and differences of plans."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.planning import (
    TEACHER_PRETRAINING_AND_INFERENCE,
    Limit,
    Status,
    compute_optimal,
    distill,
    distill_with,
    serve,
    train_fixed,
)

LAW = presets.load("besiroglu2024")
DISTILLATION = presets.load("busbridge2025_consistent")
STEP = 1e-4


def bytes_in_use(*, num_params, num_tokens):
    """Weights and, in this made-up machine, a cache that grows with the data."""
    return 2 * num_params + 0.01 * num_tokens


def days(*, num_teacher_params, num_teacher_tokens, **_):
    return 6 * num_teacher_params * num_teacher_tokens / 1e19


def limited(flops, most):
    return compute_optimal(LAW, flops=flops, limits={"memory": Limit(bytes_in_use, most)})


def by_difference(plan_of, place):
    ends = plan_of(place * np.exp(np.array([-STEP, STEP])))
    return -(ends.loss[1] - ends.loss[0]) / (2 * STEP)


def test_a_limit_holds_and_nothing_within_it_is_better():
    flops, most = np.array([1e22, 1e24, 1e24]), np.array([1e13, 2e10, 8e10])
    plan = limited(flops, most)
    assert plan.active_bounds["memory"].tolist() == [0, 1, 1]
    assert plan.status.tolist() == [Status.CONVERGED, Status.BUDGET_UNSPENT, Status.BUDGET_UNSPENT]
    size, tokens = np.meshgrid(np.geomspace(1e8, 1e12, 1500), np.geomspace(1e9, 1e14, 1500))
    loss = np.asarray(LAW.loss(num_params=size, num_tokens=tokens))
    for index in range(3):
        used = bytes_in_use(num_params=size, num_tokens=tokens)
        allowed = (6 * size * tokens <= flops[index]) & (used <= most[index])
        assert plan.loss[index] <= loss[allowed].min() + 1e-7
        assert plan.loss[index] > loss[allowed].min() - 1e-4
    used = bytes_in_use(num_params=plan.num_params, num_tokens=plan.num_tokens)
    assert np.all(used <= most * (1 + 1e-8))


def test_marginal_values_are_what_a_little_more_brings():
    plan = limited(1e24, 1.5e11)
    assert plan.active_bounds["memory"] == 1
    for name, plan_of, place in (
        ("memory", lambda most: limited(1e24, most), 1.5e11),
        ("flops", lambda flops: limited(flops, 1.5e11), 1e24),
    ):
        np.testing.assert_allclose(
            plan.marginal_values[name], by_difference(plan_of, place), rtol=1e-5, atol=1e-8
        )

    def short(most):
        return compute_optimal(LAW, flops=1e22, num_tokens_bounds=(1e3, most))

    np.testing.assert_allclose(
        short(1e10).marginal_values.num_tokens, by_difference(short, 1e10), rtol=1e-5
    )


@pytest.mark.parametrize(
    "plan_of",
    [
        lambda flops: train_fixed(LAW, flops=flops, num_params=1e9, num_inference_tokens=1e12),
        lambda flops: distill(
            DISTILLATION,
            flops=flops,
            num_student_params=1e9,
            scenario=TEACHER_PRETRAINING_AND_INFERENCE,
            num_inference_tokens=1e12,
        ),
    ],
)
def test_compute_is_worth_what_a_little_more_brings_where_serving_is_paid(plan_of):
    plan = plan_of(2e22)
    np.testing.assert_allclose(plan.marginal_values.flops, by_difference(plan_of, 2e22), rtol=1e-5)


def test_a_better_teacher_is_worth_what_a_little_better_brings():
    def plan_of(teacher_loss):
        return distill_with(
            DISTILLATION,
            flops=1e21,
            num_student_params=1e9,
            teacher_loss=teacher_loss,
            num_teacher_params=7e9,
        )

    for loss in (2.1, 1.5):  # helps, and is too good already
        worth = plan_of(loss).marginal_values.teacher_loss
        np.testing.assert_allclose(worth, by_difference(plan_of, loss), rtol=1e-5)
    assert plan_of(2.1).marginal_values.teacher_loss < 0 < plan_of(1.5).marginal_values.teacher_loss


def test_serving_tells_what_more_compute_would_bring():
    targets = 2.2 * np.exp(np.array([-STEP, 0.0, STEP]))
    plan = serve(LAW, num_inference_tokens=1e12, target_loss=targets)
    slope = -(targets[2] - targets[0]) / np.log(plan.flops[2] / plan.flops[0])
    np.testing.assert_allclose(plan.marginal_values.flops[1], slope, rtol=1e-5)


def test_a_limit_holds_inside_a_trace_and_its_price_is_the_derivative():
    loss, slope = jax.value_and_grad(lambda most: limited(1e24, most).loss)(1.5e11)
    plan = limited(1e24, 1.5e11)
    np.testing.assert_allclose(loss, plan.loss, rtol=1e-6)
    np.testing.assert_allclose(-slope * 1.5e11, plan.marginal_values["memory"], rtol=2e-3)


@pytest.mark.slow
def test_a_limit_on_the_teacher_holds():
    plan = distill(
        DISTILLATION,
        flops=1e22,
        num_student_params=1e9,
        scenario=TEACHER_PRETRAINING_AND_INFERENCE,
        limits={"days": Limit(days, np.array([100.0, 1e9]))},
    )
    used = days(
        num_teacher_params=plan.num_teacher_params, num_teacher_tokens=plan.num_teacher_tokens
    )
    assert plan.active_bounds["days"].tolist() == [1, 0]
    np.testing.assert_allclose(used[0], 100.0, rtol=1e-8)
    size, tokens = np.meshgrid(np.geomspace(1e8, 1e11, 2000), np.geomspace(1e9, 1e12, 2000))
    rest = (1e22 - 6 * size * tokens) / (6e9 + 2 * size)
    with np.errstate(invalid="ignore"):
        teacher_loss = np.asarray(
            DISTILLATION.supervised.loss(num_params=size, num_tokens=tokens), dtype=float
        )
    allowed = (rest > 0) & (days(num_teacher_params=size, num_teacher_tokens=tokens) <= 100)
    with jax.enable_x64(True):
        loss = np.asarray(
            DISTILLATION.loss(
                num_student_params=jnp.full(size.shape, 1e9),
                num_student_tokens=np.where(allowed, rest, 1.0),
                teacher_loss=teacher_loss,
            )
        )
    assert plan.loss[0] <= loss[allowed].min() + 1e-7


def test_what_is_no_limit_is_refused():
    with pytest.raises(TypeError, match=r"limits\['memory'\] must be a Limit, got 80"):
        compute_optimal(LAW, flops=1e22, limits={"memory": 80})
    with pytest.raises(ValueError, match="'flops' is the name of an input"):
        compute_optimal(LAW, flops=1e22, limits={"flops": Limit(bytes_in_use, 1e12)})
    with pytest.raises(ValueError, match=r"limits\['memory'\].most must be positive"):
        limited(1e22, -1.0)
