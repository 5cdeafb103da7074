"""Derivatives of plans, by the budget and by every coefficient, against central differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.planning import (
    FREE_TEACHER,
    TEACHER_INFERENCE,
    TEACHER_PRETRAINING,
    TEACHER_PRETRAINING_AND_INFERENCE,
    Scenario,
    compute_optimal,
    distill,
    optimal_teacher_loss,
    train_fixed,
)

pytestmark = pytest.mark.usefixtures("x64")

_STEP = 1e-4


def _numbers(plan):
    """Losses, logs of sizes, and shares, in one vector, NaNs left out."""
    picked = []
    for name in sorted(vars(plan)):
        value = getattr(plan, name)
        if name.startswith("num_"):
            picked.append(jnp.log(value))
        elif "loss" in name:
            picked.append(value)
        elif name == "shares":
            picked += [value[part] for part in sorted(value)]
    return jnp.stack([jnp.where(jnp.isnan(value), 0.0, value) for value in picked])


def check(question, law, *inputs):
    coefficients, tree = jax.tree.flatten(law)
    point = np.log(np.array([*coefficients, *inputs]))

    def numbers(logs):
        values = [jnp.exp(logs[i]) for i in range(len(point))]
        law = jax.tree.unflatten(tree, values[: len(coefficients)])
        return _numbers(question(law, *values[len(coefficients) :]))

    compiled = jax.jit(numbers)
    forward, reverse = jax.jit(lambda p: (jax.jacfwd(numbers)(p), jax.jacrev(numbers)(p)))(point)
    for index in range(len(point)):
        step = np.where(np.arange(len(point)) == index, _STEP, 0.0)
        near = compiled(point + step) - compiled(point - step)
        far = compiled(point + 2 * step) - compiled(point - 2 * step)
        expected = (8 * near - far) / (12 * _STEP)
        error = np.abs(forward[:, index] - expected) / np.maximum(np.abs(expected), 1e-3)
        assert error.max() <= 1e-5, (index, error)
    np.testing.assert_allclose(forward, reverse, rtol=1e-9, atol=1e-9)


def test_compute_optimal():
    check(lambda law, c: compute_optimal(law, flops=c), presets.load("besiroglu2024"), 1e21)


def test_compute_optimal_on_a_bound():
    law = presets.load("busbridge2025_supervised")
    check(
        lambda law, c, most: compute_optimal(law, flops=c, num_params_bounds=(1e3, most)),
        law,
        1e21,
        1e8,
    )


def test_train_fixed():
    law = presets.load("besiroglu2024")
    check(lambda law, c, n: train_fixed(law, num_params=n, flops=c), law, 1e21, 1e9)


def test_optimal_teacher_loss():
    check(
        lambda law, n, d: optimal_teacher_loss(law, num_student_params=n, num_student_tokens=d),
        presets.load("busbridge2025_consistent"),
        1e9,
        1e11,
    )


@pytest.mark.slow
def test_distill_and_its_prices():
    def question(law, flops, num_student_params, logits, pretraining):
        scenario = Scenario(logits=logits, pretraining=pretraining)
        return distill(law, flops=flops, num_student_params=num_student_params, scenario=scenario)

    check(question, presets.load("busbridge2025_consistent"), 1e21, 1e9, 0.5, 0.1)


@pytest.mark.slow
@pytest.mark.parametrize(("flops", "num_student_params"), [(1e20, 3e8), (1e23, 1e10)])
@pytest.mark.parametrize(
    "scenario",
    [
        FREE_TEACHER,
        TEACHER_INFERENCE,
        TEACHER_PRETRAINING,
        TEACHER_PRETRAINING_AND_INFERENCE,
    ],
)
def test_distill(scenario, flops, num_student_params):
    check(
        lambda law, c, n: distill(law, flops=c, num_student_params=n, scenario=scenario),
        presets.load("busbridge2025_consistent"),
        flops,
        num_student_params,
    )


@pytest.mark.slow
def test_curvature_of_a_plan():
    law = presets.load("besiroglu2024")

    def loss(log_budget):
        return compute_optimal(law, flops=jnp.exp(log_budget)).loss

    # Chinchilla's optimal loss falls as a power of the budget.
    power = float(law.alpha * law.beta / (law.alpha + law.beta))
    slope, bend = jax.grad(loss)(48.0), jax.grad(jax.grad(loss))(48.0)
    np.testing.assert_allclose(bend, -power * slope, rtol=1e-8)
    np.testing.assert_allclose(slope, -power * (loss(48.0) - law.E), rtol=1e-8)


def test_an_infeasible_neighbour_leaves_derivatives_whole():
    law = presets.load("besiroglu2024")

    def total(budgets):
        return jnp.nansum(compute_optimal(law, flops=budgets).loss)

    slopes = jax.grad(total)(jnp.array([1.0, 1e21]))
    assert np.isfinite(slopes[1])
    assert slopes[1] < 0
