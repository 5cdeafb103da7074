"""From loss to error, against SciPy's least squares."""

import functools

import jax
import numpy as np
import pytest
from scipy.optimize import curve_fit

from fitting import Status
from fitting.estimation.downstream import fit_error, predict_error
from fitting.estimation.error_curves import ExponentialError, SigmoidError
from fitting.estimation.resampling import pairs_weights

NOISE = 8e-3
LOSSES = np.linspace(2.1, 3.9, 40)


def exponential(loss, eps, k, g):
    return eps - k * np.exp(-g * loss)


def sigmoid(loss, low, rise, g, middle):
    return low + rise / (1 + np.exp(-g * (loss - middle)))


CURVES = {
    ExponentialError: (exponential, (0.78, 3.0, 0.9)),
    SigmoidError: (sigmoid, (0.2, 0.55, 3.5, 2.8)),
}


def errors(curve, values, seed=3):
    noise = NOISE * np.random.default_rng(seed).normal(size=len(LOSSES))
    return curve(LOSSES, *values) + noise


@functools.cache
def fitted(metric_type):
    return fit_error(LOSSES, errors(*CURVES[metric_type]), metric_type=metric_type, bootstrap=400)


@pytest.mark.parametrize("metric_type", CURVES)
def test_fits_are_those_of_scipy(metric_type):
    curve, values = CURVES[metric_type]
    found = fitted(metric_type)
    observed = errors(curve, values)
    best, _ = curve_fit(curve, LOSSES, observed, values, ftol=1e-15, xtol=1e-15)
    assert found.status is Status.CONVERGED
    assert found.starts_agreeing > 0.5
    assert found.fitted_range == (2.1, 3.9)
    np.testing.assert_allclose(jax.tree.leaves(found.metric), best, rtol=1e-5)
    residuals = curve(LOSSES, *best) - observed
    assert found.objective == pytest.approx(np.sum(residuals**2) / 2, rel=1e-9)
    drawn = np.array(jax.tree.leaves(found.ensemble)).T
    assert len(drawn) == 400
    for counts, replicate in zip(pairs_weights(len(LOSSES), 400, seed=0)[:5], drawn, strict=False):
        rows = np.repeat(np.arange(len(LOSSES)), counts.astype(int))
        again, _ = curve_fit(curve, LOSSES[rows], observed[rows], best, ftol=1e-15, xtol=1e-15)
        np.testing.assert_allclose(replicate, again, rtol=1e-5)


@pytest.mark.parametrize("starts", ["quasi-random", "grid"])
def test_starts_of_every_kind_end_in_one_curve(starts):
    own = fitted(ExponentialError).metric
    found = fit_error(LOSSES, errors(*CURVES[ExponentialError]), starts=starts)
    for name in ("eps", "k", "g"):
        assert float(getattr(found.metric, name)) == pytest.approx(getattr(own, name), rel=1e-5)


@pytest.mark.parametrize("name", ["eps", pytest.param("k", marks=pytest.mark.slow)])
def test_a_frozen_coefficient_stays_where_it_is(name):
    curve, values = CURVES[ExponentialError]
    held = {"eps": 0.75, "k": 3.5}[name]
    found = fit_error(LOSSES, errors(curve, values), freeze={name: held}, bootstrap=5)
    index = ("eps", "k", "g").index(name)
    best, _ = curve_fit(
        lambda x, *free: exponential(x, *np.insert(free, index, held)),
        LOSSES,
        errors(curve, values),
        np.delete(values, index),
    )
    np.testing.assert_allclose(
        jax.tree.leaves(found.metric), np.insert(best, index, held), rtol=1e-5
    )
    assert (getattr(found.ensemble, name) == held).all()


def test_law_and_curve_in_a_chain_carry_both_uncertainties(simulated_fit):
    value, low, high = predict_error(
        simulated_fit, fitted(ExponentialError), num_params=[1e9, 1e10], num_tokens=2e11
    )
    law, curve = simulated_fit.law, fitted(ExponentialError).metric
    loss = law.E + law.A / np.array([1e9, 1e10]) ** law.alpha + law.B / 2e11**law.beta
    np.testing.assert_allclose(value, exponential(loss, curve.eps, curve.k, curve.g), rtol=1e-6)
    laws, curves = simulated_fit.usable_ensemble(), fitted(ExponentialError).ensemble
    losses = laws.E + laws.A / 1e9**laws.alpha + laws.B / 2e11**laws.beta
    drawn = curves.eps[: len(losses)] - curves.k[: len(losses)] * np.exp(
        -curves.g[: len(losses)] * losses
    )
    np.testing.assert_allclose([low[0], high[0]], np.quantile(drawn, [0.05, 0.95]), rtol=1e-6)


def test_what_cannot_be_fitted_is_refused(simulated_fit):
    with pytest.raises(ValueError, match=r"shapes \(40,\) and \(39,\)"):
        fit_error(LOSSES, LOSSES[1:])
    with pytest.raises(ValueError, match="ExponentialError has no coefficient slope"):
        fit_error(LOSSES, LOSSES, freeze={"slope": 1.0})
    with pytest.raises(ValueError, match="3 models for the 3 free"):
        fit_error(LOSSES[:3], LOSSES[:3])
    with pytest.raises(ValueError, match="num_starts"):
        fit_error(LOSSES, LOSSES, num_starts=0)
    with pytest.raises(ValueError, match="one of random, quasi-random, grid"):
        fit_error(LOSSES, LOSSES, starts="sobol")
    without = fit_error(LOSSES, errors(*CURVES[ExponentialError]))
    with pytest.raises(ValueError, match="has no bootstrap"):
        predict_error(simulated_fit, without, num_params=1e9, num_tokens=1e10)


def test_errors_that_do_not_bend_leave_the_curve_open():
    rng = np.random.default_rng(0)
    short = np.linspace(2.50, 2.52, 12)
    found = fit_error(short, 0.5 + 5e-3 * rng.normal(size=12))
    assert found.status is not Status.CONVERGED
    assert found.notes
