"""Students of several sizes that share a teacher, against SciPy and against students alike."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from in_numpy import student_loss, trained_loss
from scipy.optimize import minimize

from jaxlaws import presets
from jaxlaws.planning import (
    FREE_TEACHER,
    TEACHER_INFERENCE,
    TEACHER_PRETRAINING,
    TEACHER_PRETRAINING_AND_INFERENCE,
    Mixture,
    Scenario,
    Status,
    distill,
    distill_family,
)

LAW = presets.load("busbridge2025_consistent")
SIZES = np.array([3e8, 1e9, 4e9])


SERVED = np.array([1e12, 1e10, 0.0])  # of 1e20 FLOPs, too much; of more, not


def _best_by_scipy(flops, scenario, weights, served):
    """The least weighted mean over the teacher and all tokens at once, and the tokens."""

    def losses(x):
        size, tokens = np.exp(x[:2])
        loss = trained_loss(LAW, size, tokens)
        return student_loss(LAW, SIZES, np.exp(x[2:]), loss)

    def left(x):
        cost = (6 * SIZES + scenario.logits * 2 * np.exp(x[0])) @ np.exp(x[2:])
        cost += 2 * SIZES @ served
        return 1 - (cost + scenario.pretraining * 6 * np.exp(x[0] + x[1])) / flops

    best = None
    for size in (3e8, 1e9, 4e9):
        found = minimize(
            lambda x: losses(x) @ weights / sum(weights),
            np.log([size, 20 * size, *(flops / 24 / SIZES)]),
            method="SLSQP",
            constraints={"type": "ineq", "fun": left},
            options={"ftol": 1e-14, "maxiter": 1000},
        )
        if abs(left(found.x)) < 1e-9 and (best is None or found.fun < best.fun):
            best = found
    return best.fun, np.exp(best.x[2:])


def test_no_split_that_scipy_finds_is_better():
    weights = np.array([1.0, 2.0, 1.0])
    budgets = np.array([1e20, 1e22, 1e24])
    for scenario, demand in (
        (TEACHER_PRETRAINING, np.zeros(3)),
        (TEACHER_PRETRAINING_AND_INFERENCE, np.zeros(3)),
        (TEACHER_PRETRAINING_AND_INFERENCE, SERVED),
    ):
        plan = distill_family(
            LAW,
            flops=budgets,
            num_student_params=SIZES,
            scenario=scenario,
            weights=weights,
            num_inference_tokens=demand,
        )
        if demand.any():
            assert plan.status[0] == Status.INFEASIBLE
            plan = jax.tree.map(lambda leaf: leaf[1:], plan)
        paid = budgets[-len(plan.loss) :]
        assert (plan.status == Status.CONVERGED).all()
        for i, flops in enumerate(paid):
            loss, tokens = _best_by_scipy(flops, scenario, weights, demand)
            assert loss - 1e-7 < plan.loss[i] <= loss + 1e-9
            np.testing.assert_allclose(plan.num_student_tokens[i], tokens, rtol=2e-2)
        cost = 6 * plan.num_student_params + scenario.logits * 2 * plan.num_teacher_params[:, None]
        cost = (cost * plan.num_student_tokens).sum(axis=-1)
        cost += 6 * plan.num_teacher_params * plan.num_teacher_tokens
        serving = 2 * SIZES @ demand
        np.testing.assert_allclose(cost + serving, paid, rtol=1e-12)
        np.testing.assert_allclose(plan.shares.serving, serving / paid, rtol=1e-9)
        np.testing.assert_allclose(
            student_loss(LAW, SIZES, plan.num_student_tokens, plan.teacher_loss[:, None]),
            plan.student_losses,
            rtol=1e-12,
        )


@pytest.mark.slow
def test_marginal_values_are_what_a_little_more_brings():
    inputs = {
        "num_student_params": SIZES,
        "scenario": TEACHER_PRETRAINING,
        "num_inference_tokens": [1e11, 1e10, 0.0],
    }
    # One student is on its upper bound, and the largest teacher allowed is too small.
    given = {"flops": 1.2e22, "tokens": 5e11, "teacher": 1e9}
    # All are, and the teacher takes the rest.
    rest = {"flops": 3e23, "tokens": 1e12, "teacher": 1e9}

    def plan_of(flops, tokens, teacher):
        return distill_family(
            LAW,
            flops=flops,
            num_student_tokens_bounds=(1e3, tokens),
            num_teacher_params_bounds=(1e3, teacher),
            **inputs,
        )

    for given_inputs, sides in ((given, [1, 0, 0]), (rest, [1, 1, 1])):
        plan = plan_of(**given_inputs)
        assert plan.status == Status.ON_BOUND
        assert plan.active_bounds.num_student_tokens.tolist() == sides
        assert plan.active_bounds.num_teacher_params == 1
        np.testing.assert_allclose(plan.flops, given_inputs["flops"], rtol=1e-9)
        reported = plan.marginal_values
        values = {
            "flops": reported.flops,
            "tokens": reported.num_student_tokens.sum(),
            "teacher": reported.num_teacher_params,
        }
        for name, value in values.items():
            up, down = (
                plan_of(**{**given_inputs, name: given_inputs[name] * np.exp(step)}).loss
                for step in (1e-3, -1e-3)
            )
            np.testing.assert_allclose(value, (down - up) / 2e-3, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    "scenario",
    [FREE_TEACHER, TEACHER_INFERENCE, TEACHER_PRETRAINING, Scenario(logits=0.3, pretraining=0.01)],
)
def test_students_alike_are_the_plan_of_several_students(scenario):
    budgets = np.logspace(16, 31, 31)
    common = {"scenario": scenario, "num_inference_tokens": 1e5}
    common["num_student_tokens_bounds"] = (1e4, 1e16)
    family = distill_family(LAW, flops=budgets, num_student_params=np.full(3, 1e9), **common)
    alike = distill(LAW, flops=budgets, num_student_params=1e9, num_students=3, **common)
    np.testing.assert_array_equal(family.status, alike.status)
    assert (family.status <= Status.BUDGET_UNSPENT).all()
    for name in ("flops", "num_student_tokens"):
        mine = family.marginal_values[name]
        mine = mine if name == "flops" else mine.sum(axis=-1)
        np.testing.assert_allclose(mine, alike.marginal_values[name], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(family.loss, alike.loss, rtol=1e-12)
    np.testing.assert_allclose(
        family.num_student_tokens, np.repeat(alike.num_student_tokens[:, None], 3, -1), rtol=1e-8
    )


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_derivatives_against_central_differences():
    coefficients, tree = jax.tree.flatten(LAW)

    def numbers(logs):
        values = [jnp.exp(logs[i]) for i in range(len(point))]
        *values, flops, small, large, weight, share = values
        plan = distill_family(
            jax.tree.unflatten(tree, values),
            flops=flops,
            num_student_params=jnp.stack([small, large]),
            weights=jnp.stack([weight, jnp.ones_like(weight)]),
            scenario=Scenario(logits=share, pretraining=share),
        )
        sizes = [plan.num_teacher_params, plan.num_teacher_tokens, *plan.num_student_tokens]
        return jnp.stack([*map(jnp.log, sizes), plan.loss, plan.shares.teacher])

    point = np.log([*coefficients, 1e22, 5e8, 3e9, 2.0, 0.5])
    compiled, step = jax.jit(numbers), 1e-4
    forward, reverse = jax.jit(lambda p: (jax.jacfwd(numbers)(p), jax.jacrev(numbers)(p)))(point)
    for index, along in enumerate(step * np.eye(len(point))):
        near = compiled(point + along) - compiled(point - along)
        far = compiled(point + 2 * along) - compiled(point - 2 * along)
        expected = np.asarray(8 * near - far) / (12 * step)
        error = np.abs(forward[:, index] - expected) / np.maximum(np.abs(expected), 1e-3)
        assert error.max() <= 1e-5, (index, error)
    np.testing.assert_allclose(forward, reverse, rtol=1e-8, atol=1e-8)


def test_lists_of_traced_numbers_are_arrays():
    def plan(size):
        return distill_family(
            LAW,
            flops=1e22,
            num_student_params=[size, 2 * size],
            weights=[1.0, size],
            num_inference_tokens=[0.0, size],
            num_student_tokens_bounds=(1e3, [100 * size, 1e13]),
            scenario=FREE_TEACHER,
        )

    assert jax.eval_shape(plan, 1e9).num_student_tokens.shape == (2,)


def test_misuse_is_named():
    inputs = {"flops": 1e21, "scenario": TEACHER_PRETRAINING}
    with pytest.raises(ValueError, match="needs an axis, the last, along which students differ"):
        distill_family(LAW, num_student_params=1e9, **inputs)
    with pytest.raises(ValueError, match="num_student_params must be positive and finite, got -1"):
        distill_family(LAW, num_student_params=[1e9, -1], **inputs)
    with pytest.raises(ValueError, match="weights must be positive and finite, got 0"):
        distill_family(LAW, num_student_params=[1e9, 2e9], weights=[1, 0], **inputs)
    two = {"num_student_tokens_bounds": (1e3, [1e11, 1e12]), "num_student_params": [1e9, 2e9]}
    with pytest.raises(ValueError, match="2 budgets and 2 students may mean either"):
        distill_family(LAW, **two, **inputs | {"flops": [1e21, 1e22]})
    mixture = Mixture(laws=presets.ensemble("busbridge2025_refit"))
    with pytest.raises(TypeError, match="takes single laws"):
        distill_family(mixture, num_student_params=[1e9], **inputs)
    with pytest.raises(TypeError, match="distillation law"):
        distill_family(presets.load("besiroglu2024"), num_student_params=[1e9], **inputs)
