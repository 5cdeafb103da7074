"""Ties, bounds, priors and groups, compared with fits of the same sums by SciPy."""

import json
from typing import Any

import numpy as np
import pytest
from by_hand import SIZES, size_columns, taught_columns
from laws_of_tests import SizeLaw, TaughtLaw
from scipy.optimize import minimize

from fitting import FitResult, LogNormal, LogSquares, Normal, Runs, Status, fit, fit_groups
from fitting.problem.restraints import Restraints
from fitting.reporting.fit_sections import coefficient_table
from jaxlaws.foundations.errors import DataError
from jaxlaws.laws.chinchilla import Chinchilla

FEW: dict[str, Any] = {"num_starts": 16, "objective": LogSquares()}
NUM = len(SIZES)
MEAN = float(np.exp(np.log(SIZES).mean()))


@pytest.fixture(scope="module")
def sizes():
    return Runs.read(size_columns(0.01), law_type=SizeLaw)


def log_squares(theta, runs):
    """Half the sum of squares by (E, log of the term at the mean size, alpha)."""
    floor, log_term, alpha = theta
    predicted = floor + np.exp(log_term - alpha * np.log(runs.inputs["num_params"] / MEAN))
    return np.sum(np.log(predicted / runs.loss) ** 2) / 2


def least(function, start):
    options = {"xatol": 1e-11, "fatol": 1e-15, "maxiter": 20_000, "maxfev": 20_000}
    end = np.asarray(start)
    for _ in range(4):  # a new simplex each time: the old one has shrunk
        end = minimize(function, end, method="Nelder-Mead", options=options).x
    return end


def as_theta(law):
    A, alpha = float(law.A), float(law.alpha)
    return np.array([float(law.E), np.log(A) - alpha * np.log(MEAN), alpha])


@pytest.mark.slow
def test_tied_exponents_are_scipys():
    grid = np.meshgrid(np.geomspace(1e8, 1e10, 5), np.geomspace(2e9, 2e11, 5))
    n, d = (axis.ravel() for axis in grid)
    loss = 1.8 + 400 / n**0.33 + 900 / d**0.31
    loss = loss * np.exp(0.005 * np.random.default_rng(3).normal(size=25))
    runs = Runs.read({"num_params": n, "num_tokens": d, "loss": loss})
    result = fit(Chinchilla, runs, tie={"beta": "alpha"}, bootstrap=8, **FEW)
    assert result.law.alpha == result.law.beta
    np.testing.assert_array_equal(result.ensemble.alpha, result.ensemble.beta)
    assert result.identifiability.names == ("E", "A", "alpha", "B")

    def total(theta):
        terms = [np.exp(theta[i] - theta[3] * np.log(x / 1e9)) for i, x in ((1, n), (2, d))]
        return np.sum(np.log((theta[0] + sum(terms)) / loss) ** 2) / 2

    best = least(total, [1.8, np.log(0.4), np.log(1.4), 0.32])
    assert result.objective == pytest.approx(total(best), rel=1e-8)
    assert float(result.law.alpha) == pytest.approx(best[3], rel=1e-4)


@pytest.mark.slow
def test_a_coefficient_of_a_sub_law_can_be_tied_to():
    runs = Runs.read(taught_columns())
    options = {"num_starts": 16, "freeze": {"alone": fit(SizeLaw, runs, bootstrap=16, **FEW)}}
    result = fit(TaughtLaw, runs, tie={"shift": "alone.E"}, bootstrap=16, **options)
    assert float(result.law.shift) == pytest.approx(float(result.law.alone.E), rel=1e-12)
    np.testing.assert_allclose(result.ensemble.shift, result.ensemble.alone.E, rtol=1e-12)
    assert np.ptp(result.ensemble.shift) > 0
    assert result.identifiability.names == ("weight",)


