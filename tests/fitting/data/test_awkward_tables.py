"""Known laws are found again from tables in odd units, with outliers, and with almost no floor."""

import dataclasses

import jax
import numpy as np
import pytest

from fitting import Runs, fit
from jaxlaws import presets
from jaxlaws.laws.chinchilla import Chinchilla

TRUE = presets.load("besiroglu2024")
SIZE, TOKENS = (
    axis.ravel() for axis in np.meshgrid(np.geomspace(1e8, 1e10, 6), np.geomspace(2e9, 3e11, 5))
)


def refitted(law, size, tokens, *, outliers=0, dtype=np.float64):
    """The fit to noisy losses of a law, and its worst error in per cent against the law itself."""
    random = np.random.default_rng(0)
    with jax.enable_x64(True):
        clean = np.asarray(law.loss(num_params=size, num_tokens=tokens))
    noise = 3e-3 * random.normal(size=len(clean))
    noise[random.choice(len(clean), outliers, replace=False)] *= 10
    columns = {"num_params": size, "num_tokens": tokens, "loss": clean * np.exp(noise)}
    runs = Runs.read({name: values.astype(dtype) for name, values in columns.items()})
    result = fit(Chinchilla, runs, num_starts=64)
    assert result.status.name == "CONVERGED"
    assert result.starts_agreeing > 0.95
    with jax.enable_x64(True):
        found = np.asarray(result.law.loss(num_params=size, num_tokens=tokens))
    return result, 100 * np.max(np.abs(found / clean - 1))


@pytest.fixture(scope="module")
def plain():
    result, error = refitted(TRUE, SIZE, TOKENS)
    assert error < 0.3
    return result.law


def test_units_of_a_billion_give_the_same_fit(plain):
    law = dataclasses.replace(TRUE, A=TRUE.A / 1e9**TRUE.alpha, B=TRUE.B / 1e9**TRUE.beta)
    found = refitted(law, SIZE / 1e9, TOKENS / 1e9)[0].law
    for name in ("E", "alpha", "beta"):
        assert getattr(found, name) == pytest.approx(getattr(plain, name), rel=1e-8)
    assert found.A * 1e9**found.alpha == pytest.approx(plain.A, rel=1e-8)


def test_tokens_of_1e15_give_the_same_fit(plain):
    law = dataclasses.replace(TRUE, B=TRUE.B * 1e4**TRUE.beta)
    found = refitted(law, SIZE, TOKENS * 1e4)[0].law
    assert found.beta == pytest.approx(plain.beta, rel=1e-8)


def test_single_precision_tables_give_nearly_the_same_fit(plain):
    found = refitted(TRUE, SIZE, TOKENS, dtype=np.float32)[0].law
    assert found.alpha == pytest.approx(plain.alpha, rel=1e-5)


def test_two_runs_at_ten_times_the_noise_hardly_matter():
    assert refitted(TRUE, SIZE, TOKENS, outliers=2)[1] < 0.5


def test_a_floor_near_zero_is_found():
    result, error = refitted(dataclasses.replace(TRUE, E=1e-3), SIZE, TOKENS)
    assert error < 0.3
    assert 0 < result.law.E < 0.05
