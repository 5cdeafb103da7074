"""A column of a law's own input is read, checked, fitted and reported like any other input."""

import jax.numpy as jnp
import numpy as np
import pytest

from fitting import FitResult, Runs, compare_laws, fit, hold_out
from fitting.data.predictions import predict
from fitting.reporting.fit_sections import fit_report
from jaxlaws.foundations.errors import DataError
from jaxlaws.inputs import Input, prediction
from jaxlaws.powers import power
from jaxlaws.pytree import Coefficient, positive, pytree

pytestmark = pytest.mark.filterwarnings("ignore::fitting.data.design_checks.WeakDesignWarning")


@pytree
class Tuned:
    """`loss = E + A / N**alpha + k * log(lr / best)**2`."""

    E: Coefficient = positive()
    A: Coefficient = positive(unit_of="num_params", power="alpha")
    alpha: Coefficient = positive()
    k: Coefficient = positive()
    best: Coefficient = positive(unit_of="learning_rate")

    own_inputs = {"learning_rate": Input("peak learning rate")}  # noqa: RUF012

    @prediction
    def loss(self, *, num_params, learning_rate):
        distance = jnp.log(learning_rate / self.best)
        return self.E + self.A * power(num_params, -self.alpha) + self.k * distance**2


@pytree
class Mixed:
    """`loss = E + A / N**alpha + w * share`, of a share of code that may be zero."""

    E: Coefficient = positive()
    A: Coefficient = positive(unit_of="num_params", power="alpha")
    alpha: Coefficient = positive()
    w: Coefficient = positive()

    own_inputs = {"share": Input("share of code", may_be_zero=True, at_most=1)}  # noqa: RUF012

    @prediction
    def loss(self, *, num_params, share):
        return self.E + self.A * power(num_params, -self.alpha) + self.w * share


TRUE = Tuned(E=1.8, A=500.0, alpha=0.36, k=0.02, best=6e-4)
RANDOM = np.random.default_rng(0)
SIZES, RATES = 10 ** RANDOM.uniform(6, 9, 40), 10 ** RANDOM.uniform(-4, -2.5, 40)
INPUTS = {"num_params": SIZES, "learning_rate": RATES}
COLUMNS = INPUTS | {
    "loss": predict(TRUE, INPUTS) * np.exp(1e-3 * RANDOM.normal(size=40)),
    "lab": [*"ab"] * 20,
}


@pytest.fixture(scope="module")
def fitted():
    return fit(Tuned, Runs.read(COLUMNS, law_type=Tuned), num_starts=32)


def test_with_the_law_the_column_is_an_input():
    runs = Runs.read(COLUMNS, law_type=Tuned)
    np.testing.assert_array_equal(runs.inputs["learning_rate"], RATES)
    assert set(runs.others) == {"lab"}


def test_without_the_law_the_column_stands_among_the_others():
    runs = Runs.read(COLUMNS)
    assert set(runs.others) == {"learning_rate", "lab"}
    called = runs.for_law(Tuned)
    np.testing.assert_array_equal(called.inputs["learning_rate"], RATES)
    assert set(called.others) == {"lab"}
    assert len(called.where(called.column("learning_rate") < 1e-3)) < 40


def test_numbers_as_people_write_them_and_other_names():
    columns = COLUMNS | {"lr": ["0.3M"] * 40}
    runs = Runs.read(columns, {"learning_rate": "lr"}, law_type=Tuned)
    assert set(runs.inputs["learning_rate"]) == {3e5}
    with pytest.raises(ValueError, match=r"no input 'learning_rate'.*pass law_type="):
        Runs.read(columns, {"learning_rate": "lr"})


