"""Laws that predict several outcomes for each run, such as the losses of several domains."""

import dataclasses

import jax
import numpy as np
import pytest
from array_laws import TRUE_MIX, TwoDomains, mixture_law, mixture_table
from scipy.optimize import least_squares

import jaxlaws
from fitting import FitResult, LogSquares, Runs, TableNote, fit, fit_groups, k_fold
from fitting.data.predictions import predict
from fitting.estimation.resampling import resampled_tables
from fitting.reporting.fit_sections import fit_report
from jaxlaws.pytree import pytree

TABLE = mixture_table()
RUNS = Runs.read(TABLE, law_type=TwoDomains)
OPTIONS = {"objective": LogSquares(), "num_starts": 16}
SHARES = {name: TABLE[name] for name in TwoDomains.input_names}


@pytest.fixture(scope="module")
def fitted():
    return fit(TwoDomains, RUNS, bootstrap=32, weights="weight", **OPTIONS)


def test_the_columns_of_the_outcomes_are_read():
    assert RUNS.loss.shape == (30, 2)
    np.testing.assert_array_equal(RUNS.column("loss_code"), TABLE["loss_code"])
    assert "loss_code" not in RUNS.others
    named = {("web" if name == "loss_web" else name): each for name, each in TABLE.items()}
    again = Runs.read(named, {"loss_web": "web"}, TwoDomains)
    np.testing.assert_array_equal(again.loss, RUNS.loss)
    mean = (TABLE["loss_web"] + TABLE["loss_code"]) / 2
    plain = Runs.read(TABLE | {"loss": mean, "num_params": np.geomspace(1e6, 1e9, 30)})
    np.testing.assert_array_equal(plain.for_law(TwoDomains).loss, RUNS.loss)
    np.testing.assert_array_equal(plain.for_law(TwoDomains).others["loss"], mean)


def test_a_column_loss_is_another_column():
    runs = Runs.read(TABLE | {"loss": TABLE["loss_web"]}, law_type=TwoDomains)
    np.testing.assert_array_equal(runs.loss, RUNS.loss)
    assert "loss" in runs.others


@pytest.mark.parametrize(
    ("options", "factors"),
    [
        ({"loss_unit": "bits"}, np.log([2, 2])),
        ({"units": {"loss_web": "3"}}, [3, 1]),
        ({"units": {"loss_code": "1e3"}, "loss_unit": "nats"}, [1, 1e3]),
    ],
)
def test_named_outcomes_are_converted(options, factors):
    named = {("web" if name == "loss_web" else name): each for name, each in TABLE.items()}
    with pytest.warns(TableNote, match="multiplied by"):
        runs = Runs.read(named, {"loss_web": "web"}, TwoDomains, **options)
    np.testing.assert_allclose(runs.loss, RUNS.loss * factors, rtol=1e-15)


def test_a_missing_column_and_a_bad_cell_are_named():
    table = {name: list(values) for name, values in TABLE.items()}
    table["loss_code"][2] = -1.0
    with pytest.raises(jaxlaws.DataError, match="row 3, column loss_code"):
        Runs.read(table, law_type=TwoDomains)
    del table["loss_code"]
    with pytest.raises(jaxlaws.DataError, match="has no column loss_code"):
        Runs.read(table, law_type=TwoDomains)


def test_the_fit_sums_over_runs_and_outcomes(fitted):
    weights = np.repeat(TABLE["weight"] / TABLE["weight"].mean(), 2)
    target = np.log(RUNS.loss).ravel()
    structure = jax.tree.structure(TRUE_MIX)
    shapes = [leaf.shape for leaf in jax.tree.leaves(TRUE_MIX)]

    def residuals(vector):
        ends = np.cumsum([np.prod(shape) for shape in shapes])[:-1]
        parts = [
            part.reshape(shape) for part, shape in zip(np.split(vector, ends), shapes, strict=True)
        ]
        law = jax.tree.unflatten(structure, parts)
        sums = np.stack(list(SHARES.values()), axis=1) @ law.t.T
        losses = np.log(law.c + law.k * np.exp(sums))
        return np.sqrt(weights) * (losses.ravel() - target)

    start = np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(TRUE_MIX)])
    found = least_squares(residuals, start, xtol=1e-14, ftol=1e-14, gtol=1e-14)
    ours = np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(fitted.law)])
    np.testing.assert_allclose(ours, found.x, rtol=1e-5)
    assert fitted.objective == pytest.approx(found.cost, rel=1e-9)
    assert fitted.num_runs == 30


