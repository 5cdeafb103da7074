"""Learning rate and batch size: the formula anew, the published optimum, and recovery."""

import numpy as np
import pytest

from fitting import Runs, fit
from jaxlaws import presets
from jaxlaws.laws.further_inputs.learning_rate_and_batch import LearningRateAndBatch

pytestmark = pytest.mark.usefixtures("x64")

LAW = LearningRateAndBatch(
    E=1.8, A=400.0, alpha=0.33, B=900.0, beta=0.3,
    rate=1.79, rate_params=-0.713, rate_tokens=0.307, batch=0.58, batch_tokens=0.571,
    u=0.02, v=0.01, s=0.4,
)  # fmt: skip


def test_the_formula_anew():
    random = np.random.default_rng(0)
    size, tokens = 10 ** random.uniform(7, 11, 20), 10 ** random.uniform(9, 13, 20)
    rate, batch = 10 ** random.uniform(-5, -2, 20), 10 ** random.uniform(4, 7, 20)
    x = np.log(rate) - np.log(1.79) + 0.713 * np.log(size) - 0.307 * np.log(tokens)
    y = np.log(batch) - np.log(0.58) - 0.571 * np.log(tokens)
    expected = 1.8 + 400 / size**0.33 + 900 / tokens**0.3
    expected += 0.02 * (x - 0.4 * y) ** 2 + 0.01 * y**2
    predicted = LAW.loss(num_params=size, num_tokens=tokens, learning_rate=rate, batch_size=batch)
    np.testing.assert_allclose(predicted, expected, rtol=1e-12)


def test_at_the_published_optimum_nothing_is_lost():
    size = {"num_params": 1e9, "num_tokens": 1e11}
    best = {"learning_rate": 1.79 * 1e9**-0.713 * 1e11**0.307, "batch_size": 0.58 * 1e11**0.571}
    assert float(LAW.loss(**size, **best)) == pytest.approx(
        float(LAW.at_optimum().loss(**size)), rel=1e-13
    )
    step_law = presets.load("li2025_step_law")
    assert float(step_law.loss(**size, **best)) == pytest.approx(0.0, abs=1e-24)
    best["learning_rate"] *= np.exp(2.0)
    assert float(step_law.loss(**size, **best)) == pytest.approx(4.0, rel=1e-12)


def table_of_runs(num_runs, noise):
    random = np.random.default_rng(1)
    size, tokens = 10 ** random.uniform(7.8, 9, num_runs), 10 ** random.uniform(9.5, 11, num_runs)
    inputs = {
        "num_params": size,
        "num_tokens": tokens,
        "learning_rate": 10 ** random.uniform(-3.5, -2, num_runs),
        "batch_size": 10 ** random.uniform(4.5, 6.5, num_runs),
    }
    loss = np.exp(noise * random.normal(size=num_runs)) * np.asarray(LAW.loss(**inputs))
    return inputs | {"loss": loss}


@pytest.mark.slow
def test_a_fit_recovers_the_optimum():
    runs = Runs.read(table_of_runs(200, 1e-3), law_type=LearningRateAndBatch)
    result = fit(LearningRateAndBatch, runs, num_starts=64)
    for name in ("rate_params", "rate_tokens", "batch_tokens", "s"):
        assert getattr(result.law, name) == pytest.approx(getattr(LAW, name), abs=0.06), name
    size, tokens = 1e10, 1e12
    best = {
        "learning_rate": 1.79 * size**-0.713 * tokens**0.307,
        "batch_size": 0.58 * tokens**0.571,
    }
    predicted = result.law.loss(num_params=size, num_tokens=tokens, **best)
    expected = LAW.loss(num_params=size, num_tokens=tokens, **best)
    assert float(predicted) == pytest.approx(float(expected), rel=0.02)
