"""Limits on plans for one model: the quantity, the marginal value, the status."""

import jax
import numpy as np
import pytest
from limit_checks import check_limit

from jaxlaws import presets
from jaxlaws.planning import (
    Costs,
    Hardware,
    Limit,
    Status,
    compute_optimal,
    is_solved,
    optimal_shape,
    overtraining_cost,
    serve,
    train_fixed,
    train_on_limited_data,
)

LAW = presets.load("besiroglu2024")
MONEY = Costs.in_dollars(
    training=Hardware(dollars_per_hour=2.5, flops_per_second=1e15, utilisation=0.45)
)


def days(*, num_params, num_tokens, **_):
    return 6 * num_params * num_tokens / 1e20


def memory(*, num_params, num_tokens, **_):
    """Weights, and in this example a cache that grows with the tokens."""
    return 2 * num_params + 0.01 * num_tokens


def test_a_limit_on_a_model_of_given_size_leaves_budget():
    check_limit(
        lambda limits: train_fixed(LAW, num_params=1e9, flops=1e22, limits=limits),
        memory,
        1e10,
        status=Status.BUDGET_UNSPENT,
    )


def test_a_limit_on_repeated_data():
    law = presets.load("muennighoff2023")
    check_limit(
        lambda limits: train_on_limited_data(
            law, flops=1e22, num_unique_tokens=1e11, limits=limits
        ),
        memory,
        1.5e10,
        status=Status.ON_BOUND,
    )


def test_a_limit_on_a_lifetime_budget():
    check_limit(
        lambda limits: serve(LAW, num_inference_tokens=1e12, flops=1e23, limits=limits),
        lambda *, num_params, **_: 2 * num_params,
        1e10,
        status=Status.ON_BOUND,
    )


@pytest.mark.slow
def test_a_limit_on_a_plan_that_reaches_a_loss_costs_compute():
    step = 1e-4
    most = 6e9 * np.exp(np.array([-step, 0.0, step]))

    def size(*, num_params, **_):
        return num_params

    plan = serve(
        LAW, num_inference_tokens=1e12, target_loss=2.1, limits={"memory": Limit(size, most)}
    )
    np.testing.assert_allclose(plan.num_params, most, rtol=1e-8)
    assert (plan.status == Status.ON_BOUND).all()
    # In nats: the loss that the saved compute is worth.
    slope = -np.log(plan.flops[2] / plan.flops[0]) / (2 * step) * plan.marginal_values.flops[1]
    np.testing.assert_allclose(plan.marginal_values.memory[1], slope, rtol=1e-5)


def test_a_limit_on_a_plan_in_money():
    check_limit(
        lambda limits: serve(LAW, num_inference_tokens=1e12, flops=1e5, cost=MONEY, limits=limits),
        lambda *, num_params, **_: 2 * num_params,
        1e10,
        status=Status.ON_BOUND,
    )


@pytest.mark.slow
def test_a_limit_and_bounds_on_the_shape():
    free = optimal_shape(LAW, flops=1e22)
    check_limit(
        lambda limits: optimal_shape(LAW, flops=1e22, limits=limits),
        days,
        20.0,
        status=Status.BUDGET_UNSPENT,
    )
    small = optimal_shape(LAW, flops=1e22, num_params_bounds=(1e3, [1e6, 1e9, 1e14]))
    assert small.status.tolist() == [Status.INFEASIBLE, Status.CONVERGED, Status.CONVERGED]
    assert small.num_params[1] < 1e9 < free.num_params == small.num_params[2]
    assert small.shape[0] == -1
    assert np.isnan([small.loss[0], small.num_layers[0], small.flops[0]]).all()
    few = optimal_shape(LAW, flops=1e22, num_tokens_bounds=(1e3, 1e10))
    assert (few.num_tokens, few.active_bounds.num_tokens) == (1e10, 1)
    assert few.loss > free.loss
    # Every shape that is larger has the same tokens, and a budget that pays for them.
    assert few.num_params > free.num_params


@pytest.mark.slow
def test_draws_choose_a_shape_each():
    draws = jax.tree.map(lambda leaf: leaf[:3], presets.ensemble("busbridge2025_refit").supervised)
    plan = optimal_shape(jax.tree.map(lambda leaf: leaf[:, None], draws), flops=[1e20, 1e22])
    one = optimal_shape(jax.tree.map(lambda leaf: leaf[2], draws), flops=1e22)
    assert plan.loss.shape == (3, 2)
    assert plan.loss[2, 1] == pytest.approx(one.loss, rel=1e-12)


