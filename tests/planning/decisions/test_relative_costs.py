"""Compute and data ratios against supervised training."""

import numpy as np
import pytest
from in_numpy import student_loss, trained_loss

from jaxlaws import presets
from jaxlaws.planning import (
    TEACHER_INFERENCE,
    TEACHER_PRETRAINING,
    Status,
    relative_cost,
)

LAW = presets.load("busbridge2025_consistent")


def test_the_papers_examples():
    """App. D.5: about 3/4 of the compute and 2/3 of the tokens; about half of both."""
    ratios = relative_cost(
        LAW, target_loss=[2.4, 2.2], num_student_params=[5e8, 1e10], scenario=TEACHER_INFERENCE
    )
    # The values that the published coefficients give, computed elsewhere.
    np.testing.assert_allclose(ratios.compute, [0.81, 0.54], atol=5e-3)
    np.testing.assert_allclose(ratios.tokens, [0.62, 0.47], atol=5e-3)
    plan, sizes = ratios.distilled, np.array([5e8, 1e10])
    reached = student_loss(LAW, sizes, plan.num_student_tokens, plan.teacher_loss)
    np.testing.assert_allclose(reached, [2.4, 2.2], rtol=1e-9)
    alone = trained_loss(LAW, sizes, ratios.supervised.num_tokens)
    np.testing.assert_allclose(alone, [2.4, 2.2], rtol=1e-9)


@pytest.mark.slow
def test_the_teachers_tokens_count_as_charged():
    ratios = relative_cost(
        LAW, target_loss=2.4, num_student_params=5e8, scenario=TEACHER_PRETRAINING
    )
    plan = ratios.distilled
    tokens = plan.num_student_tokens + plan.num_teacher_tokens
    np.testing.assert_allclose(ratios.tokens, tokens / ratios.supervised.num_tokens, rtol=1e-12)
    cost = 6 * 5e8 * plan.num_student_tokens + 6 * plan.num_teacher_params * plan.num_teacher_tokens
    expected = cost / (6 * 5e8 * ratios.supervised.num_tokens)
    np.testing.assert_allclose(ratios.compute, expected, rtol=1e-9)
    assert ratios.compute > 1


def test_a_loss_out_of_reach_has_no_ratio():
    ratios = relative_cost(LAW, target_loss=1.3, num_student_params=5e8, scenario=TEACHER_INFERENCE)
    assert np.isnan([ratios.compute, ratios.tokens]).all()
    assert ratios.supervised.status == Status.INFEASIBLE


def test_misuse_is_named():
    asked = {"target_loss": 2.4, "num_student_params": 5e8}
    with pytest.raises(TypeError, match="scenario must be a Scenario"):
        relative_cost(LAW, scenario="full", **asked)
    with pytest.raises(TypeError, match="distillation law"):
        relative_cost(presets.load("besiroglu2024"), scenario=TEACHER_INFERENCE, **asked)
    with pytest.raises(ValueError, match="num_student_params must be positive"):
        relative_cost(LAW, target_loss=2.4, num_student_params=0.0, scenario=TEACHER_INFERENCE)


def test_both_models_serve():
    asked = {"target_loss": 2.4, "num_student_params": 5e8, "scenario": TEACHER_INFERENCE}
    plain = relative_cost(LAW, **asked)
    served = relative_cost(LAW, num_inference_tokens=1e12, **asked)
    serving = 2 * 5e8 * 1e12
    expected = (plain.distilled.flops + serving) / (plain.supervised.flops + serving)
    np.testing.assert_allclose(served.compute, expected, rtol=1e-9)
    np.testing.assert_allclose(served.tokens, plain.tokens, rtol=1e-8)