def test_a_fit_ends_on_a_bound_as_if_frozen_there(sizes):
    result = fit(SizeLaw, sizes, bounds={"alpha": (0.1, 0.3), "A": (1.0, 1e6)}, bootstrap=8, **FEW)
    assert result.status is Status.ON_BOUND
    assert result.warnings[-1].startswith("alpha ended on its upper bound, 0.3: the runs prefer")
    best = least(lambda theta: log_squares([*theta, 0.3], sizes), as_theta(result.law)[:2] + 0.01)
    np.testing.assert_allclose(as_theta(result.law), [*best, 0.3], rtol=1e-6)
    assert 1.0 < float(result.law.A) < 1e6
    assert np.all(result.ensemble.alpha <= 0.3)
    assert np.all(result.ensemble_status <= Status.ON_BOUND)


@pytest.mark.slow
def test_bounds_that_do_not_bind_change_nothing(sizes):
    free = fit(SizeLaw, sizes, **FEW)
    bounds = {"E": (0.5, None), "alpha": (None, 2.0)}
    result = fit(SizeLaw, sizes, bounds=bounds, **FEW)
    assert result.status is Status.CONVERGED
    np.testing.assert_allclose(as_theta(result.law), as_theta(free.law), rtol=1e-6)
    # Eigenvalues are for relative changes, so they do not depend on the bijection.
    np.testing.assert_allclose(
        result.identifiability.eigenvalues, free.identifiability.eigenvalues, rtol=1e-4
    )


PRIORS = {"E": Normal(1.7, 0.02), "A": LogNormal(300.0, 1.3)}


@pytest.fixture(scope="module")
def fit_with_priors(sizes):
    return fit(SizeLaw, sizes, priors=PRIORS, **FEW)


def test_priors_give_the_mode_of_the_posterior(sizes, fit_with_priors):
    """With the noise's scale profiled out, least squares are `n / 2 log(sum)`."""
    result = fit_with_priors

    def negative_log_posterior(theta):
        log_A = theta[1] + theta[2] * np.log(MEAN)
        off = np.array([(theta[0] - 1.7) / 0.02, (log_A - np.log(300.0)) / np.log(1.3)])
        return NUM / 2 * np.log(log_squares(theta, sizes)) + np.sum(off**2) / 2

    best = least(negative_log_posterior, as_theta(result.law) + 0.01)
    np.testing.assert_allclose(as_theta(result.law), best, rtol=1e-5)
    assert result.objective == pytest.approx(log_squares(best, sizes), rel=1e-5)
    assert result.status is Status.CONVERGED
    free = least(lambda theta: log_squares(theta, sizes), best)
    assert abs(best[0] - free[0]) > 0.01


def test_groups_share_all_other_coefficients(tmp_path):
    tables = [size_columns(0.01, E=floor, seed=seed) for seed, floor in ((1, 1.5), (2, 1.9))]
    columns = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    runs = Runs.read(columns | {"mix": np.repeat(["web", "code"], NUM)})
    fits = fit_groups(SizeLaw, runs, group="mix", own=["E"], bootstrap=16, **FEW)
    parts = [runs.where(runs.others["mix"] == mix) for mix in ("web", "code")]

    def total(theta):
        return sum(
            log_squares([floor, *theta[2:]], part)
            for floor, part in zip(theta, parts, strict=False)
        )

    web, code = fits["web"], fits["code"]
    assert "| E |" in coefficient_table(web)
    start = np.array([float(web.law.E), *as_theta(code.law)])
    best = least(total, start + 0.01)
    np.testing.assert_allclose(start, best, rtol=1e-5)
    assert web.law.A == code.law.A
    np.testing.assert_array_equal(web.ensemble.alpha, code.ensemble.alpha)
    assert (web.num_runs, code.identifiability.names[:2]) == (NUM, ("E[code]", "E[web]"))
    assert web.ensemble.E.shape == web.ensemble.A.shape == (16,)
    assert abs(np.corrcoef(web.ensemble.E, code.ensemble.E)[0, 1]) > 0.1  # paired draws
    web.save(tmp_path / "web.json")
    assert FitResult.load(tmp_path / "web.json", SizeLaw).law.E == web.law.E
    for own, message in ((["e"], "'e' is not a free coefficient"), (["alpha"], "unit of A")):
        with pytest.raises(ValueError, match=message):
            fit_groups(SizeLaw, runs, group="mix", own=own, **FEW)


