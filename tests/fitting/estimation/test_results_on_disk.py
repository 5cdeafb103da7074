"""A fit on disk comes back whole, or is refused in one message."""

import json

import jax
import numpy as np
import pytest
from by_hand import size_columns
from laws_of_tests import SizeLaw

import jaxlaws
from fitting import FitResult, Runs, Status, fit
from jaxlaws.foundations.errors import DataError


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
    told, before = back.identifiability, simulated_fit.identifiability
    assert (told.names, told.notes) == (before.names, before.notes)
    np.testing.assert_array_equal(told.eigenvalues, before.eigenvalues)
    np.testing.assert_array_equal(told.directions, before.directions)
    same_law(back.interval(0.9)[0], simulated_fit.interval(0.9)[0])
    # The same file is a law's.
    same_law(jaxlaws.load(tmp_path / "fit.json"), simulated_fit.law)


def test_a_fit_of_ones_own_law_comes_back(tmp_path):
    result = fit(SizeLaw, Runs.read(size_columns(), law_type=SizeLaw))
    result.save(tmp_path / "own.json")
    same_law(FitResult.load(tmp_path / "own.json", SizeLaw).law, result.law)
    with pytest.raises(DataError, match="law_type="):
        FitResult.load(tmp_path / "own.json")


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
def test_a_missing_part_is_told(simulated_fit, tmp_path, lost):
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
