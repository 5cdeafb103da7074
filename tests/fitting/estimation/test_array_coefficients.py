"""Arrays of coefficients in a fit: names of elements, restraints, draws, groups, and files."""

import jax
import numpy as np
import pytest
from array_laws import Parabola, Terms

import jaxlaws
from fitting import FitResult, LogSquares, Normal, Runs, Squares, fit, fit_groups, laplace, profile
from fitting.problem.centring import centre, uncentre
from fitting.reporting.fit_sections import coefficient_table
from jaxlaws.foundations.law import coefficient_names, coefficients
from jaxlaws.pytree import Coefficient, pytree, real

X = np.linspace(-3.0, 4.0, 20)
Y = 1 - 2 * X + 0.5 * X**2 + 0.1 * np.random.default_rng(0).normal(size=20)
RUNS = Runs.read({"x": X, "loss": Y, "side": np.where(X < 0, "left", "right")}, law_type=Parabola)
OPTIONS = {"objective": Squares(), "num_starts": 16}
DESIGN = np.stack([np.ones_like(X), X, X**2], axis=1)


@pytest.fixture(scope="module")
def fitted():
    return fit(Parabola, RUNS, bootstrap=64, **OPTIONS)


def test_a_polynomial_is_that_of_least_squares(fitted):
    np.testing.assert_allclose(fitted.law.w, np.polyfit(X, Y, 2)[::-1], rtol=1e-8)
    assert fitted.status.name == "CONVERGED"
    assert fitted.ensemble.w.shape == (64, 3)
    assert fitted.identifiability.names == ("w[0]", "w[1]", "w[2]")


def test_each_element_has_a_name_and_an_interval(fitted):
    found = fitted.coefficients()
    assert list(found) == ["w[0]", "w[1]", "w[2]"]
    for place, each in enumerate(found.values()):
        assert each["value"] == fitted.law.w[place]
        low, high = np.quantile(fitted.ensemble.w[:, place], [0.05, 0.95])
        if low > 0:  # the quantiles of positive numbers are those of their logarithms
            np.testing.assert_allclose(each["low"], low, rtol=1e-2)
        else:
            np.testing.assert_allclose((each["low"], each["high"]), (low, high), rtol=1e-12)
    assert "| w[1] | -2" in coefficient_table(fitted, digits=1).replace("\\", "")


def least_squares(columns, target):
    return np.linalg.lstsq(columns, target, rcond=None)[0]


def test_an_element_is_frozen(fitted):
    held = fit(Parabola, RUNS, freeze={"w[0]": 1.5}, **OPTIONS)
    np.testing.assert_allclose(held.law.w[1:], least_squares(DESIGN[:, 1:], Y - 1.5), rtol=1e-8)
    assert held.law.w[0] == 1.5
    assert held.held() == {"w[0]": "frozen"}


def test_a_whole_array_is_frozen():
    rng = np.random.default_rng(0)
    sizes = 10 ** rng.uniform(6, 9, 30)
    loss = 1.5 + 30 / sizes**0.2 + 300 / sizes**0.4
    runs = Runs.read({"num_params": sizes, "loss": loss})
    held = fit(Terms, runs, freeze={"alpha": [0.2, 0.4]}, objective=LogSquares(), num_starts=16)
    np.testing.assert_allclose([*held.law.A, held.law.E], [30.0, 300.0, 1.5], rtol=1e-5)
    np.testing.assert_array_equal(held.law.alpha, [0.2, 0.4])
    same = fit(Terms, runs, freeze={"alpha": 0.3, "A[0]": 7.0}, num_starts=16)
    np.testing.assert_array_equal([*same.law.alpha, same.law.A[0]], [0.3, 0.3, 7.0])


def test_elements_are_tied_and_bounded(fitted):
    tied = fit(Parabola, RUNS, tie={"w[2]": "w[0]"}, **OPTIONS)
    merged = np.stack([DESIGN[:, 0] + DESIGN[:, 2], X], axis=1)
    np.testing.assert_allclose(tied.law.w[:2], least_squares(merged, Y), rtol=1e-8)
    assert tied.law.w[2] == tied.law.w[0]
    bounded = fit(Parabola, RUNS, bounds={"w": (-1.0, 5.0)}, **OPTIONS)
    assert bounded.status.name == "ON_BOUND"
    np.testing.assert_allclose(bounded.law.w[1], -1.0, atol=1e-3)
    assert bounded.held()["w[2]"] == "between -1 and 5"


