"""Runs that prefer an outer exponent without end, and the law that is its limit."""

import dataclasses

import numpy as np
import pytest

from fitting import Runs, Status, caveats_of, fit, fit_limit_form, predict
from fitting.minimiser.limit_forms import limit_form
from fitting.problem.objectives import Huber
from jaxlaws import presets
from jaxlaws.laws.distillation_exponential import DistillationExponential
from jaxlaws.laws.distillation_limit import DistillationLimit

ALONE = presets.load("busbridge2025_supervised")
NOISE = 3e-3
TRUE = DistillationExponential(
    supervised=ALONE, A=9.0, alpha=0.11, B=6e4, beta=0.5, c0=1.4, kappa=1.5, f1=0.2
)


@pytest.fixture(scope="module")
def runs():
    random = np.random.default_rng(0)
    size, tokens, teacher = (
        np.exp(random.uniform(*np.log(ends), 150)) for ends in ((1e8, 8e9), (4e9, 4e11), (1.9, 2.8))
    )
    inputs = {"num_student_params": size, "num_student_tokens": tokens, "teacher_loss": teacher}
    noise = np.exp(NOISE * random.normal(size=150))
    return Runs.read({**inputs, "loss": predict(TRUE, inputs) * noise})


def with_gamma(gamma):
    """The power of a sum whose limit for infinite gamma is `TRUE`."""
    K, size = TRUE.A ** (1 / gamma), 1e9
    alpha = TRUE.alpha / gamma
    return DistillationLimit(
        supervised=ALONE,
        A=K,
        alpha=alpha,
        B=TRUE.B * K / gamma / size**alpha,
        beta=TRUE.beta,
        gamma=gamma,
        c0=TRUE.c0,
        kappa=TRUE.kappa,
        f1=TRUE.f1,
    )


def test_a_power_of_a_sum_tends_to_the_limit_form(runs):
    exact = predict(TRUE, runs.inputs)
    off = [np.abs(predict(with_gamma(g), runs.inputs) / exact - 1).max() for g in (1e3, 1e4, 1e5)]
    assert off[2] < 1e-5
    np.testing.assert_allclose([off[0] / off[1], off[1] / off[2]], 10, rtol=0.1)


@pytest.mark.parametrize(("gamma", "is_near"), [(3.0, False), (2e4, True)])
def test_only_a_law_that_is_near_its_limit_form_has_one(runs, gamma, is_near, x64):
    found = limit_form(with_gamma(gamma), runs.inputs, runs.loss, Huber(1e-3))
    assert (found is not None) == is_near
    if is_near:
        for name in ("A", "alpha", "B", "beta"):
            np.testing.assert_allclose(getattr(found, name), getattr(TRUE, name), rtol=1e-3)


def test_a_fit_names_its_limit_and_the_limit_form_is_determined(runs, monkeypatch):
    options = {"freeze": {"supervised": ALONE}, "num_starts": 32}
    first = fit(DistillationLimit, runs, **options)
    assert first.status is Status.FLAT_DIRECTION
    assert any("do not distinguish gamma from infinity" in each for each in caveats_of(first))
    limit = fit_limit_form(first, runs)
    assert isinstance(limit.law, DistillationExponential)
    assert limit.status is Status.CONVERGED
    assert limit.objective < first.objective * (1 + 1e-2)
    assert any("limit form" in each for each in limit.warnings)
    np.testing.assert_allclose(limit.law.alpha, TRUE.alpha, rtol=0.1)
    # Seven coefficients from 150 runs: twice the expected mean square of the errors at most.
    errors = predict(limit.law, runs.inputs) / predict(TRUE, runs.inputs) - 1
    assert np.mean(errors**2) < 2 * NOISE**2 * 7 / 150
    # A limit form none of whose draws converges would have no intervals.
    drawn = dataclasses.replace(first, options=first.options.replaced(bootstrap=2))
    without = dataclasses.replace(limit, ensemble=None)
    monkeypatch.setattr("fitting.estimation.single_fit.fit", lambda *_, **__: without)
    assert fit_limit_form(first, runs) is not None
    assert fit_limit_form(drawn, runs) is None


@pytest.mark.slow
def test_a_law_with_a_finite_gamma_or_a_held_one_stays_as_it_is(runs):
    finite = dataclasses.replace(presets.load("busbridge2025_refit"), supervised=ALONE)
    table = Runs.read({**runs.inputs, "loss": predict(finite, runs.inputs)})
    options = {"freeze": {"supervised": ALONE}, "num_starts": 32}
    result = fit(DistillationLimit, table, **options)
    assert fit_limit_form(result, table) is None
    held = fit(DistillationLimit, runs, **options, bounds={"gamma": (0.1, 50.0)})
    assert fit_limit_form(held, runs) is None
