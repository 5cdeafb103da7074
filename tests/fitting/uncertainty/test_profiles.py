"""Profiles of quantities, and profiles with priors, compared with closed forms and with SciPy."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from by_hand import SIZES, line_by_hand, size_columns
from laws_of_tests import Line, SizeLaw
from scipy.optimize import brentq, minimize, minimize_scalar
from scipy.stats import chi2

from fitting import LogSquares, Normal, Runs, Squares, fit
from fitting.reporting.uncertainty_figures import profile_likelihoods
from fitting.uncertainty.profile_likelihood import profile
from jaxlaws.pytree import Coefficient, positive, pytree, real

FEW: dict[str, Any] = {"num_starts": 16}
NUM = 20
AT = np.array([1.0, 10.0])  # row of the design matrix for a run of 1e10 parameters
QUANTILE = chi2.ppf(0.9, 1)


def predicted(law):
    return law.loss(num_params=1e10)


@pytest.fixture(scope="module")
def table():
    columns, *solution = line_by_hand(num=NUM)
    return Runs.read(columns), *solution


def test_the_profile_of_a_prediction_has_a_closed_form(table):
    """`D = n log(1 + (q - q0)**2 / (RSS x' (X'X)^-1 x))`."""
    runs, beta, total, inverse = table
    result = fit(Line, runs, objective=Squares(), **FEW)
    found = profile(result, runs, predicted)
    assert found.name == "predicted"
    assert found.value == pytest.approx(AT @ beta, rel=1e-8)
    spread = total * (AT @ inverse @ AT)
    half = np.sqrt(np.expm1(QUANTILE / NUM) * spread)
    assert found.interval == pytest.approx((AT @ beta - half, AT @ beta + half), rel=1e-5)
    expected = NUM * np.log1p((found.values - AT @ beta) ** 2 / spread)
    np.testing.assert_allclose(found.deviances, expected, rtol=1e-5, atol=1e-6)
    axes = profile_likelihoods([found]).axes[0]
    assert axes.get_xlabel() == "predicted"
    assert [line.get_xdata()[0] for line in axes.lines[2:]] == list(found.interval)


@pytest.fixture(scope="module")
def curve():
    columns = size_columns(0.01)
    runs = Runs.read(columns, law_type=SizeLaw)
    return columns["loss"], runs, fit(SizeLaw, runs, objective=LogSquares(), **FEW)


def test_constrained_fits_agree_with_scipy(curve):
    """The loss of 10B, with a law of size, constrained to both ends of its interval."""
    loss, runs, result = curve
    found = profile(result, runs, predicted, name="loss of 10B")
    mean = np.log(SIZES).mean()

    def law(theta, log_size):
        return theta[0] + np.exp(theta[1] - theta[2] * (log_size - mean))

    def total(theta):
        return np.sum(np.log(law(theta, np.log(SIZES)) / loss) ** 2) / 2

    E, A, alpha = (float(getattr(result.law, name)) for name in ("E", "A", "alpha"))
    start = [E, np.log(A) - alpha * mean, alpha]
    for end in found.interval:
        constraint = {"type": "eq", "fun": lambda theta, end=end: law(theta, np.log(1e10)) - end}
        ended = minimize(
            lambda theta: 1e4 * total(theta), start, method="SLSQP", constraints=[constraint],
            options={"ftol": 1e-13, "maxiter": 500},
        )  # fmt: skip
        assert ended.success
        rise = 12 * np.log(total(ended.x) / result.objective)
        assert rise == pytest.approx(QUANTILE, rel=1e-3)


def alpha_of(law):
    return law.alpha


@pytest.mark.parametrize("level", [0.5, 0.9, 0.99])
def test_a_quantity_that_is_a_coefficient_has_its_profile(curve, level):
    _, runs, result = curve
    coefficient, function = (profile(result, runs, of, level=level) for of in ("alpha", alpha_of))
    assert function.interval == pytest.approx(coefficient.interval, rel=1e-4)


@pytest.mark.slow
def test_a_coefficient_on_its_bound_moves_in_the_profile_of_a_quantity():
    """The losses fall faster than a power of the size, so that the floor of the fit is zero."""
    size = np.log(SIZES / 1e6)
    columns = {"num_params": SIZES, "loss": np.exp(1.5 - 0.05 * size - 0.003 * size**2)}
    runs = Runs.read(columns, law_type=SizeLaw)
    result = fit(SizeLaw, runs, objective=LogSquares(), **FEW)
    assert result.law.E < 1e-6
    coefficient, function = (profile(result, runs, of) for of in ("E", lambda law: law.E))
    assert function.interval[1] == pytest.approx(coefficient.interval[1], rel=1e-3)


@pytree
class Loose:
    """A line with a coefficient that does not change the loss."""

    a: Coefficient = real()
    b: Coefficient = real()
    c: Coefficient = positive()

    input_names = ("num_params",)

    def loss(self, *, num_params):
        return self.a + self.b * jnp.log10(num_params) + 0 * self.c


@pytest.mark.slow
def test_an_interval_can_be_infinite_or_end_at_the_limit_of_the_quantity(table):
    runs, *_ = table
    result = fit(Loose, runs, objective=Squares(), **FEW)
    found = profile(result, runs, lambda law: 1 + law.c)
    assert found.interval == (pytest.approx(1, abs=1e-6), np.inf)
    assert found.deviances == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("of", ["b", predicted])
def test_priors_count_in_a_profile(table, of):
    """The posterior density has a maximum, and a profile, in closed form for given slopes."""
    runs, beta, total, inverse = table
    mean, sd = float(beta[1]) + 0.02, 0.004
    result = fit(Line, runs, objective=Squares(), priors={"b": Normal(mean, sd)}, **FEW)
    found = profile(result, runs, of)
    precision = np.linalg.inv(inverse)

    def posterior(theta):
        off = np.asarray(theta) - beta
        return NUM * np.log(total + off @ precision @ off) + ((theta[1] - mean) / sd) ** 2

    def by_slope(slope, value):
        """The intercept set by the value of a prediction, or the best."""
        if of is predicted:
            return posterior([value - 10 * slope, slope])
        return minimize_scalar(lambda a: posterior([a, value]), (beta[0], 6.0), tol=1e-12).fun

    def least(value):
        if of == "b":
            return by_slope(None, value)
        ends = (mean - 0.05, mean + 0.05)
        return minimize_scalar(
            by_slope, bounds=ends, args=(value,), method="bounded", options={"xatol": 1e-10}
        ).fun

    middle = minimize_scalar(least, (found.value, found.value * 1.001), tol=1e-12)
    assert found.value == pytest.approx(middle.x, rel=1e-6)
    far = 3 * (found.interval[1] - found.value)
    expected = [
        brentq(
            lambda v: least(v) - middle.fun - QUANTILE, *sorted([found.value, found.value + way])
        )
        for way in (-far, far)
    ]
    assert found.interval == pytest.approx(expected, rel=1e-5)


def test_a_quantity_must_be_one_finite_number(curve):
    _, runs, result = curve
    for of, error, message in (
        (lambda law: law, TypeError, "to one number"),
        (lambda law: jnp.stack([law.E, law.A]), TypeError, "to one number"),
        (lambda law: jnp.log(-law.E), ValueError, "nan at the fit"),
    ):
        with pytest.raises(error, match=message):
            profile(result, runs, of)
