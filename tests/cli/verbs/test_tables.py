"""Tables as people have them, on the command line: the right answer, or the remedy in words."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

LAW = {"E": 1.8, "A": 420.0, "alpha": 0.34, "B": 900.0, "beta": 0.32}
SIZES = np.repeat([7e7, 2e8, 5e8, 1.2e9], 3)
TOKENS = SIZES * np.tile([6.0, 25.0, 90.0], 4)
LOSS = LAW["E"] + LAW["A"] / SIZES ** LAW["alpha"] + LAW["B"] / TOKENS ** LAW["beta"]


def write(path, cells):
    lines = [
        ",".join(cells),
        *(",".join(map(str, row)) for row in zip(*cells.values(), strict=True)),
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def check(document, rel=2e-2):
    for name, value in LAW.items():
        assert document["coefficients"][name]["value"] == pytest.approx(value, rel=rel)


@pytest.fixture
def named(tmp_path):
    """A table whose columns have names and units of their own, with a crashed run."""
    cells = {"M": SIZES / 1e6, "B of data": TOKENS / 1e9, "target": LOSS, "state": ["ok"] * 12}
    cells["target"] = [*LOSS[:-1], ""]
    return write(tmp_path / "runs.csv", cells)


OPTIONS = (
    "--column", "num_params=M", "--column", "num_tokens=B of data", "--column", "loss=target",
    "--unit", "num_params=M", "--unit", "num_tokens=B", "--where", "loss > 0",
)  # fmt: skip
FIT = ("--law", "chinchilla", "--starts", 32)


def test_a_fit_stores_how_its_table_was_read(run, named, tmp_path):
    saved = tmp_path / "fit.json"
    ran = run("fit", named, *FIT, *OPTIONS, "--json", "-o", saved)
    check(ran.json)
    assert "multiplied by 1e+06" in ran.err
    assert "rows left out: 1" in ran.err
    page = tmp_path / "page.html"
    assert run("report", saved, "--table", named, "-o", page).code == 0
    assert "On the fitted runs" in page.read_text()
    again = ("fit", named, "--law", saved, "--starts", 32, "--json")
    check(run(*again).json)
    check(run(*again, "--unit", "num_params=1e6").json)  # the unit of the tokens is kept
    held = run("validate", named, "--law", saved, "--starts", 32, "--folds", 4, "--json").json
    assert held["law"] == "chinchilla"


def test_a_crashed_run_and_its_remedy(refused, named):
    reported = refused("fit", named, *FIT, *OPTIONS[:-2])
    assert "row 13, column target: the value is missing" in reported
    assert "--where 'loss > 0'" in reported


def test_a_run_far_from_the_fit_is_listed(run, tmp_path):
    losses = LOSS.copy()
    losses[7] *= 1.8
    path = write(tmp_path / "runs.csv", {"num_params": SIZES, "num_tokens": TOKENS, "loss": losses})
    ran = run("fit", path, *FIT)
    assert "Runs far from the fit, measured against predicted: row 9 (+8" in ran.out
    far = run("fit", path, *FIT, "--json").json
    assert [each["row"] for each in far["far_runs"]] == [9]
    assert far["errors"]["worst"] > 50
    # The error is that of NumPy at the fitted coefficients.
    c = {name: each["value"] for name, each in far["coefficients"].items()}
    predicted = c["E"] + c["A"] / SIZES ** c["alpha"] + c["B"] / TOKENS ** c["beta"]
    assert far["far_runs"][0]["error"] == pytest.approx(100 * (losses[7] / predicted[7] - 1))


def test_notes_are_printed_once(run, tmp_path):
    sizes = np.geomspace(1e8, 1e9, 8)
    cells = {"N": sizes, "D": 20 * sizes, "loss": 1.8 + 420 / sizes**0.34}
    ran = run("fit", write(tmp_path / "runs.csv", cells), "--law", "kaplan", "--starts", 8)
    lines = [line for line in (ran.out + ran.err).splitlines() if "num_tokens is a power" in line]
    assert len(lines) == 1
    assert ran.err.count("num_params is the column 'N'") == 1


def test_checkpoints_have_clustered_intervals(run, tmp_path):
    cells = {"num_params": SIZES, "num_tokens": TOKENS, "loss": LOSS}
    cells = {name: np.repeat(values, 3) for name, values in cells.items()}
    cells["num_tokens"] = cells["num_tokens"] * np.tile([0.25, 0.5, 1.0], 12)
    cells["loss"] = 1.8 + 420 / cells["num_params"] ** 0.34 + 900 / cells["num_tokens"] ** 0.32
    cells |= {"run": np.repeat(np.arange(12), 3), "step": np.tile([1, 2, 4], 12)}
    path, saved = write(tmp_path / "runs.csv", cells), tmp_path / "fit.json"
    options = (*FIT, "--bootstrap", 8, "--json", "-o", saved)
    assert run("fit", path, *options).json["num_runs"] == 12
    assert run("fit", path, *options, "--checkpoints", "all").json["num_runs"] == 36
    assert json.loads(saved.read_text())["fit"]["options"]["cluster"] == "run"


def test_columns_of_a_table_of_teachers_are_named(run, refused, tmp_path):
    cells = {"name": ["a", "b"], "size": ["7B", "30B"], "final": [2.1, 2.0]}
    asked = ("plan", "distill", "--flops", "1e21", "--student", "1B", "--json", "--teachers")
    path = write(tmp_path / "teachers.csv", cells)
    reported = refused(*asked, path)
    assert "--column teacher_loss=final_loss" in reported
    names = ("--column", "num_teacher_params=size", "--column", "teacher_loss=final")
    assert run(*asked, path, *names).code == 0
    assert "a table of teachers has" in refused(*asked, path, *names, "--column", "loss=final")


def test_standard_input_is_a_table(run):
    from click.testing import CliRunner

    from jaxlaws.cli.main import main

    lines = [f"{n},{d},{loss}" for n, d, loss in zip(SIZES, TOKENS, LOSS, strict=True)]
    text = "\n".join(["num_params,num_tokens,loss", *lines])
    arguments = ["fit", "-", "--law", "chinchilla", "--starts", "32", "--json"]
    check(json.loads(CliRunner().invoke(main, arguments, input=text).stdout))


@pytest.fixture
def field_cases():
    default = Path(__file__).parents[4] / "shared" / "field_cases"
    folder = Path(os.environ.get("JAXLAWS_FIELD_CASES", default))
    if not folder.is_dir():
        pytest.skip(f"no folder {folder} of field cases; JAXLAWS_FIELD_CASES names another")
    return folder


@pytest.mark.parametrize(
    ("case", "options"),
    [
        ("hint_batch_tokens", ()),
        ("markdown", ()),
        ("one_crashed_run", ("--where", "state == 'finished'")),
        ("perplexity", ("--outcome", "perplexity")),
        ("pivot", ()),
        ("thousands", ()),
        ("tokens_from_flops", ()),
        ("units_in_header", ()),
    ],
)
def test_the_right_law_of_each_field_case(run, field_cases, case, options):
    (path,) = (field_cases / case).glob("runs.*")
    document = run("fit", path, *FIT, *options, "--json").json
    sizes, tokens = 2.2e9, 76e9  # the optimum at 1e21 FLOPs, far outside the runs
    c = {name: each["value"] for name, each in document["coefficients"].items()}
    loss = c["E"] + c["A"] / sizes ** c["alpha"] + c["B"] / tokens ** c["beta"]
    true = LAW["E"] + LAW["A"] / sizes ** LAW["alpha"] + LAW["B"] / tokens ** LAW["beta"]
    assert loss == pytest.approx(true, rel=5e-3)


@pytest.mark.parametrize(
    ("case", "arguments", "words"),
    [
        ("flops_per_token", (), ("FLOPs per token", "--column flops=budget")),
        ("one_crashed_run", (), ("row 9", "--where")),
        ("perplexity", (), ("--outcome perplexity",)),
    ],
)
def test_field_cases_that_are_refused(refused, field_cases, case, arguments, words):
    (path,) = (field_cases / case).glob("runs.*")
    reported = refused("fit", path, *FIT, *arguments)
    assert all(word in reported for word in words)


def test_field_cases_with_notes(run, field_cases):
    ran = run("fit", field_cases / "stepwise_log" / "runs.csv", *FIT, "--json")
    assert "120 rows are checkpoints of 12 runs" in ran.err
    assert ran.json["num_runs"] == 12
    ran = run("fit", field_cases / "diverged_run" / "runs.csv", *FIT, "--json")
    assert [each["row"] for each in ran.json["far_runs"]] == [11]
    size = ("fit", field_cases / "size_only" / "runs.csv", "--law", "compute_floor", "--json")
    found = run(*size, "--starts", 16).json["coefficients"]
    for name, value in {"E": 0.93, "A": 60.0, "alpha": 0.376}.items():
        assert found[name]["value"] == pytest.approx(value, rel=1e-3)
    names = ("fit", field_cases / "mapped_names" / "runs.csv", *FIT)
    assert run(*names, "--where", "N > 1e8 and num_tokens > 1e9").code == 0


def test_sizes_of_zero_beside_flops_are_one_message(refused, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("num_params,flops,loss\n0,1e18,3.1\n1e8,1e18,3.0\n2e8,1e19,2.8\n")
    reported = refused("fit", path, "--law", "chinchilla")
    assert "row 2, column num_params" in reported
    assert "encountered" not in reported