@pytest.mark.parametrize("law_type", [Tuned, None])
@pytest.mark.parametrize(
    ("cell", "why"), [("", "is missing"), ("0", "is not above zero"), ("high", "is not a number")]
)
def test_a_bad_cell_is_reported_with_its_place(tmp_path, cell, why, law_type):
    path = tmp_path / "runs.csv"
    rates = ["1e-3", cell, "2e-3"]
    lines = [f"{10**i}e6,{rate},3.{i}" for i, rate in enumerate(rates)]
    path.write_text("\n".join(["num_params,learning_rate,loss", *lines]))
    with pytest.raises(DataError) as caught:
        Runs.read(path, law_type=law_type).for_law(Tuned)
    what = repr(cell) if cell else "the value"
    reported = str(caught.value).partition("\n  Rows without a value")[0]
    assert reported == f"{path}:\n  row 3, column learning_rate: {what} {why}"


def test_a_missing_column_is_reported_with_the_remedy():
    columns = {name: cells for name, cells in COLUMNS.items() if name != "learning_rate"}
    with pytest.raises(DataError, match=r"no column learning_rate.*law_type=.*--column learning_r"):
        Runs.read(columns, law_type=Tuned)


@pytest.mark.parametrize(("cell", "why"), [(-0.1, "is below zero"), (1.5, "is above 1")])
def test_a_share_lies_between_zero_and_one(cell, why):
    shares = [0.0, 0.25, 1.0]
    table = {"num_params": [1e6, 1e7, 1e9], "share": shares, "loss": [4.0, 3.0, 2.0]}
    assert Runs.read(table, law_type=Mixed).inputs["share"].tolist() == shares
    with pytest.raises(DataError, match=f"row 2, column share: {cell} {why}"):
        Runs.read(table | {"share": [0.0, cell, 1.0]}, law_type=Mixed)


def test_zeros_are_a_level_of_their_own():
    table = {"num_params": [1e6, 1e7, 1e9], "share": [0.0, 0.5, 0.5], "loss": [4.0, 3.0, 2.0]}
    runs = Runs.read(table, law_type=Mixed)
    (reported,) = runs.weaknesses(Mixed.input_names)
    assert reported.startswith("share has 2 levels")


def test_a_law_of_a_share_is_fitted():
    shares = np.tile([0.0, 0.3, 0.6, 1.0], 10)
    true = Mixed(E=1.8, A=500.0, alpha=0.36, w=0.2)
    losses = predict(true, {"num_params": SIZES, "share": shares})
    runs = Runs.read({"num_params": SIZES, "share": shares, "loss": losses})
    result = fit(Mixed, runs, num_starts=32)
    assert result.law.w == pytest.approx(0.2, rel=1e-4)
    assert result.fitted_range["share"] == (0.0, 1.0)


def test_the_fit_finds_the_truth(fitted):
    assert fitted.status.name == "CONVERGED"
    assert fitted.starts_agreeing > 0.9
    assert fitted.law.best == pytest.approx(6e-4, rel=0.05)
    assert fitted.fitted_range["learning_rate"] == (RATES.min(), RATES.max())


def test_a_table_read_without_the_law_gives_the_same_fit(fitted):
    other = fit(Tuned, Runs.read(COLUMNS), num_starts=32)
    assert other.law.best == fitted.law.best


def test_the_fit_comes_back_from_its_file(fitted, tmp_path):
    fitted.save(tmp_path / "fit.json")
    assert FitResult.load(tmp_path / "fit.json").law.best == fitted.law.best


def test_hold_outs_and_comparisons_take_the_law():
    held = hold_out(Tuned, Runs.read(COLUMNS), "learning_rate > 2e-3", num_starts=32)
    assert held.summary()["errors"]["law"]["worst"] < 2
    compared = compare_laws({"tuned": Tuned, "again": Tuned}, Runs.read(COLUMNS), num_starts=32)
    assert compared is not None


def test_the_report_says_what_the_input_means(fitted):
    parts = fit_report(fitted, runs=Runs.read(COLUMNS))
    assert any("peak learning rate" in part for part in parts if isinstance(part, str))


def test_a_prediction_that_lacks_an_input_is_reported():
    with pytest.raises(ValueError, match="Tuned needs learning_rate"):
        predict(TRUE, Runs.read(COLUMNS).inputs)
