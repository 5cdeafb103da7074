"""A fit on disk comes back whole, or is refused in one message."""

import dataclasses
import json
import sys

import jax
import numpy as np
import pytest
from by_hand import size_columns, taught_columns
from laws_of_tests import SizeLaw, TaughtLaw

import jaxlaws
from fitting import (
    AsymmetricHuber,
    FitOptions,
    FitResult,
    Huber,
    LogNormal,
    LogSquares,
    Normal,
    Runs,
    Squares,
    Status,
    StudentT,
    fit,
)
from fitting.estimation.stored_options import options_from_json, options_to_json
from jaxlaws.foundations.errors import DataError
from jaxlaws.precision import to_float64


def same_law(one, other):
    assert jax.tree.structure(one) == jax.tree.structure(other)
    for ours, theirs in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        assert np.asarray(ours).dtype == np.float64
        np.testing.assert_array_equal(ours, theirs)


def test_a_fit_comes_back(simulated_fit, tmp_path):
    simulated_fit.save(tmp_path / "fit.json")
    back = FitResult.load(tmp_path / "fit.json")
    same_law(back.law, simulated_fit.law)
    same_law(back.ensemble, simulated_fit.ensemble)
    assert back.status is Status.CONVERGED
    for name in ("objective", "starts_agreeing", "gradient_norm", "fitted_range", "num_runs",
                 "num_left", "frozen", "warnings"):  # fmt: skip
        assert getattr(back, name) == getattr(simulated_fit, name), name
    np.testing.assert_array_equal(back.objective_by_start, simulated_fit.objective_by_start)
    np.testing.assert_array_equal(back.ensemble_status, simulated_fit.ensemble_status)
    after, before = back.identifiability, simulated_fit.identifiability
    assert (after.names, after.notes) == (before.names, before.notes)
    np.testing.assert_array_equal(after.eigenvalues, before.eigenvalues)
    np.testing.assert_array_equal(after.directions, before.directions)
    same_law(back.interval(0.9)[0], simulated_fit.interval(0.9)[0])
    assert back.options == simulated_fit.options == FitOptions(bootstrap=128)
    # The same file is a law's.
    same_law(jaxlaws.load(tmp_path / "fit.json"), simulated_fit.law)


def test_a_fit_of_ones_own_law_comes_back(tmp_path):
    result = fit(SizeLaw, Runs.read(size_columns(), law_type=SizeLaw))
    result.save(tmp_path / "own.json")
    same_law(FitResult.load(tmp_path / "own.json").law, result.law)
    same_law(FitResult.load(tmp_path / "own.json", SizeLaw).law, result.law)


def test_a_file_cut_anywhere_is_refused(simulated_fit, tmp_path):
    path = tmp_path / "cut.json"
    simulated_fit.save(path)
    whole = path.read_bytes()
    for share in (0.0, 0.1, 0.5, 0.9, 0.999):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(DataError, match=r"cut\.json"):
            FitResult.load(path)


def test_random_bytes_are_refused(tmp_path):
    path = tmp_path / "noise.json"
    path.write_bytes(np.random.default_rng(0).integers(0, 256, 2000, dtype=np.uint8).tobytes())
    with pytest.raises(DataError, match=r"noise\.json"):
        FitResult.load(path)


@pytest.mark.parametrize("lost", ["status", "identifiability", "num_runs", "ensemble"])
def test_a_missing_part_is_reported(simulated_fit, tmp_path, lost):
    path = tmp_path / "fit.json"
    simulated_fit.save(path)
    document = json.loads(path.read_text())
    del document["fit"][lost]
    path.write_text(json.dumps(document))
    with pytest.raises(DataError, match=f"whole fit.*{lost}"):
        FitResult.load(path)


def test_a_law_alone_is_no_fit(simulated_fit, tmp_path):
    jaxlaws.save(simulated_fit.law, tmp_path / "law.json")
    with pytest.raises(DataError, match=r"no fit: use jaxlaws\.load"):
        FitResult.load(tmp_path / "law.json")


