"""The budget for which a size or a number of tokens is compute-optimal, against closed forms."""

import jax
import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.planning import Status, compute_optimal, optimal_budget
from tests.planning.cost_search import routed

LAW = presets.load("besiroglu2024")


def tokens_of(size):
    """The optimum of a Chinchilla law with 6 N D: alpha A / N**alpha = beta B / D**beta."""
    pull = LAW.alpha * LAW.A * size**-LAW.alpha
    return (LAW.beta * LAW.B / pull) ** (1 / LAW.beta)


def test_the_tokens_of_a_size_are_those_of_the_closed_form():
    sizes = np.array([124e6, 1e9, 7e10])
    plan = optimal_budget(LAW, num_params=sizes)
    np.testing.assert_allclose(plan.num_params, sizes, rtol=1e-8)
    np.testing.assert_allclose(plan.num_tokens, tokens_of(sizes), rtol=1e-7)
    np.testing.assert_allclose(plan.flops, 6 * sizes * tokens_of(sizes), rtol=1e-7)


def test_the_size_of_tokens_is_the_inverse():
    plan = optimal_budget(LAW, num_tokens=tokens_of(1e9))
    np.testing.assert_allclose(plan.num_params, 1e9, rtol=1e-7)


def test_it_is_the_inverse_of_compute_optimal_with_serving():
    planned = compute_optimal(LAW, flops=1e22, num_inference_tokens=1e12)
    found = optimal_budget(LAW, num_params=planned.num_params, num_inference_tokens=1e12)
    np.testing.assert_allclose(found.flops, 1e22, rtol=1e-7)


def test_the_derivative_is_that_of_the_closed_form():
    with jax.enable_x64(True):
        slope = jax.grad(lambda size: optimal_budget(LAW, num_params=size).flops)(1e9)
    step = 1e4
    expected = 6 * ((1e9 + step) * tokens_of(1e9 + step) - (1e9 - step) * tokens_of(1e9 - step))
    np.testing.assert_allclose(slope, expected / (2 * step), rtol=1e-5)


def test_a_size_beyond_the_bounds_is_optimal_for_no_budget():
    plan = optimal_budget(LAW, num_params=[1e9, 1e11], num_params_bounds=(1e6, 1e10))
    assert plan.status.tolist() == [Status.CONVERGED, Status.INFEASIBLE]
    assert np.isnan(plan.num_tokens[1])


@pytest.mark.parametrize("given", [{}, {"num_params": 1e9, "num_tokens": 1e10}])
def test_one_of_size_and_tokens_is_given(given):
    with pytest.raises(ValueError, match="either num_params or num_tokens"):
        optimal_budget(LAW, **given)


def test_it_chooses_further_inputs_as_compute_optimal_does():
    options = {"forward_flops": routed, "input_bounds": {"granularity": (1, 64)}}
    law = presets.load("krajewski2024")
    planned = compute_optimal(law, flops=1e21, **options)
    found = optimal_budget(law, num_params=planned.num_params, **options)
    np.testing.assert_allclose(found.flops, 1e21, rtol=1e-6)
    chosen = planned.further_inputs.granularity
    np.testing.assert_allclose(found.further_inputs.granularity, chosen, rtol=1e-5)
