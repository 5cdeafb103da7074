"""`jaxlaws validate`: one rule, one table of errors on unseen runs, or one message."""

import csv
import re

import numpy as np
import pytest

from jaxlaws import presets

TRUTH = presets.load("besiroglu2024")
SIZES, TOKENS = (
    axis.ravel() for axis in np.meshgrid(np.geomspace(1e8, 1e10, 6), np.geomspace(2e9, 2e11, 5))
)
LOSSES = np.asarray(TRUTH.loss(num_params=SIZES, num_tokens=TOKENS))
LOSSES = LOSSES * np.exp(5e-4 * np.random.default_rng(1).normal(size=30))


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "runs.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["num_params", "num_tokens", "final", "mix"])
        writer.writerows(zip(SIZES, TOKENS, LOSSES, ["web", "code"] * 15, strict=True))
    return path


@pytest.fixture
def validate(run, table):
    few = ["--law", "chinchilla", "--column", "loss=final", "--starts", 8, "--freeze", "E=1.8172"]
    return lambda *arguments: run("validate", table, *few, *arguments)


def test_hold_out_by_an_expression(validate):
    reported = validate("--hold-out", "loss < 2.3 and mix == 'web'", "--json").json
    (held,) = reported["held_out"]
    mask = (LOSSES < 2.3) & (np.arange(30) % 2 == 0)
    assert held["name"] == "loss < 2.3 and mix == 'web'"
    assert (held["num_unseen"], held["num_fitted"]) == (mask.sum(), 30 - mask.sum())
    assert held["status"] == "CONVERGED"
    assert held["errors"]["law"]["worst"] < 0.3
    constant = 100 * np.abs(LOSSES[~mask].mean() / LOSSES[mask] - 1)
    assert held["errors"]["constant loss"]["mean"] == pytest.approx(constant.mean())
    assert reported["errors"] == held["errors"]
    assert reported["law"] == "chinchilla"


def test_groups_and_folds_are_pooled(validate):
    reported = validate("--group", "mix", "--json").json
    assert [each["name"] for each in reported["held_out"]] == ["mix code", "mix web"]
    folds = validate("--folds", 3, "--json").json
    assert [each["num_unseen"] for each in folds["held_out"]] == [10, 10, 10]
    means = [each["errors"]["law"]["mean"] for each in folds["held_out"]]
    assert folds["errors"]["law"]["mean"] == pytest.approx(np.mean(means))


def test_a_roll_out_is_reported_by_distance_and_drawn(validate, tmp_path):
    picture = tmp_path / "rolled.png"
    reported = validate("--roll-out", "flops", "--windows", 2, "--figure", picture, "--json").json
    assert reported["by"] == "flops"
    assert len(reported["held_out"]) == 2
    steps = reported["by_distance"]["law"]
    assert steps[0]["decades"] == [0.0, 0.5]
    predictions = sum(each["num_unseen"] for each in reported["held_out"])
    assert sum(step["num_predictions"] for step in steps) == predictions
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_tables_for_people(validate):
    ran = validate("--folds", 2)
    assert ran.code == 0
    lines = [line.split() for line in ran.out.splitlines() if line.strip()]
    assert lines[3][:7] == ["fold", "1", "of", "2", "15", "15", "law"]
    assert lines[7][:3] == ["all", "30", "law"]
    factors = validate("--roll-out", "num_params", "--windows", 1).out
    assert re.search(r"^10 to 31\.6  ", factors, re.M)


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        ([], "with one of --hold-out, --group, --folds, --roll-out; got none"),
        (["--folds", 3, "--group", "mix"], "got --group and --folds"),
        (["--hold-out", "los < 2"], "did you mean 'loss'"),
        (["--hold-out", "loss = 2"], "equality is =="),
        (["--hold-out", "loss < 1"], "holds out 0 of 30"),
        (["--hold-out", "loss > 2.2"], "too few"),
        (["--group", "mixture"], "did you mean 'mix'"),
        (["--folds", 31], "2 to 30 folds"),
        (["--folds", 1], "--folds"),
        (["--roll-out", "compute"], "flops"),
        (["--folds", 2, "--figure", "a.png"], "give --roll-out"),
        (["--roll-out", "flops", "--figure", "a.txt"], ".png, .svg or .pdf"),
        (["--roll-out", "flops", "--figure", "no/where/a.png"], "there is no folder"),
        (["--folds", 2, "--freeze", "F=1"], "F"),
        (["--folds", 2, "--column", "loss"], "NAME=VALUE"),
    ],
)
def test_bad_options_are_one_message(refused, table, arguments, reported):
    common = ["--law", "chinchilla", "--column", "loss=final", "--starts", 2]
    assert reported in refused("validate", table, *common, *arguments)


def test_unknown_law_and_absent_table(refused, table, tmp_path):
    assert "chinchilla" in refused("validate", table, "--law", "chinchila", "--folds", 2)
    assert "gone.csv" in refused("validate", tmp_path / "gone.csv", "--folds", 2)
