"""Loss against serving cost, against comparisons pair by pair."""

import numpy as np
import pytest
from in_numpy import student_loss, trained_loss

from jaxlaws import presets
from jaxlaws.planning import FREE_TEACHER, Method, serving_frontier

LAW = presets.load("busbridge2025_consistent")


def test_it_is_what_pairs_of_models_say():
    budgets, sizes = np.array([1e17, 1e21]), np.geomspace(1e7, 1e14, 41)
    answer = serving_frontier(LAW, flops=budgets, num_params=sizes[::-1], scenario=FREE_TEACHER)
    teachers = np.geomspace(1.22, 300, 60_001)[:, None]
    for i, flops in enumerate(budgets):
        tokens = flops / (6 * sizes)
        payable = tokens >= 1e3
        tokens = np.where(payable, tokens, np.nan)
        alone = trained_loss(LAW, sizes, tokens)
        taught = student_loss(LAW, sizes, tokens, teachers).min(axis=0)
        loss = np.minimum(alone, taught)
        np.testing.assert_allclose(answer.loss[i], loss, atol=1e-6)
        sure = np.abs(alone - taught) > 1e-6
        assert sure.sum() > 20
        better = np.where(taught < alone, Method.DISTILLATION, Method.SUPERVISED)
        np.testing.assert_array_equal(answer.method[i][sure], better[sure])
        assert (answer.method[i][~payable] == Method.NONE).all()
        dominated = [
            not np.isfinite(mine) or any(sizes[j] < sizes[k] and loss[j] <= mine for j in range(41))
            for k, mine in enumerate(loss)
        ]
        np.testing.assert_array_equal(answer.efficient[i], ~np.array(dominated))
        assert (np.diff(answer.loss[i][answer.efficient[i]]) < 0).all()
    np.testing.assert_array_equal(answer.inference_flops[0], 2 * answer.num_params[0])


def test_misuse_is_named():
    asked = {"flops": 1e21, "scenario": FREE_TEACHER}
    with pytest.raises(ValueError, match=r"sizes along one axis, got shape \(\)"):
        serving_frontier(LAW, num_params=1e9, **asked)
    with pytest.raises(ValueError, match="num_params must be positive and finite, got -1"):
        serving_frontier(LAW, num_params=[1e9, -1.0], **asked)
    with pytest.raises(TypeError, match="distillation law"):
        serving_frontier(presets.load("besiroglu2024"), num_params=[1e9], **asked)


def test_a_budget_that_pays_for_serving():
    # One token served costs as much as a third of a token of training.
    sizes = np.array([1e8, 1e9, 1e10])
    options = {"num_params": sizes, "scenario": FREE_TEACHER}
    answer = serving_frontier(LAW, flops=1e22, num_inference_tokens=1e12, **options)
    tokens = (1e22 / (2 * sizes) - 1e12) / 3
    np.testing.assert_allclose(answer.supervised.num_tokens[:2], tokens[:2], rtol=1e-9)
    assert answer.method[-1] == Method.NONE  # 2e22 FLOPs of serving