def test_the_prior_of_an_array_holds_for_each_element(fitted):
    wide = fit(Parabola, RUNS, priors={"w": Normal(0.0, 1e6)}, **OPTIONS)
    np.testing.assert_allclose(wide.law.w, fitted.law.w, rtol=1e-6)
    means = np.array([2.0, -2.0, 0.4])
    tight = fit(Parabola, RUNS, priors={"w": Normal(means, 1e-6)}, **OPTIONS)
    np.testing.assert_allclose(tight.law.w, means, atol=1e-5)
    single = fit(Parabola, RUNS, priors={"w[1]": Normal(-1.0, 1e-6)}, **OPTIONS)
    np.testing.assert_allclose(single.law.w[1], -1.0, atol=1e-5)
    assert single.law.w[0] != pytest.approx(means[0], rel=1e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"freeze": {"w[3]": 1.0}}, r"no coefficient 'w\[3\]': w is an array of shape \(3,\)"),
        ({"freeze": {"w": [1.0, 2.0]}}, r"expected an array of shape \(3,\)"),
        ({"freeze": {"w": 1.0, "w[0]": 2.0}}, r"'w\[0\]' is given twice"),
        ({"tie": {"w[0]": "w"}}, r"name an element, such as 'w\[0\]'"),
        ({"bounds": {"w": (0, 1), "w[2]": (0, 1)}}, r"'w\[2\]' is given twice"),
        ({"bounds": {"v[2]": (0, 1)}}, r"no coefficient 'v\[2\]'"),
    ],
)
def test_wrong_names_and_shapes_are_errors(options, message):
    with pytest.raises(ValueError, match=message):
        fit(Parabola, RUNS, **OPTIONS, **options)


def test_the_file_of_a_fit_holds_arrays(fitted, tmp_path):
    held = fit(Parabola, RUNS, freeze={"w[0]": 1.5}, bounds={"w[1]": (-5, 5)}, **OPTIONS)
    for result in (fitted, held):
        result.save(tmp_path / "fit.json")
        again = FitResult.load(tmp_path / "fit.json")
        np.testing.assert_array_equal(again.law.w, result.law.w)
        assert again.coefficients() == result.coefficients()
        assert again.held() == result.held()
        assert again.options.freeze == result.options.freeze
        np.testing.assert_array_equal(jaxlaws.load(tmp_path / "fit.json").w, result.law.w)
    text = (tmp_path / "fit.json").read_text().replace('"w": [', '"w": [1.0, ', 1)
    (tmp_path / "fit.json").write_text(text)
    with pytest.raises(jaxlaws.DataError, match=r"expected numbers of shape \(3,\)"):
        jaxlaws.load(tmp_path / "fit.json")


def test_profile_and_laplace_know_elements(fitted):
    ends = profile(fitted, RUNS, "w[1]").interval
    hat = np.linalg.inv(DESIGN.T @ DESIGN)
    residuals = Y - DESIGN @ fitted.law.w
    # With the spread fitted, the deviance n log(RSS) rises by the quantile of chi-squared.
    rise = np.expm1(1.6448536**2 / len(X)) * residuals @ residuals
    half = np.sqrt(rise * hat[1, 1])
    np.testing.assert_allclose(ends, fitted.law.w[1] + half * np.array([-1, 1]), rtol=1e-3)
    draws = laplace(fitted, RUNS, num_draws=4000)
    variance = residuals @ residuals / (len(X) - 3) * hat
    np.testing.assert_allclose(np.var(draws.w, axis=0), np.diag(variance), rtol=0.1)


def test_groups_have_arrays_or_elements_of_their_own():
    fits = fit_groups(Parabola, RUNS, group="side", own=["w[0]"], bootstrap=8, **OPTIONS)
    left = (X < 0).astype(float)
    found = least_squares(np.column_stack([left, 1 - left, X, X**2]), Y)
    np.testing.assert_allclose(fits["left"].law.w, found[[0, 2, 3]], rtol=1e-7)
    np.testing.assert_allclose(fits["right"].law.w, found[1:], rtol=1e-7)
    assert fits["left"].ensemble.w.shape == (8, 3)
    names = ("w[0][left]", "w[0][right]", "w[1]", "w[2]")
    assert fits["left"].identifiability.names == names
    apart = fit_groups(Parabola, RUNS, group="side", own=["w"], **OPTIONS)
    for side, mask in (("left", X < 0), ("right", X >= 0)):
        alone = least_squares(DESIGN[mask], Y[mask])
        np.testing.assert_allclose(apart[side].law.w, alone, rtol=1e-6)


def test_a_unit_may_depend_on_an_array_of_exponents(x64):
    law = Terms(E=1.5, A=np.array([30.0, 300.0]), alpha=np.array([0.2, 0.4]))
    moved = centre(law, {"num_params": 1e8})
    np.testing.assert_allclose(moved.A, [30 / 1e8**0.2, 300 / 1e8**0.4], rtol=1e-12)
    np.testing.assert_allclose(moved.loss(num_params=2.0), law.loss(num_params=2e8), rtol=1e-12)
    batch = jax.tree.map(lambda leaf: np.stack([leaf, 2 * leaf]), moved)
    back = uncentre(batch, {"num_params": 1e8})
    np.testing.assert_allclose(back.A[0], law.A, rtol=1e-12)
    assert coefficient_names(law) == ["E", "A[0]", "A[1]", "alpha[0]", "alpha[1]"]
    np.testing.assert_array_equal(coefficients(batch)["alpha[1]"], [0.4, 0.8])


@pytree
class Undeclared:
    """An array without a declared shape."""

    w: Coefficient = real()

    input_names = ("num_params",)

    def loss(self, *, num_params):
        return num_params * self.w[0] + self.w[1]


def test_an_array_without_a_declared_shape_is_an_error_before_the_fit():
    runs = Runs.read({"num_params": [1e6, 1e7, 1e8, 1e9], "loss": [4.0, 3.0, 2.5, 2.2]})
    with pytest.raises(TypeError, match=r"declare its shape, such as w: Coefficient = real\(shape"):
        fit(Undeclared, runs, num_starts=4)
