"""Likelihoods, profiles and Laplace's approximation, against closed forms and SciPy."""

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from by_hand import SIZES, line_by_hand, size_columns, taught_columns
from laws_of_tests import Line, SizeLaw, TaughtLaw
from scipy.integrate import quad
from scipy.optimize import brentq, minimize
from scipy.stats import chi2, norm
from scipy.stats import t as student

from fitting import AsymmetricHuber, Huber, LogSquares, Runs, Squares, StudentT, fit
from fitting.problem.likelihood import deviance, log_normaliser, spread
from fitting.uncertainty.laplace_approximation import laplace
from fitting.uncertainty.profile_likelihood import profile

FEW: dict[str, Any] = {"num_starts": 16}
NUM = 20


@pytest.fixture(scope="module")
def line():
    columns, *solution = line_by_hand(num=NUM)
    runs = Runs.read(columns)
    return runs, fit(Line, runs, objective=Squares(), **FEW), *solution


@pytest.mark.parametrize("tau", [1e-6, 1e-3, 0.1])
@pytest.mark.parametrize("objective", [Huber(0.01), AsymmetricHuber(0.01, 5.0), LogSquares()])
def test_densities_integrate_to_one(objective, tau):
    def density(r):
        return np.exp(-float(objective.costs(jnp.asarray(r))) / tau)

    far = 60 * max(tau / 0.01, tau**0.5)
    breaks = [0.0, -0.01, 0.01, -(tau**0.5), tau**0.5]
    area, _ = quad(density, -far, far, points=[b for b in breaks if abs(b) < far], limit=300)
    assert log_normaliser(objective, tau) == pytest.approx(np.log(area), abs=1e-4)


def test_deviances_are_scipys():
    residuals = 0.01 * np.random.default_rng(0).normal(size=30)
    total = np.sum(residuals**2) / 2
    sigma = np.sqrt(np.mean(residuals**2))
    expected = -2 * norm.logpdf(residuals, scale=sigma).sum()
    assert deviance(LogSquares(), total, 30) == pytest.approx(expected, rel=1e-12)
    t = StudentT(0.01, 3.0)
    costs = float(np.sum(np.asarray(t.costs(jnp.asarray(residuals)))))
    expected = -2 * student.logpdf(residuals, 3, scale=0.01).sum()
    assert deviance(t, costs, 30) == pytest.approx(expected, rel=1e-5)
    # Huber's with a tiny delta is Laplace's, with a wide one the normal's.
    total = np.sum(np.abs(residuals))
    expected = 30 * 2 * (1 + np.log(2 * total / 30))
    assert deviance(Huber(1e-9), 1e-9 * total, 30) == pytest.approx(expected, rel=1e-5)
    total = np.sum(residuals**2) / 2
    wide = Huber(1.0)
    assert deviance(wide, total, 30) == pytest.approx(deviance(LogSquares(), total, 30), rel=1e-9)
    assert spread(wide, total, 30) == pytest.approx(sigma**2, rel=1e-6)
    with pytest.raises(ValueError, match="every run exactly"):
        deviance(LogSquares(), 0.0, 30)
    with pytest.raises(TypeError, match=r"LogSquares\(\)"):
        deviance(object(), 1.0, 30)


@pytest.mark.parametrize("level", [0.68, 0.9])
def test_the_profile_of_a_line_has_a_closed_form(line, level):
    """`D = n log(1 + (b - b0)**2 / (RSS (X'X)^-1))`."""
    runs, result, beta, total, inverse = line
    found = profile(result, runs, "b", level=level)
    assert found.value == pytest.approx(beta[1], rel=1e-8)
    half = np.sqrt((np.exp(chi2.ppf(level, 1) / NUM) - 1) * total * inverse[1, 1])
    assert found.interval == pytest.approx((beta[1] - half, beta[1] + half), rel=1e-5)
    expected = NUM * np.log1p((found.values - beta[1]) ** 2 / (total * inverse[1, 1]))
    np.testing.assert_allclose(found.deviances, expected, rtol=1e-5, atol=1e-6)