def test_groups_of_close_numbers_stay_apart():
    tables = [size_columns(0.01, seed) for seed in (1, 2)]
    columns = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    runs = Runs.read(columns | {"width": np.repeat([124439808.0, 124439900.0], NUM)})
    fits = fit_groups(SizeLaw, runs, group="width", own=["E"], **FEW)
    assert list(fits) == ["124439808", "124439900"]


def test_restraints_are_saved(fit_with_priors, tmp_path):
    path = tmp_path / "fit.json"
    fit_with_priors.save(path)
    again = FitResult.load(path, SizeLaw)
    assert again.restraints.priors == PRIORS
    assert again.to_dict()["held"]["E"] == "prior Normal(mean=1.7, sd=0.02)"
    path.write_text(path.read_text().replace('"Normal"', '"Other"'))
    with pytest.raises(DataError, match="unknown type, 'Other'"):
        FitResult.load(path, SizeLaw)


def test_bounds_and_ties_go_through_json():
    held = Restraints({"beta": "alpha"}, {"alpha": (0.1, np.inf)}, {"E": Normal(1.5, 0.1)})
    again = Restraints.from_json(json.loads(json.dumps(held.to_json())))
    assert again.describe() == held.describe()
    assert again.bounds == {"alpha": (0.1, np.inf)}


@pytest.mark.parametrize(
    ("restraints", "message"),
    [
        ({"tie": {"A": "alfa"}}, "did you mean 'alpha'"),
        ({"tie": {"alpha": "alpha"}}, "itself tied"),
        ({"tie": {"A": 3}}, "expected the name"),
        ({"bounds": {"alpha": (0.6, 0.1)}}, "low < high"),
        ({"bounds": {"alpha": (-0.1, 0.6)}}, "0 <= low"),
        ({"bounds": {"alpha": 0.6}}, "expected a pair"),
        ({"bounds": {"E": (1, 2)}, "freeze": {"E": 1.5}}, "already frozen or tied"),
        ({"priors": {"E": 1.7}}, r"Normal\(1.7, 0.1\)"),
        ({"priors": {"e": Normal(1.7, 0.1)}}, "no coefficient 'e'"),
        ({"resample": "bootstrap"}, "pairs, wild"),
        ({"resample": "parametric", "cluster": "set"}, "by pairs or wild"),
    ],
)
def test_invalid_restraints_are_refused(sizes, restraints, message):
    with pytest.raises((ValueError, TypeError), match=message):
        fit(SizeLaw, sizes, num_starts=4, **restraints)


@pytest.mark.parametrize(
    ("restraints", "message"),
    [
        ({"tie": {"alone.alpha": "shift"}}, "fitted first"),
        ({"tie": {"weight": "alone.alpha"}}, "outside the domain of 'weight'"),
        ({"tie": {"weight": "alone"}}, "not a coefficient"),
        ({"bounds": {"alone": (0, 1)}}, "is a law; use .* such as 'alone.E'"),
        (
            {"freeze": {"alone": SizeLaw(E=1.5, A=4e2, alpha=0.3)}, "bounds": {"alone.E": (1, 2)}},
            "unfreeze 'alone'",
        ),
    ],
)
def test_invalid_restraints_of_sub_laws_are_refused(restraints, message):
    with pytest.raises(ValueError, match=message):
        fit(TaughtLaw, Runs.read(taught_columns()), num_starts=4, **restraints)