def test_a_failure_to_write_leaves_the_old_file(simulated_fit, tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        simulated_fit.save(tmp_path / "folder")
    with pytest.raises(FileNotFoundError):
        simulated_fit.save(tmp_path / "none" / "fit.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder"]


OPTIONS = FitOptions(
    objective=AsymmetricHuber(1e-2, over=3.0),
    num_starts=12,
    starts="grid",
    bootstrap=8,
    resample="wild",
    jackknife=True,
    cluster="training",
    weights="w",
    freeze={"E": 1.7},
    tie={"beta": "alpha", "A": "supervised.A"},
    bounds={"alpha": (0.1, None), "B": (None, 9.0)},
    priors={"E": Normal(1.7, 0.1), "supervised.A": LogNormal(400.0, factor=2.0)},
    seed=3,
    throw=True,
)


@pytest.mark.parametrize(
    "objective", [Huber(2e-3), AsymmetricHuber(), LogSquares(), Squares(0.1), StudentT(0.02, 3.0)]
)
def test_options_come_back(objective):
    options = OPTIONS.replaced(objective=objective)
    document = json.loads(json.dumps(options_to_json(options), allow_nan=False))
    assert options_from_json(document, {}, None) == options


def test_frozen_laws_and_fits_come_back(simulated_fit):
    freeze = {"supervised": simulated_fit, "other": simulated_fit.law, "E": 1.7}
    document = json.loads(json.dumps(options_to_json(FitOptions(freeze=freeze))))
    again = options_from_json(document, {"supervised": simulated_fit}, None).freeze
    assert again["supervised"] is simulated_fit
    same_law(to_float64(again["other"]), simulated_fit.law)
    assert again["E"] == 1.7


def test_each_stage_has_its_options(tmp_path):
    few = {"objective": LogSquares(), "num_starts": 8}
    options = FitOptions(**few, freeze={"alone.E": 1.5, "shift": -0.1}, throw=True)
    result = fit(TaughtLaw, Runs.read(taught_columns()), options=options)
    assert result.options == options
    assert result.stages["alone"].options == FitOptions(**few, freeze={"E": 1.5})


class MeanAbsolute:
    """An objective that the package does not know."""

    def residuals(self, predicted, observed):
        return predicted - observed

    def costs(self, residuals):
        return residuals**2

    def slope(self):
        return 1e-2


def test_an_unknown_objective_is_given_again(simulated_fit, tmp_path):
    path, own = tmp_path / "fit.json", MeanAbsolute()
    options = simulated_fit.options.replaced(objective=own)
    dataclasses.replace(simulated_fit, options=options).save(path)
    with pytest.raises(DataError, match=r"'MeanAbsolute'.*pass objective="):
        FitResult.load(path)
    assert FitResult.load(path, objective=own).options == options


def test_an_older_file_has_the_options_of_a_plain_fit(simulated_fit, tmp_path):
    path = tmp_path / "fit.json"
    simulated_fit.save(path)
    document = json.loads(path.read_text())
    del document["fit"]["options"]
    path.write_text(json.dumps(document))
    assert FitResult.load(path).options == FitOptions()
    assert FitResult.load(path, objective=Squares()).options == FitOptions(objective=Squares())


def test_a_file_imports_nothing_that_it_names(simulated_fit, tmp_path):
    path = tmp_path / "fit.json"
    simulated_fit.save(path)
    path.write_text(path.read_text().replace('"Huber"', '"antigravity.Huber"'))
    with pytest.raises(DataError, match="antigravity"):
        FitResult.load(path)
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda fit: fit.update(colour="red"), "unknown key 'colour'"),
        (lambda fit: fit.update(num_runs=-1), "'num_runs'"),
        (lambda fit: fit.update(num_runs=1.5), "'num_runs'"),
        (lambda fit: fit.update(warnings="all is well"), "'warnings'"),
        (lambda fit: fit.update(stages=[1]), "'stages'"),
        (lambda fit: fit["fitted_range"].update(num_params=[5.0, 1.0]), "'fitted_range'"),
        (lambda fit: fit["fitted_range"].update(num_params=[1.0]), "'fitted_range'"),
        (lambda fit: fit["options"].update(colour="red"), "'options': unknown key 'colour'"),
        (lambda fit: fit["reading"].update(units=[1]), "'reading': .* as 'units'"),
        (lambda fit: fit["reading"].update(units={"flops": 1}), "'reading': .* as 'units'"),
        (lambda fit: fit["reading"].update(columns=[1]), "'reading': .* as 'columns'"),
        (lambda fit: fit["ensemble_status"].pop(), "127 values: their lengths must be the same"),
        (lambda fit: fit["ensemble_status"].__setitem__(0, 99), "'ensemble_status'"),
        (lambda fit: fit["ensemble"]["coefficients"]["E"].pop(), "different lengths"),
        (lambda fit: fit["ensemble"]["coefficients"]["E"].__setitem__(5, "nan"), "not finite"),
        (lambda fit: fit["ensemble"]["coefficients"]["E"].__setitem__(5, -2.0), "domain"),
    ],
)
def test_a_file_whose_keys_or_values_cannot_be_of_a_fit_is_refused(
    simulated_fit, tmp_path, change, message
):
    path = tmp_path / "fit.json"
    simulated_fit.save(path)
    document = json.loads(path.read_text())
    change(document["fit"])
    path.write_text(json.dumps(document))
    with pytest.raises(DataError, match=message) as caught:
        FitResult.load(path)
    assert str(path) in str(caught.value)