def test_weighted_runs_have_a_weighted_profile_and_normal_approximation():
    """The closed forms of a line by weighted least squares, weights one on average."""
    weights = np.random.default_rng(1).uniform(0.2, 3.0, NUM)
    columns, beta, total, inverse = line_by_hand(weights / weights.mean(), num=NUM)
    runs = Runs.read(columns | {"trust": weights})
    result = fit(Line, runs, objective=Squares(), weights="trust", **FEW)
    half = np.sqrt((np.exp(chi2.ppf(0.9, 1) / NUM) - 1) * total * inverse[1, 1])
    found = profile(result, runs, "b")
    assert found.interval == pytest.approx((beta[1] - half, beta[1] + half), rel=1e-5)
    draws = laplace(result, runs, num_draws=20_000)
    covariance = np.cov(np.column_stack([draws.a, draws.b]).T)
    np.testing.assert_allclose(covariance, total / (NUM - 2) * inverse, rtol=0.05)
    others = Runs.read(columns | {"trust": weights[::-1]})
    with pytest.raises(ValueError, match="pass the runs of the fit"):
        profile(result, others, "b")


def test_a_profile_interval_is_scipys():
    columns = size_columns(0.01)
    runs = Runs.read(columns, law_type=SizeLaw)
    result = fit(SizeLaw, runs, objective=LogSquares(), **FEW)
    found = profile(result, runs, "alpha")

    def least(alpha):
        """By E, the amplitude solved for in between."""

        def given(log_A, E):
            return np.sum(np.log((E + np.exp(log_A) * SIZES**-alpha) / columns["loss"]) ** 2) / 2

        shift = (alpha - float(result.law.alpha)) * np.log(SIZES).mean()
        theta = np.array([np.log(float(result.law.A)) + shift, float(result.law.E)])
        options = {"xatol": 1e-10, "fatol": 1e-16, "maxiter": 4000}
        for _ in range(4):
            with np.errstate(all="ignore"):
                theta = minimize(
                    lambda th: given(th[0], max(th[1], 0.0)),
                    theta,
                    method="Nelder-Mead",
                    options=options,
                ).x
        return given(theta[0], max(theta[1], 0.0))

    best = 12 * np.log(result.objective)

    def rise(alpha):
        return 12 * np.log(least(alpha)) - best - chi2.ppf(0.9, 1)

    alpha = float(result.law.alpha)
    expected = [brentq(rise, alpha * far, alpha, xtol=1e-7) for far in (0.5, 1.7)]
    assert found.interval == pytest.approx(expected, rel=1e-4)
    assert np.all(found.deviances >= -1e-9)
    # The irreducible loss of runs without one: its interval reaches zero.
    bare = Runs.read(size_columns(0.01, E=0.0), law_type=SizeLaw)
    floor_fit = fit(SizeLaw, bare, objective=LogSquares(), **FEW)
    floor = profile(floor_fit, bare, "E")
    assert floor.interval[0] == 0
    high = floor.interval[1]
    assert 0 < high < 1.5
    # The fit has E at its edge. E leaves the edge where another coefficient is larger.
    alpha = profile(floor_fit, bare, "alpha").interval[1]
    for end in ({"E": high}, {"alpha": alpha}):
        frozen = fit(SizeLaw, bare, objective=LogSquares(), freeze=end, **FEW)
        rise_there = 12 * np.log(frozen.objective / floor_fit.objective)
        assert rise_there == pytest.approx(chi2.ppf(0.9, 1), rel=1e-3)


def test_laplace_draws_of_a_line_have_its_covariance(line):
    runs, result, beta, total, inverse = line
    draws = laplace(result, runs, num_draws=20_000)
    table = np.column_stack([draws.a, draws.b])
    np.testing.assert_allclose(table.mean(axis=0), beta, rtol=4e-3)
    covariance = total / (NUM - 2) * inverse
    np.testing.assert_allclose(np.cov(table.T), covariance, rtol=0.05)


def test_laplace_keeps_domains_and_frozen_parts():
    runs = Runs.read(taught_columns())
    result = fit(TaughtLaw, runs, objective=LogSquares(), **FEW)
    draws = laplace(result, runs, num_draws=500)
    assert np.all((draws.weight > 0) & (draws.weight < 1))
    assert np.ptp(draws.alone.E) == 0
    assert draws.alone.E.shape == (500,)
    assert draws.weight.mean() == pytest.approx(float(result.law.weight), abs=0.01)
    for name, message in (("E", "not one of the free"), ("alone", "fit: weight, shift")):
        with pytest.raises(ValueError, match=message):
            profile(result, runs, name)


def test_runs_of_another_fit_are_refused(line):
    runs, result, *_ = line
    worse = dataclasses.replace(runs, loss=runs.loss + 0.01)
    for others in (worse, runs.where(runs.loss > 2.9)):
        with pytest.raises(ValueError, match="pass the runs of the fit"):
            profile(result, others, "b")
        with pytest.raises(ValueError, match="pass the runs of the fit"):
            laplace(result, others)
    with pytest.raises(ValueError, match="between 0 and 1"):
        profile(result, runs, "b", level=90)
