"""`fit --roll-out` stores how wrong the form of the law was; predictions and plans say it."""

import functools
import json

import numpy as np
import pytest

import fitting

LAW = ("--law", "chinchilla", "--starts", 16, "--freeze", "E=1.7")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    sizes, tokens = np.meshgrid(np.geomspace(1e7, 1e9, 5), np.geomspace(1e9, 1e11, 4))
    loss = 1.7 + 60 / sizes**0.2 + 300 / tokens**0.25 + 2e-9 * sizes**0.85
    path = tmp_path_factory.mktemp("runs") / "runs.csv"
    rows = zip(sizes.ravel(), tokens.ravel(), loss.ravel(), strict=True)
    lines = [f"{n!r},{d!r},{value!r}" for n, d, value in (map(float, row) for row in rows)]
    path.write_text("num_params,num_tokens,loss\n" + "\n".join(lines))
    return path


@pytest.fixture
def fitted(run, table, tmp_path, monkeypatch):
    """A fit with a roll-out of two windows: each window has programs of its own to compile."""
    monkeypatch.setattr(fitting, "roll_out", functools.partial(fitting.roll_out, num_windows=2))
    path = tmp_path / "fit.json"
    ran = run("fit", table, *LAW, "--roll-out", "flops", "-o", path)
    assert "errors of the law by distance beyond the largest flops fitted" in ran.out
    return path


def test_it_is_what_validate_finds(run, table, fitted):
    validated = run("validate", table, *LAW, "--roll-out", "flops", "--windows", 2, "--json").json
    stored = json.loads(fitted.read_text())["fit"]["roll_out"]
    assert stored["steps"] == validated["by_distance"]["law"]


def test_predictions_and_plans_give_the_error_at_their_distance(run, fitted):
    steps = json.loads(fitted.read_text())["fit"]["roll_out"]["steps"]
    far = ("--law", fitted, "--tokens", "1e11", "--params")
    document = run("predict", *far, "1e8:1e10:3", "--json").json
    assert document["roll_out"]["decades"] == pytest.approx([0.0, 0.0, 1.0])
    assert document["roll_out"]["mean"] == [None, None, steps[1]["mean"]]
    said = f"worst {steps[1]['worst']:.2f}%"
    assert said in document["caveats"][-1]
    assert "The farthest prediction has 10 times the largest" in document["caveats"][-1]
    assert f"{steps[1]['mean']:.2f}" in run("predict", *far, "1e10").out
    assert "caveats" not in run("predict", *far, "1e8", "--json").json
    plan = run("plan", "train", "--law", fitted, "--flops", "6e21", "--json").json
    assert said in plan["caveats"][-1]
    assert "This plan has 10 times the largest" in plan["caveats"][-1]
    swept = run("plan", "train", "--law", fitted, "--flops", "6e18:6e21:4").out
    assert "The farthest plan has 10 times the largest" in swept.replace("\n", " ")


def test_the_report_has_the_errors(run, fitted, tmp_path):
    page = tmp_path / "page.html"
    run("report", fitted, "-o", page)
    text = page.read_text()
    steps = json.loads(fitted.read_text())["fit"]["roll_out"]["steps"]
    assert "predicted all larger runs" in text
    assert text.index("How far to trust the fit") < text.index("times the largest")
    for step in steps:
        assert f"{step['worst']:.2f}</td>" in text


def test_too_few_runs_are_one_message(refused, tmp_path):
    path = tmp_path / "few.csv"
    rows = "1e8,1e9,3.9\n1e8,1e10,3.2\n1e9,1e9,3.7\n1e9,1e10,2.9\n3e9,3e10,2.7\n"
    path.write_text("num_params,num_tokens,loss\n" + rows)
    refused("fit", path, *LAW[:4], "--roll-out", "flops", "-o", tmp_path / "fit.json")
    assert not (tmp_path / "fit.json").exists()
