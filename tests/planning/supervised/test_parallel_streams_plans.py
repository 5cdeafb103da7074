"""The cheapest size and streams, against the closed form, and where limits and bounds act."""

import jax
import numpy as np
import pytest
from scipy.special import lambertw

from jaxlaws import presets
from jaxlaws.planning import Limit, Status, over_draws, serve_in_streams

LAW = presets.load("chen2025_stack")
SERVED, FLOP = 1e9, 1e-18


def best_streams(price, k=LAW.k):
    """The root of `k (r + P) = P (1 + k log P)`, with r the price of a parameter over its FLOPs.

    With `c = (1 - k) / k` it is `P (log P + c) = r`, so that `log P + c = W(r exp(c))`.
    """
    ratio, shift = price / (2 * FLOP * SERVED), (1 - k) / k
    return np.exp(lambertw(ratio * np.exp(shift)).real - shift)


def plan_for(price, target=1.02, law=LAW, **options):
    return serve_in_streams(
        law,
        target_loss=target,
        num_inference_tokens=SERVED,
        price_of_param=price,
        price_of_flop=FLOP,
        **options,
    )


def size_for(target, streams):
    excess = target - LAW.E
    return LAW.A / excess ** (1 / LAW.alpha) / (1 + LAW.k * np.log(streams))


def test_the_closed_form():
    price, target = np.geomspace(1e-10, 1e-4, 13), np.array([0.9, 1.0, 1.3])[:, None]
    streams = np.clip(best_streams(price), 1, 1e3)
    plan = plan_for(price, target)
    assert (plan.status <= Status.ON_BOUND).all()
    np.testing.assert_allclose(plan.num_streams, np.broadcast_to(streams, (3, 13)), rtol=1e-6)
    np.testing.assert_allclose(plan.num_params, size_for(target, streams), rtol=1e-6)
    np.testing.assert_allclose(plan.loss, np.broadcast_to(target, (3, 13)), rtol=1e-9)
    cost = plan.num_params * (price + 2 * FLOP * SERVED * plan.num_streams)
    np.testing.assert_allclose(plan.cost, cost, rtol=1e-12)
    np.testing.assert_allclose(plan.shares.params, plan.num_params * price / cost, rtol=1e-12)
    on_lower = plan.active_bounds["num_streams"] == -1
    assert (on_lower == (best_streams(price) < 1)).all()


def test_one_per_cent_more_cost_is_worth_its_marginal_value():
    price = 1e-6
    plan, step = plan_for(price), 1e-4
    cheaper, dearer = (plan_for(price, plan.loss + s * step).cost for s in (1, -1))
    slope = -2 * step / (np.log(cheaper) - np.log(dearer))
    assert plan.marginal_values.cost == pytest.approx(slope, rel=1e-5)


def memory(*, num_params, **_):
    return 2 * num_params


def test_a_limit_on_memory_buys_streams():
    free = plan_for(1e-8)
    plan = plan_for(1e-8, limits={"memory": Limit(memory, free.num_params)})
    assert plan.status == Status.ON_BOUND
    assert plan.active_bounds.memory == 1
    assert plan.num_params == pytest.approx(free.num_params / 2, rel=1e-9)
    assert size_for(1.02, plan.num_streams) == pytest.approx(plan.num_params, rel=1e-8)
    assert plan.marginal_values.memory > 0


def test_a_loss_below_the_irreducible_loss_has_no_plan():
    plan = plan_for(1e-8, [LAW.E / 2, 0.7])
    assert (plan.status == Status.INFEASIBLE).all()
    assert np.isnan(plan.num_params).all()


def test_every_draw_has_its_own_plan():
    draws = jax.tree.map(lambda leaf: leaf * np.array([0.99, 1.0, 1.01]), LAW)
    inputs = {
        "target_loss": 1.02, "num_inference_tokens": SERVED,
        "price_of_param": 1e-6, "price_of_flop": FLOP,
    }  # fmt: skip
    plans = over_draws(serve_in_streams, draws, inputs)
    np.testing.assert_allclose(plans.num_streams, best_streams(1e-6, draws.k), rtol=1e-6)


def test_misuse_is_named():
    with pytest.raises(TypeError, match="num_params and num_streams, such as ParallelStreams"):
        plan_for(1e-8, law=presets.load("besiroglu2024"))
    with pytest.raises(ValueError, match="price_of_param must be positive"):
        plan_for(0.0)
    for name, message in (("num_streams", "name of an input"), ("cost", "value 'cost' of its own")):
        with pytest.raises(ValueError, match=message):
            plan_for(1e-8, limits={name: Limit(memory, 1e12)})
