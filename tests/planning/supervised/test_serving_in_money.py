"""Serving in money, against a dense scan."""

import numpy as np

from jaxlaws import presets
from jaxlaws.planning import Costs, Hardware, serve

LAW = presets.load("besiroglu2024")
TRAINING = Hardware(dollars_per_hour=2.5, flops_per_second=1e15, utilisation=0.45)
SERVING = Hardware(dollars_per_hour=1.2, flops_per_second=4e14, utilisation=0.1)
COST = Costs.in_dollars(training=TRAINING, serving=SERVING)


def test_no_model_of_a_dense_scan_is_cheaper():
    served, target = np.array([0.0, 1e12, 1e14]), 2.05
    plan = serve(LAW, num_inference_tokens=served, target_loss=target, cost=COST)
    sizes = np.geomspace(1e9, 1e13, 40_001)[:, None]
    rest = target - LAW.E - LAW.A / sizes**LAW.alpha
    tokens = np.where(rest > 0, LAW.B / np.where(rest > 0, rest, 1.0), np.inf) ** (1 / LAW.beta)
    training = 6 * sizes * tokens / (1e15 * 0.45) / 3600 * 2.5
    serving = 2 * sizes * served / (4e14 * 0.1) / 3600 * 1.2
    cheapest = np.argmin(training + serving, axis=0)
    least = (training + serving)[cheapest, np.arange(3)]
    assert (plan.flops <= least * (1 + 1e-9)).all()
    np.testing.assert_allclose(plan.flops, least, rtol=1e-6)
    np.testing.assert_allclose(plan.flops * plan.shares.student, training[cheapest, 0], rtol=1e-3)
    np.testing.assert_allclose(plan.shares.student + plan.shares.serving, 1, rtol=1e-12)


def test_a_budget_in_dollars_buys_the_loss_that_costs_it():
    inputs = {"num_inference_tokens": 1e12, "cost": COST}
    cheapest = serve(LAW, target_loss=2.05, **inputs)
    bought = serve(LAW, flops=cheapest.flops, **inputs)
    np.testing.assert_allclose(bought.loss, 2.05, rtol=1e-9)
    np.testing.assert_allclose(bought.flops, cheapest.flops, rtol=1e-9)
