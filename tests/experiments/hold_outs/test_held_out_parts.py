"""The hold-outs, and the measures of their errors."""

import numpy as np
import pytest

from experiments.hold_outs.__main__ import measures
from experiments.hold_outs.limit_form import PRODUCT
from experiments.hold_outs.parts import published
from jaxlaws import presets
from jaxlaws.laws.distillation_limit import DistillationLimit


def test_measures_are_of_absolute_errors_and_the_mean_error():
    assert measures(np.array([-4.0, 1.0, 1.0, -1.0])) == ["1.75", "1.00", "3.10", "4.00", "-0.75"]


def test_the_published_points_have_the_hold_outs_of_the_paper(real_runs):
    low, best = published(str(real_runs / "busbridge_figure1_points.csv"))
    assert low.title == "losses up to 2.3 (26)"
    assert low.runs.loss[~low.unseen].min() > 2.3
    assert best.runs.inputs["teacher_loss"][best.unseen].max() <= 2
    assert float(best.supervised.E) == pytest.approx(1.220)


def test_a_product_of_powers_is_the_limit_of_a_power_of_a_sum(x64):
    supervised = presets.load("busbridge2025_supervised")
    shared = {"supervised": supervised, "c0": 1.5, "kappa": 2.0, "f1": 0.15}
    a, b, scale, gamma = 0.3, 0.1, 80.0, 1e7
    exponents = {"alpha": 2 * a / gamma, "beta": 2 * b / gamma, "gamma": gamma}
    limit = DistillationLimit(A=0.5 * scale ** (1 / gamma), B=0.5, **exponents, **shared)
    # each term counts half, so the product has the root of the scale
    product = PRODUCT(A=scale**0.5, alpha=a, B=1.0, beta=b, gamma=1.0, **shared)
    inputs = {
        "num_student_params": np.array([2e8, 5e9]),
        "num_student_tokens": np.array([5e9, 2e11]),
    }
    losses = [law.loss(**inputs, teacher_loss=np.array([2.3, 2.0])) for law in (limit, product)]
    # The limit has a finite gamma of 1e7, so the two differ by about its inverse.
    np.testing.assert_allclose(*losses, rtol=1e-6)
    assert np.all(losses[1] > np.array([2.3, 2.0]))
