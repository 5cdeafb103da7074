"""`jaxlaws report`: one page that stands alone."""

import csv
import dataclasses
import json
import re

import numpy as np
import pytest

from fitting import FitResult, Runs, fit
from jaxlaws.laws.chinchilla import Chinchilla
from jaxlaws.planning import compute_optimal

SIZES, TOKENS = (grid.ravel() for grid in np.meshgrid([1e8, 4e8, 2e9], [2e9, 2e10, 1e11]))
PARTS = ["The answer", "Data and fit", "How far to trust the fit", "Plans", "How to reproduce"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A table of nine runs, and the file of a fit to it."""
    folder = tmp_path_factory.mktemp("report")
    rng = np.random.default_rng(0)
    loss = (1.8 + 480 / SIZES**0.35 + 2100 / TOKENS**0.37) * np.exp(3e-3 * rng.normal(size=9))
    table = folder / "runs.csv"
    with table.open("w") as file:
        writer = csv.writer(file)
        writer.writerow(["num_params", "num_tokens", "final"])
        writer.writerows(zip(SIZES, TOKENS, loss, strict=True))
    runs = Runs.read(table, {"loss": "final"}, Chinchilla)
    result = fit(Chinchilla, runs, freeze={"E": 1.8}, num_starts=16, bootstrap=8)
    errors = {"num_predictions": 1, "mean": 0.5, "median": 0.5, "worst": 0.5}
    steps = [{"decades": [0.0, 0.5], **errors}]
    roll_out = {"by": "flops", "largest": 1.2e21, "steps": steps}
    dataclasses.replace(result, roll_out=roll_out, reading={"table": "runs.csv"}).save(
        folder / "fit.json"
    )
    return folder, table, folder / "fit.json"


def headings(text):
    return re.findall(r"<h2>([^<]*)</h2>", text)


def test_a_page_on_a_fit_and_its_plans(run, files):
    folder, table, saved = files
    page = folder / "page.html"
    ran = run("report", saved, "-o", page, "--table", table, "--column", "loss=final")
    assert ran.code == 0, ran.err
    text = page.read_text()
    assert [each.startswith(part) for each, part in zip(headings(text), PARTS, strict=True)]
    law = FitResult.load(saved).law
    plan = compute_optimal(law, flops=6 * 2e9 * 1e11)  # of the largest size and tokens
    answer = text[text.index("The answer") : text.index("Data and fit")]
    assert "With 1.2e21 FLOPs" in answer
    assert f"loss of {float(plan.loss):.4f} nats" in answer
    assert f"loss = 1.8 + {float(law.A):.4g} / N^" in text
    assert "Fitted to 9 runs of runs.csv" in text
    assert "frozen" in text
    assert f"loss of {float(plan.loss):.4f} nats" in ran.out
    # Nothing is loaded from elsewhere, and every picture has a text and a caption with a number.
    assert not re.search(r'(src|href)="(?!data:)', text)
    captions = re.findall(r"<figcaption>([^<]*)</figcaption>", text)
    assert len(captions) >= 4
    assert all(re.search(r"Figure \d+\. .*\d", each) for each in captions)
    assert all(re.findall(r'<img alt="([^"]+)"', text))
    assert "no row is left out" in text
    reproduced = text[text.index("How to reproduce") :]
    assert "jaxlaws report" in reproduced
    assert re.search("jaxlaws fit .*--like .*--bootstrap 8 --seed 0 --roll-out flops", reproduced)


def test_a_report_in_markdown_has_its_pictures_beside_it(run, files):
    folder, _, saved = files
    ran = run("report", saved, "-o", folder / "page.md", "--flops", "1e20:1e22:5")
    assert ran.code == 0, ran.err
    text = (folder / "page.md").read_text()
    found = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert [each.startswith(part) for each, part in zip(found, PARTS, strict=True)]
    pictures = re.findall(r"!\[.+\]\((.+)\)", text)
    assert len(set(pictures)) == len(pictures) > 0
    assert all((folder / name).read_bytes().startswith(b"<?xml") for name in pictures)
    plans = compute_optimal(FitResult.load(saved).law, flops=np.geomspace(1e20, 1e22, 5))
    answer = text[text.index("The answer") : text.index("Data and fit")]
    assert all(f"{loss:.4f}" in answer for loss in plans.loss)


def test_a_report_on_a_table_of_runs_fits_it_first(run, files):
    folder, table, _ = files
    page = folder / "runs.html"
    ran = run(
        "report", table, "--law", "chinchilla", "--column", "loss=final", "--bootstrap", 0,
        "--where", "num_params * num_tokens < 1.9e20", "-o", page,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    text = page.read_text()
    assert re.search(r"Fitted on 20\S+ to 8 runs of \S+; 1 other row is left out\.", text)
    assert "There are no intervals" in text
    assert "jaxlaws fit" in text[text.index("How to reproduce") :]
    assert "--bootstrap 0" in text[text.index("jaxlaws report") :]


def test_a_file_without_a_fit_is_refused(run, refused, tmp_path):
    import jaxlaws
    from jaxlaws import presets

    jaxlaws.save(presets.load("hoffmann2022"), tmp_path / "law.json")
    assert "holds a law but no fit" in refused("report", tmp_path / "law.json")
    assert "none.json" in refused("report", tmp_path / "none.json")


@pytest.fixture
def saved(run, tmp_path):
    """Save what a verb of `plan` prints as JSON."""

    def save(*words):
        path = tmp_path / "plan.json"
        ran = run("plan", *words, "--json")
        assert ran.code == 0, ran.err
        path.write_text(ran.out)
        return path, json.loads(ran.out)

    return save


def test_a_report_on_a_saved_plan_of_a_fit(run, files, saved):
    folder, _, law = files
    path, plan = saved("train", "--law", law, "--flops", "1e21")
    ran = run("report", path, "-o", folder / "saved.html")
    assert ran.code == 0, ran.err
    text = (folder / "saved.html").read_text()
    assert [each.startswith(part) for each, part in zip(headings(text), PARTS, strict=True)]
    answer = text[text.index("The answer") : text.index("Data and fit")]
    assert f"{plan['loss']:.4f}" in answer
    assert "<img" in answer
    assert "Fitted to 9 runs" in text
    assert f"jaxlaws plan train --law {law} --flops 1e21 --json &gt;" in text
    assert "Caveat" in text


@pytest.mark.parametrize(
    "words",
    [
        ("train", "--law", "besiroglu2024", "--flops", "1e20:1e22:3"),
        ("compare", "--law", "busbridge2025_consistent", "--flops", "1e21", "--student", "1B"),
    ],
)
def test_a_report_on_a_saved_sweep_or_comparison(run, saved, tmp_path, words):
    path, plan = saved(*words)
    ran = run("report", path, "-o", tmp_path / "saved.md")
    assert ran.code == 0, ran.err
    text = (tmp_path / "saved.md").read_text()
    losses = plan["loss"] if "loss" in plan else [p["loss"] for p in plan["options"].values()]
    assert all(f"{loss:.4f}" in text for loss in losses)
    assert plan.get("reason", "3 plans").split(":")[0] in ran.out
    assert re.findall(r"!\[.+\]\((.+)\)", text)
    if "options" in plan:
        winners = dict(re.findall(r"^\| (free|inference|pretraining|full) \| (\w+) ", text, re.M))
        assert len(winners) == 4
        assert winners["full"] == plan["winner"].lower()


def test_a_saved_plan_that_no_longer_holds_or_does_something_else_is_refused(refused, saved):
    path, plan = saved("train", "--law", "besiroglu2024", "--flops", "1e21")
    for key, value, words in (
        ("loss", 2.0, "loss is 2.0000 in the file"),
        ("command", "jaxlaws fit runs.csv -o fit.json", "must begin with 'jaxlaws plan'"),
        ("command", "jaxlaws plan train --law none.json --flops 1e21", "none.json"),
        ("command", None, "--json"),
    ):
        path.write_text(json.dumps(plan | {key: value}))
        assert words in refused("report", path)
    path.write_text(json.dumps(plan))
    assert "--flops" in refused("report", path, "--flops", "1e22")


def test_the_command_of_a_saved_plan_runs_no_module(refused, saved, tmp_path):
    path, plan = saved("train", "--law", "besiroglu2024", "--flops", "1e21")
    module = tmp_path / "own.py"
    module.write_text("raise ValueError('the module runs')")
    for option in (f"--law-module {module}", f"--law-module={module}"):
        path.write_text(json.dumps(plan | {"command": f"{plan['command']} {option}", "loss": 2.0}))
        assert "the module runs" not in refused("report", path)
