"""The runs to train next, from a fit and its table to a table that a fit reads."""

import csv
import re

import narwhals
import numpy as np
import pytest

from fitting import FitResult, LogSquares, Runs, fit, next_runs
from jaxlaws import presets
from jaxlaws.laws.kaplan import Kaplan
from jaxlaws.planning import compute_optimal

SIZES = np.tile(np.geomspace(1e7, 1e9, 5), 3)
TOKENS = np.repeat([1e9, 8e9, 6e10], 5)
BUDGET, NUM = 1e20, 4
QUESTION = "plan train flops=1e21 : num_params"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A table of runs and its fit."""
    folder = tmp_path_factory.mktemp("next_runs")
    losses = np.asarray(presets.load("kaplan2020").loss(num_params=SIZES, num_tokens=TOKENS))
    losses = losses * np.exp(0.003 * np.random.default_rng(1).normal(size=len(SIZES)))
    with (folder / "runs.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["num_params", "num_tokens", "loss"])
        writer.writerows(np.stack([SIZES, TOKENS, losses], axis=1).tolist())
    runs = Runs.read(folder / "runs.csv")
    fit(Kaplan, runs, objective=LogSquares(), num_starts=16).save(folder / "fit.json")
    return folder


def words(folder, *others):
    given = ("next-runs", folder / "fit.json", "--table", folder / "runs.csv", "--flops", BUDGET)
    return (*given, "--for", QUESTION, "--runs", NUM, *others)


def test_the_runs_are_json_and_a_table_that_is_read_when_the_losses_are_filled_in(folder, run):
    path = folder / "runs_to_train.csv"
    limits = ("--bound", "num_tokens=2e9:1e11", "--largest-run", "4e19")
    found = run(*words(folder, *limits, "--json", "-o", path)).json
    law = FitResult.load(folder / "fit.json").law
    size = float(compute_optimal(law, flops=1e21).num_params)
    assert (found["question"], found["is_log"]) == (QUESTION, True)
    assert found["value"] == pytest.approx(np.log(size), rel=1e-9)
    (low, high), (low_after, high_after) = found["interval"], found["expected_interval"]
    assert low < low_after < found["value"] < high_after < high
    assert found["sd_by_budget"][-1] == pytest.approx(found["runs"][-1]["sd_after"])

    new = list(csv.DictReader(path.read_text().splitlines()))
    assert [each["loss"] for each in new] == [""] * NUM
    old = csv.DictReader((folder / "runs.csv").read_text().splitlines())
    with (folder / "all.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, new[0].keys())
        writer.writeheader()
        # A run may be listed several times: to be repeated, with another loss.
        writer.writerows([*old, *({**each, "loss": 2.5 + 0.01 * i} for i, each in enumerate(new))])
    again = Runs.read(folder / "all.csv")
    assert len(again) == len(SIZES) + NUM
    assert again.loss[-NUM:].tolist() == [2.5 + 0.01 * i for i in range(NUM)]
    sizes, tokens = (again.inputs[name][-NUM:] for name in ("num_params", "num_tokens"))
    costs = 6 * sizes * tokens
    assert costs == pytest.approx([each["training_cost"] for each in found["runs"]])
    assert costs.sum() <= BUDGET * (1 + 1e-9)
    assert costs.max() <= 4e19 * (1 + 1e-9)
    assert tokens.min() >= 2e9 * (1 - 1e-9)
    assert tokens.max() <= 1e11 * (1 + 1e-9)


def test_the_answer_is_a_sentence_a_table_and_a_picture(folder, run):
    picture = folder / "runs_to_train.svg"
    shapes = [option for size in (2e7, 1e8, 5e8) for option in ("--shape", size)]
    ran = run(*words(folder, *shapes, "--plan-flops", 1e19, "-o", picture))
    assert ran.code == 0, ran.err
    assert picture.read_text().startswith("<?xml")
    assert ran.out.startswith("parameters: ")
    assert f"Expected after {NUM} runs" in ran.out
    # The runs may cost as much as ten plans of 1e19: they are not worth it.
    assert "Train no more" in ran.out
    rows = re.findall(r"^(\d+) +(\S+) ", ran.out, re.MULTILINE)
    assert [int(row) for row, _ in rows] == [1, 2, 3, 4]
    assert {size for _, size in rows} <= {"20M", "100M", "500M"}


def test_mistakes_in_next_runs_are_explained(folder, refused):
    assert "--for 'x': write VERB OPTIONS : NAME" in refused(*words(folder, "--for", "x"))
    assert "give both ends" in refused(*words(folder, "--bound", "num_tokens=1e9:"))
    assert "no input 'tokens'" in refused(*words(folder, "--bound", "tokens=1e9:1e10"))
    message = refused(*words(folder, "-o", folder / "runs.parquet"))
    assert "a table .csv, or a picture" in message


def test_the_answer_in_python_is_a_picture_a_frame_and_an_object(folder):
    result, runs = FitResult.load(folder / "fit.json"), Runs.read(folder / "runs.csv")
    candidates = {"num_params": [1e7, 2e9, 1e8], "num_tokens": [3e11, 2e10, 3e9]}
    found = next_runs(result, runs, flops=1e21, plan_flops=1e23, candidates=candidates)
    assert found.places is not None
    frame, document = narwhals.from_native(found.to_frame()), found.to_dict()
    assert frame["training_cost"].to_list() == found.costs.tolist()
    sizes = [candidates["num_params"][i] for i in found.places]
    assert frame["num_params"].to_list() == sizes
    assert [each["num_params"] for each in document["runs"]] == sizes
    assert document["interval"] == list(found.interval)
    assert document["regret"]["plan_flops"] == 1e23
    plane, gain = found.plot(title="next").axes
    old, new = (each.get_offsets() for each in plane.collections)
    assert np.asarray(old) == pytest.approx(np.stack([SIZES, TOKENS], axis=1))
    assert np.asarray(new)[:, 1] == pytest.approx(found.inputs["num_tokens"])
    (line,) = gain.lines
    assert np.asarray(line.get_ydata()) == pytest.approx([found.sd, *found.sd_after])
    spent = np.cumsum(found.costs)
    assert np.asarray(line.get_xdata())[1:] == pytest.approx(spent / spent[-1])
