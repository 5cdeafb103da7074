"""Training on few distinct tokens, against a dense search, below and beyond where they bind."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.planning import Status, train_on_limited_data

LAW = presets.load("muennighoff2023")


def _worth(total, distinct, most):
    return distinct * (1 + most * -np.expm1(-(total / distinct - 1) / most))


def _loss(num_params, num_tokens, num_unique_tokens):
    """The published law in plain NumPy."""
    distinct = np.minimum(num_tokens, num_unique_tokens)
    most = (LAW.alpha * LAW.A / (LAW.beta * LAW.B)) ** (1 / LAW.alpha)
    most = most * distinct ** (LAW.beta / LAW.alpha)
    size = _worth(num_params, np.minimum(num_params, most), LAW.R_N)
    return (
        LAW.E + LAW.A / size**LAW.alpha + LAW.B / _worth(num_tokens, distinct, LAW.R_D) ** LAW.beta
    )


@pytest.mark.parametrize("served", [0.0, 1e12])
def test_no_run_of_a_dense_search_is_better(served):
    budgets, distinct = np.meshgrid(np.logspace(17, 28, 12), [1e8, 1e11, 1e14])
    plan = train_on_limited_data(
        LAW, flops=budgets, num_unique_tokens=distinct, num_inference_tokens=served
    )
    sizes = np.geomspace(1e3, 1e17, 8001)[:, None, None]
    tokens = (budgets / (2 * sizes) - served) / 3
    within = (tokens >= 1e3) & (tokens <= 1e17)
    losses = np.where(within, _loss(sizes, np.where(within, tokens, 1e3), distinct), np.inf)
    assert (plan.status <= Status.BUDGET_UNSPENT).all()
    assert (plan.loss <= losses.min(axis=0) + 1e-9).all()
    assert (2 * plan.num_params * (3 * plan.num_tokens + served) <= budgets * (1 + 1e-12)).all()
    np.testing.assert_allclose(
        _loss(plan.num_params, plan.num_tokens, distinct), plan.loss, rtol=1e-12
    )


def test_data_bind_from_the_optimal_allocation_of_all_of_them_on():
    distinct = 1e11
    size = (LAW.A / LAW.B) ** (1 / LAW.alpha) * distinct  # alpha and beta are tied
    threshold = 6 * size * distinct
    below, beyond = threshold * 0.9, threshold * np.array([1.1, 10, 1e3])
    plan = train_on_limited_data(LAW, flops=[below, *beyond], num_unique_tokens=distinct)
    np.testing.assert_allclose(plan.num_params[0], size * 0.9**0.5, rtol=1e-7)
    assert plan.num_epochs[0] == 1
    assert plan.num_unique_tokens[0] == plan.num_tokens[0] < distinct
    assert (plan.num_unique_tokens[1:] == distinct).all()
    assert (np.diff(plan.num_epochs) > 0).all()


def test_exhausted_data_leave_budget_unspent():
    plan = train_on_limited_data(LAW, flops=[1e24, 1e28], num_unique_tokens=1e8)
    assert (plan.status == Status.BUDGET_UNSPENT).all()
    np.testing.assert_allclose(plan.flops[0], plan.flops[1], rtol=1e-6)
    np.testing.assert_allclose(plan.loss, _loss(1e15, 1e16, 1e8), rtol=1e-9)


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_derivatives_against_central_differences():
    coefficients, tree = jax.tree.flatten(LAW)

    def numbers(logs):
        *values, flops, distinct = (jnp.exp(logs[i]) for i in range(len(coefficients) + 2))
        plan = train_on_limited_data(
            jax.tree.unflatten(tree, values), flops=flops, num_unique_tokens=distinct
        )
        return jnp.stack([jnp.log(plan.num_params), jnp.log(plan.num_epochs), plan.loss])

    point = np.log([*coefficients, 1e23, 1e11])
    compiled, step = jax.jit(numbers), 1e-4
    forward, reverse = jax.jit(lambda p: (jax.jacfwd(numbers)(p), jax.jacrev(numbers)(p)))(point)
    for index, along in enumerate(step * np.eye(len(point))):
        near = compiled(point + along) - compiled(point - along)
        far = compiled(point + 2 * along) - compiled(point - 2 * along)
        expected = np.asarray(8 * near - far) / (12 * step)
        error = np.abs(forward[:, index] - expected) / np.maximum(np.abs(expected), 1e-3)
        assert error.max() <= 1e-5, index
    np.testing.assert_allclose(forward, reverse, rtol=1e-9, atol=1e-9)


def test_misuse_is_named():
    with pytest.raises(TypeError, match="num_unique_tokens, such as DataConstrained, got Chin"):
        train_on_limited_data(presets.load("besiroglu2024"), flops=1e21, num_unique_tokens=1e9)
    for wrong in (0, -1.0, np.nan):
        with pytest.raises(ValueError, match="num_unique_tokens must be positive and finite"):
            train_on_limited_data(LAW, flops=1e21, num_unique_tokens=wrong)


def test_a_given_size_is_a_size_with_equal_bounds():
    flops, sizes = np.array([1e20, 1e22, 1e25]), np.array([1e9, 5e9, 1e9])
    inputs = {"flops": flops, "num_unique_tokens": 2e10}
    given = train_on_limited_data(LAW, num_params=sizes, **inputs)
    bounded = train_on_limited_data(LAW, num_params_bounds=(sizes, sizes), **inputs)
    np.testing.assert_allclose(given.loss, bounded.loss, rtol=1e-9)
    np.testing.assert_allclose(given.num_tokens[:2], flops[:2] / 6 / sizes[:2])
    np.testing.assert_allclose(given.num_epochs, np.maximum(given.num_tokens / 2e10, 1))
    # With very much compute, more epochs gain nothing and the plan leaves a part of the budget.
    tokens = np.geomspace(1e9, 1e25 / 6e9, 2000)
    losses = _loss(1e9, tokens, 2e10)
    assert given.loss[2] <= losses.min() + 1e-8