def test_resampling_draws_whole_runs():
    weights = np.repeat(np.arange(1.0, 6.0), 2)
    draws = {"num_free": 2, "objective": LogSquares(), "num_draws": 7, "seed": 0, "num_outcomes": 2}
    counts, shifts = resampled_tables("pairs", np.ones(10), weights, **draws)
    counts = counts / weights
    np.testing.assert_array_equal(counts[:, ::2], counts[:, 1::2])
    np.testing.assert_array_equal(counts.sum(axis=1), 10)
    assert shifts is None
    _, shifts = resampled_tables("wild", np.ones(10), weights, **draws)
    np.testing.assert_array_equal(shifts[:, ::2], shifts[:, 1::2])
    with pytest.raises(ValueError, match="are resampled together: use resample='pairs' or 'wild'"):
        resampled_tables("residuals", np.ones(10), weights, **draws)


def test_files_groups_hold_outs_and_reports_know_outcomes(fitted, tmp_path):
    fitted.save(tmp_path / "fit.json")
    again = FitResult.load(tmp_path / "fit.json", TwoDomains)
    np.testing.assert_array_equal(again.law.t, fitted.law.t)
    assert again.ensemble.t.shape == (32, 2, 2)
    assert predict(again.law, SHARES).shape == (30, 2)
    (first, *_) = k_fold(TwoDomains, RUNS, 3, **OPTIONS)
    assert first.errors["law"].shape == (10, 2)
    assert first.summary()["errors"]["law"]["mean"] < 0.5
    assert first.summary()["errors"]["constant loss"]["mean"] > 5
    groups = fit_groups(TwoDomains, RUNS, group="lab", own=["c"], **OPTIONS)
    np.testing.assert_allclose(groups["a"].law.c, TRUE_MIX.c, rtol=0.05)
    np.testing.assert_array_equal(groups["a"].law.t, groups["b"].law.t)
    parts = fit_report(fitted, runs=RUNS)
    assert any("t[1,0]" in part.replace("\\", "") for part in parts if isinstance(part, str))


def test_a_law_must_return_the_outcomes_that_it_declares():
    @pytree
    class Three(TwoDomains):
        outcomes = ("loss_web", "loss_code", "loss_math")

    table = TABLE | {"loss_math": TABLE["loss_web"]}
    with pytest.raises(TypeError, match=r"must have the shape \(8, 3\), but has \(8, 2\)"):
        fit(Three, Runs.read(table, law_type=Three), num_starts=4)

    @pytree
    class Undeclared(TwoDomains):
        outcomes = ()

    table = TABLE | {"loss": TABLE["loss_web"]}
    with pytest.raises(TypeError, match="names their columns in its class"):
        fit(Undeclared, Runs.read(table, law_type=Undeclared), num_starts=4)


def test_names_of_outcomes_are_checked():
    for outcomes in (["loss_web"], ("loss_web", "loss_web"), ("share_web",), ("loss",)):
        law_type = mixture_law("Wrong", ["share_web"], ["loss_web"])
        law_type.outcomes = outcomes
        with pytest.raises(TypeError, match=r"Wrong\.outcomes"):
            Runs.read(TABLE, law_type=law_type)


def test_a_batch_of_such_laws_is_a_batch_of_predictions(x64):
    batch = jax.tree.map(lambda leaf: np.stack([leaf, 1.01 * leaf]), TRUE_MIX)
    fixed = jaxlaws.fix_inputs(batch, share_code=0.25)
    found = fixed.loss(share_web=[[0.1], [0.3], [0.5]])
    assert found.shape == (3, 2, 2)
    second = dataclasses.replace(TRUE_MIX, **{n: leaf[1] for n, leaf in vars(batch).items()})
    expected = second.loss(share_web=[0.1, 0.3, 0.5], share_code=0.25)
    np.testing.assert_allclose(found[:, 1], expected, rtol=1e-12)
