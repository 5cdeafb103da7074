"""Serving in money, against a dense scan."""

import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.planning import Hardware, serve_for_money

LAW = presets.load("besiroglu2024")
TRAINING = Hardware(dollars_per_hour=2.5, flops_per_second=1e15, utilisation=0.45)
SERVING = Hardware(dollars_per_hour=1.2, flops_per_second=4e14, utilisation=0.1)


def test_no_model_of_a_dense_scan_is_cheaper():
    served, target = np.array([0.0, 1e12, 1e14]), 2.05
    answer = serve_for_money(
        LAW,
        num_inference_tokens=served,
        target_loss=target,
        training=TRAINING,
        serving=SERVING,
    )
    sizes = np.geomspace(1e9, 1e13, 40_001)[:, None]
    rest = target - LAW.E - LAW.A / sizes**LAW.alpha
    tokens = np.where(rest > 0, LAW.B / np.where(rest > 0, rest, 1.0), np.inf) ** (1 / LAW.beta)
    training = 6 * sizes * tokens / (1e15 * 0.45) / 3600 * 2.5
    serving = 2 * sizes * served / (4e14 * 0.1) / 3600 * 1.2
    cheapest = np.argmin(training + serving, axis=0)
    least = (training + serving)[cheapest, np.arange(3)]
    assert (answer.dollars <= least * (1 + 1e-9)).all()
    np.testing.assert_allclose(answer.dollars, least, rtol=1e-6)
    np.testing.assert_allclose(answer.training_dollars, training[cheapest, 0], rtol=1e-3)
    np.testing.assert_allclose(answer.training_dollars + answer.serving_dollars, answer.dollars)


def test_a_budget_in_dollars_buys_the_loss_that_costs_it():
    inputs = {"num_inference_tokens": 1e12, "training": TRAINING, "serving": SERVING}
    cheapest = serve_for_money(LAW, target_loss=2.05, **inputs)
    bought = serve_for_money(LAW, dollars=cheapest.dollars, **inputs)
    np.testing.assert_allclose(bought.plan.loss, 2.05, rtol=1e-9)
    np.testing.assert_allclose(bought.dollars, cheapest.dollars, rtol=1e-9)


def test_misuse_is_named():
    inputs = {"num_inference_tokens": 1e12, "training": TRAINING, "serving": SERVING}
    with pytest.raises(ValueError, match="got neither"):
        serve_for_money(LAW, **inputs)
    with pytest.raises(ValueError, match="got both"):
        serve_for_money(LAW, dollars=1e6, target_loss=2.0, **inputs)
    lavish = Hardware(dollars_per_hour=2, flops_per_second=1e15, utilisation=40)
    with pytest.raises(ValueError, match=r"training\.utilisation must be at most 1, got 40"):
        serve_for_money(LAW, target_loss=2.0, **inputs | {"training": lavish})
    free = Hardware(dollars_per_hour=0, flops_per_second=1e15, utilisation=0.4)
    with pytest.raises(ValueError, match=r"serving\.dollars_per_hour must be positive"):
        serve_for_money(LAW, target_loss=2.0, **inputs | {"serving": free})
    with pytest.raises(TypeError, match="training must be a Hardware, got 2"):
        serve_for_money(LAW, target_loss=2.0, **inputs | {"training": 2.0})
