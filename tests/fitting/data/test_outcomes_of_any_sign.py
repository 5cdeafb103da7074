"""Outcomes and inputs of zero or of negative value, where a law or the user declares them."""

import jax.numpy as jnp
import numpy as np
import pytest
from array_laws import Parabola
from laws_of_tests import Line

from fitting import AsymmetricHuber, Huber, LogSquares, Runs, Squares, StudentT, fit, hold_out
from fitting.data.predictions import predict, relative_errors
from fitting.problem.centring import scales_of
from fitting.reporting.fit_sections import fit_report
from jaxlaws import fix_inputs
from jaxlaws.foundations.errors import DataError
from jaxlaws.inputs import Input, prediction
from jaxlaws.pytree import Coefficient, positive, pytree, real

ANY = Input("score", may_be_negative=True)
SIZES = np.geomspace(1e6, 1e9, 12)
SCORES = -2 + 0.3 * np.log10(SIZES) + 0.01 * np.sin(np.arange(12.0))  # of both signs
TABLE = {"num_params": SIZES, "loss": SCORES}


def test_without_a_declaration_reading_refuses_them_and_says_how_to_declare_them():
    for law_type in (None, Line):
        with pytest.raises(
            DataError, match=r"row 1, column loss: -0\..* is not above zero"
        ) as caught:
            Runs.read(TABLE, law_type=law_type)
        assert str(caught.value).count("may_be_negative=True") == 2


@pytest.mark.parametrize("law_type", [None, Line])
def test_the_user_declares_them(law_type):
    runs = Runs.read(TABLE, law_type=law_type, outcome=ANY)
    result = fit(Line, runs, objective=Squares(), num_starts=16)
    slope, intercept = np.polyfit(np.log10(SIZES), SCORES, 1)
    np.testing.assert_allclose([result.law.a, result.law.b], [intercept, slope], rtol=1e-7)
    held = hold_out(Line, runs, "num_params > 5e8", objective=Squares(), num_starts=16)
    predicted = predict(held.fit.law, held.unseen.inputs)  # all of these scores are above zero
    np.testing.assert_allclose(held.errors["law"], 100 * (predicted / held.unseen.loss - 1))
    assert np.abs(held.errors["law"]).max() < 10
    assert len(fit_report(result, runs=runs)) > 3


def test_errors_are_relative_to_the_mean_size():
    runs = Runs.read({"num_params": [1e6, 1e7, 1e8], "loss": [-1.0, 0.0, 2.0]}, outcome=ANY)
    np.testing.assert_allclose(relative_errors([-1.0, 0.5, 3.0], runs), [0, 50, 100])


@pytest.mark.parametrize(
    "objective", [Huber(), LogSquares(), StudentT(), StudentT(scale=None), AsymmetricHuber()]
)
def test_log_residuals_of_such_outcomes_are_one_error(objective):
    runs = Runs.read(TABLE, outcome=ANY)
    with pytest.raises(DataError, match=r"row 1, column loss: -0.2\n") as caught:
        fit(Line, runs, objective=objective)
    assert type(objective).__name__ in str(caught.value)
    assert "objective=Squares(), or --objective squares" in str(caught.value)


def test_the_class_of_a_law_declares_them_and_inputs_of_any_sign():
    x = np.array([-3.0, -1.0, -0.5, 0.0, 2.0, 4.0])
    y = 1 - 2 * x + 0.5 * x**2
    runs = Runs.read({"x": x, "loss": y}, law_type=Parabola)
    assert runs.inputs["x"].tolist() == x.tolist()
    result = fit(Parabola, runs, objective=Squares(), num_starts=16)
    np.testing.assert_allclose(result.law.w, [1.0, -2.0, 0.5], rtol=1e-7)
    assert result.fitted_range == {"x": (-3.0, 4.0)}
    assert float(fix_inputs(result.law, x=-1.0).loss()) == pytest.approx(3.5, rel=1e-6)


def test_an_input_is_refused_where_the_law_does_not_declare_its_sign():
    @pytree
    class Share:
        E: Coefficient = positive()
        own_inputs = {"share": Input("share", may_be_zero=True)}  # noqa: RUF012

        @prediction
        def loss(self, *, share):
            return self.E + share

    with pytest.raises(DataError, match=r"row 2, column share: -0\.1 is below zero"):
        Runs.read({"share": [0.0, -0.1], "loss": [1.0, 2.0]}, law_type=Share)


def test_the_scale_of_an_input_of_any_sign_is_that_of_its_size():
    @pytree
    class Slope:
        a: Coefficient = real(unit_of="x", power=-1)
        own_inputs = {"x": Input("any number", may_be_negative=True)}  # noqa: RUF012

        @prediction
        def loss(self, *, x):
            return self.a * x

    assert scales_of({"x": np.array([-4.0, 0.0, 9.0])}, Slope) == {"x": pytest.approx(6.0)}
    x = np.array([-4e6, -1e5, 0.0, 3e6])
    runs = Runs.read({"x": x, "loss": 2e-6 * x}, law_type=Slope, outcome=ANY)
    result = fit(Slope, runs, objective=Squares(), num_starts=8)
    assert float(result.law.a) == pytest.approx(2e-6, rel=1e-6)


def test_a_law_that_predicts_negative_losses_under_a_log_objective_ends_honestly():
    @pytree
    class Negative:
        a: Coefficient = positive()
        input_names = ("num_params",)

        def loss(self, *, num_params):
            return -self.a * jnp.log10(num_params)

    runs = Runs.read({"num_params": SIZES, "loss": 4 - SCORES})
    result = fit(Negative, runs, num_starts=8)
    assert result.status.name == "NON_FINITE"
    assert not np.isfinite(result.objective_by_start).any()


def test_a_column_of_text_is_for_groups():
    @pytree
    class ByArchitecture:
        E: Coefficient = positive()
        own_inputs = {"architecture": Input("architecture of the model")}  # noqa: RUF012

        @prediction
        def loss(self, *, architecture):
            return self.E * architecture

    table = {"architecture": ["dense", "moe", "dense"], "loss": [2.0, 3.0, 2.5]}
    with pytest.raises(DataError, match="Column architecture holds text") as caught:
        Runs.read(table, law_type=ByArchitecture)
    assert "fit_groups(law, runs, group='architecture', own=[...])" in str(caught.value)
