"""The best shape that can be built, against a loop over all."""

import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.compute import busbridge_shapes, exact_forward_flops, transformer_forward_flops
from jaxlaws.planning import compute_optimal, optimal_shape

LAW = presets.load("busbridge2025_supervised")


def _loss(num_params, num_tokens):
    return LAW.E + (LAW.A / num_params**LAW.alpha + LAW.B / num_tokens**LAW.beta) ** LAW.gamma


@pytest.mark.parametrize("served", [0.0, 1e10])
def test_no_shape_of_the_papers_table_is_better(served):
    budgets, shapes = np.logspace(19, 22, 4), tuple(busbridge_shapes().values())
    plan = optimal_shape(LAW, flops=budgets, num_inference_tokens=served, shapes=shapes)
    for i, flops in enumerate(budgets):
        losses = []
        for shape in shapes:
            tokens = (flops / exact_forward_flops(shape) - served) / 3
            losses.append(_loss(shape.num_params, tokens) if tokens > 1e3 else np.inf)
        best = int(np.argmin(losses))
        assert plan.shape[i] == best
        np.testing.assert_allclose(plan.loss[i], losses[best], rtol=1e-12)
        assert plan.num_layers[i] == shapes[best].num_layers
        assert plan.width[i] == 128 * plan.num_layers[i] == 128 * plan.num_heads[i]
        cost = exact_forward_flops(shapes[best]) * (3 * plan.num_tokens[i] + served)
        np.testing.assert_allclose(cost, flops, rtol=1e-12)


def test_snapping_costs_little_and_never_gains():
    budgets = np.logspace(18, 26, 33)
    plan = optimal_shape(LAW, flops=budgets)
    free = compute_optimal(LAW, flops=budgets, forward_flops=transformer_forward_flops)
    np.testing.assert_allclose(plan.excess_loss, plan.loss - free.loss, rtol=1e-9)
    assert (plan.excess_loss > 0).all()
    assert plan.excess_loss[budgets > 1e19].max() < 2e-3


def test_a_budget_too_small_for_any_shape_builds_none():
    plan = optimal_shape(LAW, flops=[1e10, 1e20])
    assert plan.shape[0] == -1
    assert np.isnan([plan.loss[0], plan.num_params[0], plan.num_layers[0]]).all()
    assert np.isfinite(plan.loss[1])


def test_misuse_is_named():
    with pytest.raises(ValueError, match="flops must be positive and finite, got nan"):
        optimal_shape(LAW, flops=np.nan)
    with pytest.raises(ValueError, match="shapes is empty"):
        optimal_shape(LAW, flops=1e21, shapes=())
    with pytest.raises(TypeError, match="law of num_params"):
        optimal_shape(2.0, flops=1e21)
