"""A roll-out is stored with the fit and found again by its distance."""

import dataclasses
import json

import numpy as np
import pytest

from fitting import FitResult, Runs, fit, roll_out
from fitting.validation.errors_by_distance import decades_beyond, errors_at, roll_out_in_words
from jaxlaws import DataError
from jaxlaws.laws.chinchilla import Chinchilla

SIZES, TOKENS = (
    axis.ravel() for axis in np.meshgrid(np.geomspace(1e7, 1e10, 7), np.geomspace(1e9, 1e11, 4))
)
# The law lacks the last term, so that it is wrong far from its runs.
LOSS = 1.7 + 60 / SIZES**0.2 + 300 / TOKENS**0.25 + 2e-9 * SIZES**0.85 / TOKENS**0.05


@pytest.fixture(scope="module")
def rolled():
    runs = Runs.read({"num_params": SIZES, "num_tokens": TOKENS, "loss": LOSS})
    options = {"num_starts": 16, "freeze": {"E": 1.7}}
    result = fit(Chinchilla, runs, **options)
    found = roll_out(Chinchilla, runs, "flops", num_windows=2, **options)
    return dataclasses.replace(result, roll_out=found.to_json()), found


def test_the_stored_errors_are_those_of_the_predictions_at_that_distance(rolled):
    result, found = rolled
    assert result.roll_out["largest"] == pytest.approx(6 * 1e10 * 1e11)
    decades, errors = found.against_distance()
    for low, high in ((0.0, 0.5), (1.0, 1.5)):
        here = np.abs(errors[(decades > low) & (decades <= high)])
        at = errors_at(result.roll_out, (low + high) / 2)
        assert at["mean"] == pytest.approx(here.mean())
        assert at["worst"] == pytest.approx(here.max())
    far = errors_at(result.roll_out, np.array([0.0, np.nan, 9.0]))["mean"]
    last = result.roll_out["steps"][-1]["mean"]
    np.testing.assert_array_equal(far, [np.nan, np.nan, last])


@pytest.mark.parametrize(
    ("by", "expected"), [("flops", 2.0), ("num_params", 1.0), ("num_tokens", 1.0)]
)
@pytest.mark.parametrize("kind", ["", "student_"])
def test_the_distance_is_that_of_the_model(by, expected, kind):
    largest = {"flops": 6e20, "num_params": 1e9, "num_tokens": 1e11}[by]
    model = {f"num_{kind}params": np.array([1e10, 1e8]), f"num_{kind}tokens": np.array([1e12, 1e9])}
    beyond = decades_beyond({"by": by, "largest": largest, "steps": []}, model)
    np.testing.assert_allclose(beyond, [expected, 0.0], atol=1e-12)


def test_beyond_the_roll_out_the_sentence_says_so(rolled):
    stored = rolled[0].roll_out
    reach = stored["steps"][-1]["decades"][1]
    assert "expect larger errors" in roll_out_in_words(stored, reach + 0.1, "this plan")
    assert "expect" not in roll_out_in_words(stored, [0.1, reach], "this plan")
    assert roll_out_in_words(stored, [0.0, np.nan], "this plan") == ""


def test_a_file_keeps_it_and_is_checked(rolled, tmp_path):
    path = tmp_path / "fit.json"
    rolled[0].save(path)
    assert FitResult.load(path).roll_out == rolled[0].roll_out
    good = json.loads(path.read_text())
    step = good["fit"]["roll_out"]["steps"][0]
    for change in (
        {"by": "width"},
        {"largest": 0},
        {"largest": "1e22"},
        {"steps": []},
        {"steps": [step | {"mean": -1}]},
        {"steps": [step | {"decades": [0]}]},
        {"steps": [{"mean": 1}]},
        {"more": 1},
    ):
        fitted = good["fit"] | {"roll_out": good["fit"]["roll_out"] | change}
        path.write_text(json.dumps(good | {"fit": fitted}))
        with pytest.raises(DataError, match="'roll_out'"):
            FitResult.load(path)
