"""The noise of runs as a power of their cost."""

import numpy as np
import pytest

from fitting.design.noise_by_cost import Noise


def test_noise_by_cost():
    random, costs = np.random.default_rng(0), np.geomspace(1e15, 1e20, 4000)
    residuals = 0.01 * (costs / 1e17) ** -0.2 * random.normal(size=len(costs))
    found = Noise.of(residuals, costs, 0, varies=True)
    assert float(found.slope) == pytest.approx(-0.2, abs=0.01)
    assert float(found.at(1e17)) == pytest.approx(0.01, rel=0.05)
