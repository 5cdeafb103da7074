"""Noise drawn again, and intervals from draws, against closed forms and SciPy."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from fitting import Huber, LogSquares, Runs, Squares, StudentT, fit
from fitting.estimation.interval_ends import bca_ends
from fitting.estimation.resampling import jackknife_weights, noise_like
from jaxlaws.pytree import Coefficient, pytree, real

NUM = 40


@pytree
class Slope:
    """`loss = a + b log10 N`."""

    a: Coefficient = real()
    b: Coefficient = real()

    input_names = ("num_params",)

    def loss(self, *, num_params):
        return self.a + self.b * jnp.log10(num_params)


@pytest.fixture(scope="module")
def line():
    sizes = np.geomspace(1e6, 1e9, NUM)
    rng = np.random.default_rng(0)
    loss = 6 - 0.4 * np.log10(sizes) + 0.02 * rng.normal(size=NUM)
    table = {"num_params": sizes, "loss": loss, "set": np.repeat(np.arange(NUM // 4), 4)}
    return Runs.read(table), np.column_stack([np.ones(NUM), np.log10(sizes)])


@pytest.fixture(scope="module")
def draw(line):
    def with_method(method, **options):
        return fit(Slope, line[0], objective=Squares(), num_starts=4, resample=method, **options)

    return with_method


def by_hand(line, covariance):
    """Covariance of `(X'X)^-1 X' e` for noise of the given covariance."""
    design = line[1]
    hat = np.linalg.solve(design.T @ design, design.T)
    return hat @ covariance @ hat.T


@pytest.mark.parametrize("method", ["wild", "residuals", "parametric"])
def test_draws_have_the_covariance_of_least_squares(line, draw, method):
    runs, design = line
    result = draw(method, bootstrap=4000)
    table = np.column_stack([result.ensemble.a, result.ensemble.b])
    residuals = runs.loss - design @ np.linalg.lstsq(design, runs.loss)[0]
    squares = residuals**2 * NUM / (NUM - 2)
    noise = squares if method == "wild" else np.full(NUM, squares.mean())
    np.testing.assert_allclose(np.cov(table.T), by_hand(line, np.diag(noise)), rtol=0.08)
    np.testing.assert_allclose(table.mean(axis=0), [result.law.a, result.law.b], rtol=3e-3)


def test_wild_draws_flip_clusters_whole(line, draw):
    runs, design = line
    result = draw("wild", bootstrap=4000, cluster="set")
    residuals = runs.loss - design @ np.linalg.lstsq(design, runs.loss)[0]
    same = runs.others["set"][:, None] == runs.others["set"]
    noise = np.outer(residuals, residuals) * same * NUM / (NUM - 2)
    expected = by_hand(line, noise)
    table = np.column_stack([result.ensemble.a, result.ensemble.b])
    np.testing.assert_allclose(np.cov(table.T), expected, rtol=0.08)


@pytest.mark.parametrize(
    ("objective", "density"),
    [
        (LogSquares(), lambda r: stats.norm(scale=np.sqrt(np.mean(r**2)))),
        (Huber(1e-9), lambda r: stats.laplace(scale=np.mean(np.abs(r)))),
        (StudentT(0.01, 3.0), lambda r: stats.t(3.0, scale=0.01)),
    ],
)
def test_parametric_noise_has_the_objectives_density(objective, density):
    residuals = 0.01 * np.random.default_rng(1).normal(size=50)
    drawn = noise_like(
        "parametric", residuals, np.ones(50), objective=objective, num_draws=400, seed=0
    )
    assert stats.kstest(drawn.ravel(), density(residuals).cdf).pvalue > 1e-3


def test_heavier_runs_have_less_noise():
    weights = np.repeat([0.4, 1.6], 100)
    residuals = np.random.default_rng(0).normal(size=200) / np.sqrt(weights)
    for method in ("residuals", "parametric"):
        drawn = noise_like(
            method, residuals, weights, objective=LogSquares(), num_draws=200, seed=0
        )
        light, heavy = drawn[:, :100].std(), drawn[:, 100:].std()
        assert light / heavy == pytest.approx(2.0, rel=0.03), method


def test_bca_is_scipys():
    sample = np.random.default_rng(5).exponential(size=30) - 1
    by_scipy = stats.bootstrap(
        (sample,), np.mean, confidence_level=0.9, method="BCa", n_resamples=2000, rng=1
    )
    left_out = np.array([np.delete(sample, i).mean() for i in range(30)])
    found = bca_ends(by_scipy.bootstrap_distribution, sample.mean(), left_out, 0.9)
    np.testing.assert_allclose(found, by_scipy.confidence_interval, rtol=1e-9)


def test_the_jackknife_leaves_out_each_run(line, draw):
    runs, design = line
    result = draw("pairs", bootstrap=200, jackknife=True)
    slopes = [
        np.linalg.lstsq(np.delete(design, i, 0), np.delete(runs.loss, i))[0][1] for i in range(NUM)
    ]
    np.testing.assert_allclose(result.jackknife.b, slopes, rtol=1e-6)
    low, high = result.interval(0.9, method="bca")
    expected = bca_ends(result.ensemble.b, float(result.law.b), np.array(slopes), 0.9)
    np.testing.assert_allclose([low.b, high.b], expected, rtol=1e-6)
    with pytest.raises(ValueError, match="jackknife=True"):
        draw("pairs", bootstrap=8).interval(method="bca")
    with pytest.raises(ValueError, match="percentile, bca"):
        result.interval(method="normal")


def test_many_runs_are_left_out_in_parts():
    weights = jackknife_weights(np.arange(1000), seed=0)
    assert weights.shape == (256, 1000)
    assert np.all((weights == 0).sum(axis=0) == 1)
    assert set((weights == 0).sum(axis=1)) == {3, 4}


def test_an_interval_of_whatever_follows_from_a_law(draw):
    result = draw("wild", bootstrap=100)

    def quantity(law):
        return {"loss": law.loss(num_params=jnp.array([1e8, 1e10])), "ratio": law.b / law.a}

    low, high = result.interval_of(quantity, 0.8)
    ratios = result.ensemble.b / result.ensemble.a
    np.testing.assert_allclose([low["ratio"], high["ratio"]], np.quantile(ratios, [0.1, 0.9]))
    assert low["loss"].shape == (2,)
    assert np.all(low["loss"] < high["loss"])
