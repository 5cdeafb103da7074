"""What a smaller model costs at equal loss, against the closed form of Chinchilla's law."""

import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.planning import Status, overtraining_cost

LAW = presets.load("besiroglu2024")


def test_overhead_is_the_closed_form():
    fractions = np.array([0.3, 0.5, 0.75, 1.0, 2.0])
    answer = overtraining_cost(LAW, flops=1e23, size_fraction=fractions)
    # At the optimum A/N^alpha and B/D^beta stand as beta to alpha, whatever the budget.
    left = 1 - (fractions**-LAW.alpha - 1) * LAW.beta / LAW.alpha
    overhead = fractions * left ** (-1 / LAW.beta) - 1
    np.testing.assert_allclose(answer.overhead, overhead, rtol=1e-7, atol=1e-7)
    repaid = overhead[:3] * 1e23 / (2 * answer.optimal.num_params[:3] * (1 - fractions[:3]))
    np.testing.assert_allclose(answer.tokens_to_repay[:3], repaid, rtol=1e-7)
    assert answer.tokens_to_repay[4] == np.inf


def test_too_small_a_model_never_gets_there():
    answer = overtraining_cost(LAW, flops=1e23, size_fraction=0.1)
    assert np.isnan([answer.overhead, answer.tokens_to_repay]).all()
    assert answer.smaller.status == Status.INFEASIBLE


def test_misuse_is_named():
    with pytest.raises(ValueError, match="size_fraction must be positive and finite, got 0"):
        overtraining_cost(LAW, flops=1e23, size_fraction=0)
    with pytest.raises(TypeError, match="law of num_params"):
        overtraining_cost(3.0, flops=1e23, size_fraction=0.5)
