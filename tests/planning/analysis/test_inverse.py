"""The least budget that reaches a loss: closed forms, the questions themselves, and edges."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.planning import (
    TEACHER_INFERENCE,
    TEACHER_PRETRAINING_AND_INFERENCE,
    Status,
    compute_optimal,
    distill,
    distill_with,
    flops_to_reach,
    serve,
    train_fixed,
)


def test_of_a_fixed_size_it_has_a_closed_form():
    law = presets.load("besiroglu2024")
    sizes, targets = np.array([[1e8], [1e9], [1e10]]), np.array([2.2, 2.5, 3.0, 4.0])
    plan = flops_to_reach(train_fixed, law, target_loss=targets, num_params=sizes)
    rest = targets - law.E - law.A / sizes**law.alpha
    expected = 6 * sizes * (law.B / np.where(rest > 0, rest, np.nan)) ** (1 / law.beta)
    assert plan.flops.shape == (3, 4)
    assert np.isnan(expected).sum() == 2
    np.testing.assert_allclose(plan.flops, expected, rtol=1e-10)
    np.testing.assert_array_equal(plan.status == Status.INFEASIBLE, np.isnan(expected))
    assert np.isnan(plan.loss[0, 0])
    assert np.isnan(plan.shares.student[0, 0])


@pytest.mark.parametrize("served", [0.0, 1e12])
def test_of_the_optimal_size_it_is_what_serve_finds(served):
    law = presets.load("busbridge2025_supervised")
    targets = np.linspace(1.85, 3.5, 30)
    plan = flops_to_reach(compute_optimal, law, target_loss=targets, num_inference_tokens=served)
    least = serve(law, target_loss=targets, num_inference_tokens=served)
    np.testing.assert_allclose(plan.flops, least.flops, rtol=1e-9)
    np.testing.assert_allclose(plan.num_params, least.num_params, rtol=1e-6)


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        (distill, {"scenario": TEACHER_INFERENCE}),
        pytest.param(
            distill,
            {"scenario": TEACHER_PRETRAINING_AND_INFERENCE, "num_students": 3},
            marks=pytest.mark.slow,
        ),
        (distill_with, {"teacher_loss": 2.1, "num_teacher_params": 7e9}),
    ],
)
def test_the_question_undoes_it(question, asked):
    law = presets.load("busbridge2025_consistent")
    asked = {**asked, "num_student_params": [[3e8], [3e9]]}
    budgets = np.geomspace(1e18, 1e23, 6)
    forth = question(law, flops=budgets, **asked)
    falls = np.diff(forth.loss, axis=1, append=-np.inf) < -1e-6
    back = flops_to_reach(question, law, target_loss=forth.loss, **asked)
    assert (back.status[falls] <= Status.BUDGET_UNSPENT).all()
    np.testing.assert_allclose(back.loss, forth.loss, rtol=1e-9)
    np.testing.assert_allclose(back.flops[falls], (forth.flops + 0 * budgets)[falls], rtol=1e-6)


def test_a_loss_out_of_reach_and_one_reached_at_once():
    law = presets.load("besiroglu2024")
    plan = flops_to_reach(compute_optimal, law, target_loss=[law.E, 0.1, 1e6])
    assert plan.status.tolist()[:2] == [Status.INFEASIBLE] * 2
    assert np.isnan(plan.flops[:2]).all()
    np.testing.assert_allclose(plan.flops[2], 6e6, rtol=1e-9)  # the least run
    plan = flops_to_reach(compute_optimal, law, target_loss=3.0, flops_bounds=(1e22, 1e24))
    assert plan.flops == pytest.approx(1e22)
    plan = flops_to_reach(compute_optimal, law, target_loss=1.9, flops_bounds=(1e19, 1e20))
    assert plan.status == Status.INFEASIBLE


def test_bad_input_is_named():
    law = presets.load("besiroglu2024")
    with pytest.raises(ValueError, match="target_loss must be positive"):
        flops_to_reach(compute_optimal, law, target_loss=[2.0, -1.0])
    with pytest.raises(TypeError, match="flops_to_reach searches for flops"):
        flops_to_reach(compute_optimal, law, target_loss=2.0, flops=1e20)
    with pytest.raises(ValueError, match="flops_bounds"):
        flops_to_reach(compute_optimal, law, target_loss=2.0, flops_bounds=(1e24, 1e20))
    with pytest.raises(ValueError, match="num_params must be positive"):
        flops_to_reach(train_fixed, law, target_loss=2.0, num_params=0)
    with pytest.raises(TypeError, match="distillation law"):
        flops_to_reach(
            distill, law, target_loss=2.0, num_student_params=1e9, scenario=TEACHER_INFERENCE
        )


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_derivatives_in_a_batch_with_losses_out_of_reach():
    law = presets.load("besiroglu2024")

    def log_flops(target, size):
        return jnp.log(flops_to_reach(train_fixed, law, target_loss=target, num_params=size).flops)

    def total(target, size):
        return jnp.nansum(jax.vmap(log_flops)(target, size))

    targets, sizes = jnp.array([2.2, 2.5, 1.0, -1.0, jnp.nan]), jnp.full(5, 1e9)
    slopes = jax.jit(jax.grad(total, argnums=(0, 1)))(targets, sizes)
    rest = targets[:2] - law.E - law.A / 1e9**law.alpha
    np.testing.assert_allclose(slopes[0][:2], -1 / (law.beta * rest), rtol=1e-7)
    of_size = 1 - law.alpha * law.A / 1e9**law.alpha / (law.beta * rest)
    np.testing.assert_allclose(slopes[1][:2] * 1e9, of_size, rtol=1e-7)
    np.testing.assert_array_equal(slopes[0][2:], 0.0)
    plan = flops_to_reach(train_fixed, law, target_loss=targets[:3], num_params=1e9)
    inside = jax.jit(jax.vmap(log_flops))(targets, sizes)
    np.testing.assert_allclose(inside[:3], np.log(plan.flops), rtol=1e-10)
    assert np.isnan(inside[2:]).all()


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("scenario", [TEACHER_INFERENCE, TEACHER_PRETRAINING_AND_INFERENCE])
def test_derivatives_of_a_distilled_students_budget(scenario):
    law = presets.load("busbridge2025_consistent")
    coefficients, tree = jax.tree.flatten(law)
    point = np.log([*coefficients, 2.3, 1e9])

    def numbers(logs):
        *values, target, size = (jnp.exp(logs[i]) for i in range(len(point)))
        plan = flops_to_reach(
            distill,
            jax.tree.unflatten(tree, values),
            target_loss=target,
            num_student_params=size,
            scenario=scenario,
        )
        return jnp.log(jnp.stack([plan.flops, plan.num_student_tokens, plan.num_teacher_params]))

    forward = jax.jit(jax.jacfwd(numbers))(point)
    step = 1e-4
    for index, along in enumerate(step * np.eye(len(point))):
        near = numbers(point + along) - numbers(point - along)
        far = numbers(point + 2 * along) - numbers(point - 2 * along)
        expected = np.asarray(8 * near - far) / (12 * step)
        error = np.abs(forward[:, index] - expected) / np.maximum(np.abs(expected), 1e-3)
        assert error.max() <= 1e-5, index


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_curvature():
    law = presets.load("besiroglu2024")

    def log_flops(target):
        return jnp.log(flops_to_reach(compute_optimal, law, target_loss=target).flops)

    # The optimal loss falls as a power of the budget.
    power = law.alpha * law.beta / (law.alpha + law.beta)
    slope, bend = jax.jit(lambda t: (jax.grad(log_flops)(t), jax.hessian(log_flops)(t)))(2.1)
    np.testing.assert_allclose(slope, -1 / (power * (2.1 - law.E)), rtol=1e-8)
    np.testing.assert_allclose(bend, 1 / (power * (2.1 - law.E) ** 2), rtol=1e-7)