def test_both_models_keep_a_limit():
    step = 1e-4
    most = 1.5e12 * np.exp(np.array([-step, 0.0, step]))

    def tokens(*, num_tokens, **_):
        return num_tokens

    answer = overtraining_cost(
        LAW, flops=1e24, size_fraction=1.5, limits={"data": Limit(tokens, most)}
    )
    np.testing.assert_allclose(answer.optimal.num_tokens, most, rtol=1e-8)
    assert (answer.optimal.status == Status.ON_BOUND).all()
    slope = -(answer.optimal.loss[2] - answer.optimal.loss[0]) / (2 * step)
    np.testing.assert_allclose(answer.optimal.marginal_values.data[1], slope, rtol=1e-5)
    assert (answer.smaller.num_tokens < most).all()
    # A smaller model needs more tokens than there are.
    few = overtraining_cost(
        LAW, flops=1e24, size_fraction=0.5, limits={"data": Limit(tokens, 1.5e12)}
    )
    assert few.smaller.status == Status.INFEASIBLE


_SERVED = {"num_inference_tokens": 1e12, "cost": MONEY}


@pytest.mark.parametrize("wrong", [np.nan, -1.0])
@pytest.mark.parametrize(
    ("question", "inputs", "name"),
    [
        (optimal_shape, {"flops": 1e21}, "num_inference_tokens"),
        (overtraining_cost, {"size_fraction": 0.5}, "flops"),
        (overtraining_cost, {"flops": 1e21}, "size_fraction"),
        (serve, _SERVED, "target_loss"),
        (serve, _SERVED, "flops"),
        (serve, _SERVED | {"flops": 1e6}, "num_inference_tokens"),
    ],
)
def test_an_input_that_is_not_valid_is_an_error(question, inputs, name, wrong):
    with pytest.raises(ValueError, match=f"^{name} must .* finite, got {wrong:g}"):
        question(LAW, **inputs | {name: wrong})


@pytest.mark.parametrize("wrong", [np.nan, -1.0])
@pytest.mark.parametrize(
    ("question", "inputs"),
    [
        (optimal_shape, {"flops": 1e21}),
        (overtraining_cost, {"flops": 1e21, "size_fraction": 0.5}),
        (serve, _SERVED | {"flops": 1e6}),
    ],
)
def test_a_bound_or_limit_that_is_not_valid_is_an_error(question, inputs, wrong):
    with pytest.raises(ValueError, match="num_params_bounds must be positive and finite"):
        question(LAW, **inputs, num_params_bounds=(1e3, wrong))
    with pytest.raises(ValueError, match=r"limits\['days'\].most must be positive and finite"):
        question(LAW, **inputs, limits={"days": Limit(days, wrong)})
    with pytest.raises(TypeError, match=r"limits\['days'\] must be a Limit"):
        question(LAW, **inputs, limits={"days": wrong})


def test_limits_far_below_the_budget_and_parallel_to_it():
    flops, most = np.array([1e20, 1e22, 1e24, 1e27]), 20.0
    plan = compute_optimal(LAW, flops=flops, limits={"days": Limit(days, most)})
    assert plan.status.tolist() == [Status.CONVERGED] + [Status.BUDGET_UNSPENT] * 3
    np.testing.assert_allclose(plan.flops, np.minimum(flops, most * 1e20), rtol=1e-8)
    free = compute_optimal(LAW, flops=plan.flops)
    np.testing.assert_allclose(plan.num_params, free.num_params, rtol=1e-5)


def test_random_limits_are_kept_and_nothing_of_a_dense_search_is_better():
    random = np.random.default_rng(0)
    flops = 10 ** random.uniform(18, 27, 100)
    most = {"memory": 10 ** random.uniform(9, 13, 100), "days": 10 ** random.uniform(-2, 8, 100)}
    quantities = {"memory": memory, "days": days}
    limits = {name: Limit(quantities[name], most[name]) for name in most}
    plan = compute_optimal(LAW, flops=flops, limits=limits)
    assert is_solved(plan.status).all()
    sizes, tokens = np.meshgrid(np.geomspace(1e5, 1e14, 400), np.geomspace(1e5, 1e17, 400))
    losses = LAW.E + LAW.A / sizes**LAW.alpha + LAW.B / tokens**LAW.beta
    for index in range(100):
        allowed = 6 * sizes * tokens <= flops[index]
        for name, quantity in quantities.items():
            allowed &= quantity(num_params=sizes, num_tokens=tokens) <= most[name][index]
            used = quantity(num_params=plan.num_params[index], num_tokens=plan.num_tokens[index])
            assert used <= most[name][index] * (1 + 1e-8)
        assert plan.loss[index] <= losses[allowed].min() + 1e-9
