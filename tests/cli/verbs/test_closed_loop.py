"""What a plan was made of, the same plan with more runs, the same fit again, and influence."""

import csv
import json
import warnings

import numpy as np
import pytest
from click.testing import CliRunner

from fitting import FitResult, Huber
from jaxlaws import presets
from jaxlaws.cli.main import main
from jaxlaws.laws.kaplan import Kaplan
from jaxlaws.planning import compute_optimal

RANDOM = np.random.default_rng(5)
NUM = 40
SIZES = np.exp(RANDOM.uniform(np.log(1e7), np.log(1e10), NUM))
TOKENS = np.exp(RANDOM.uniform(np.log(1e9), np.log(1e12), NUM))
LOSSES = np.asarray(presets.load("kaplan2020").loss(num_params=SIZES, num_tokens=TOKENS))
LOSSES = LOSSES * (1 + 0.005 * RANDOM.normal(size=NUM))
NUM_FIRST = 32
QUESTION = ("plan", "train", "--flops", "1e21")


def write(path, chosen=slice(None), losses=LOSSES, names=("N", "D", "final")):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows(np.stack([SIZES, TOKENS, losses], axis=1)[chosen].tolist())
    return path


def call(*words):
    with warnings.catch_warnings():
        result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A fit with draws, its plan, and the same without draws."""
    folder = tmp_path_factory.mktemp("loop")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAXLAWS_CACHE", "")
        table = write(folder / "first.csv", slice(NUM_FIRST))
        options = ("--law", "kaplan", "--column", "loss=final", "--starts", 16, "--seed", 3)
        options = (*options, "--objective", "huber:0.002")
        for name, draws in (("fit", 48), ("plain", 0)):
            fitted = folder / f"{name}.json"
            call("fit", table, *options, "--bootstrap", draws, "-o", fitted)
            plan = call(*QUESTION, "--law", fitted, "--json")
            (folder / f"{name}-plan.json").write_text(plan)
    return folder


def test_a_fit_and_a_plan_say_what_they_were_made_of(folder):
    fit = json.loads((folder / "fit.json").read_text())["fit"]
    plan = json.loads((folder / "fit-plan.json").read_text())
    made, runs = plan["provenance"], fit["provenance"]
    assert plan["command"].startswith("jaxlaws plan train --flops 1e21 --law ")
    assert (made["law"]["name"], made["law"]["type"]) == ("fit.json", "kaplan")
    assert made["fit"]["options"] == fit["options"]
    assert made["fit"]["options"]["seed"] == 3
    assert made["fit"]["reading"]["columns"] == {"loss": "final"}
    assert made["fit"]["provenance"] == runs
    rows, hashes = zip(*(each.split(":") for each in runs["runs"].split()), strict=True)
    assert [*map(int, rows)] == list(range(2, NUM_FIRST + 2))
    assert len(set(hashes)) == NUM_FIRST
    assert runs["versions"].keys() == {"jaxlaws", "jax", "numpy"}


def test_runs_that_agree_leave_the_decision(folder, run):
    table = write(folder / "all.csv")
    ran = run("replan", folder / "fit-plan.json", "--runs", table, "--json")
    assert ran.code == 0, ran.err
    found, before = ran.json, json.loads((folder / "fit-plan.json").read_text())
    assert found["decision_changed"] is False
    assert found["runs"]["runs"] == {
        "added": list(range(NUM_FIRST + 2, NUM + 2)), "lost": [], "num_kept": NUM_FIRST,
    }  # fmt: skip
    law = FitResult.load(folder / "fit.json").law
    refit = run("fit", table, "--like", folder / "fit.json", "-o", folder / "again.json")
    again = FitResult.load(folder / "again.json")
    assert refit.code == 0
    new = float(compute_optimal(again.law, flops=1e21).num_params)
    changes = {each["name"]: each for each in found["changes"]}
    size = changes["num_params"]
    assert size["after"] == pytest.approx(new, rel=1e-9)
    old = float(compute_optimal(law, flops=1e21).num_params)
    low, high = before["intervals"]["num_params"]
    multiple = np.log(new / old) / np.log(high / low)
    assert size["multiple"] == pytest.approx(multiple, rel=1e-6)
    assert size["is_outside"] is False


def test_runs_that_disagree_change_the_decision(folder, run):
    """Many new runs whose losses fall faster with size move the planned size out of its range."""
    tilted = np.stack([SIZES, TOKENS, LOSSES * (SIZES / 3e8) ** -0.03], axis=1)
    table = write(folder / "tilted.csv", slice(NUM_FIRST))
    with table.open("a", newline="") as file:
        csv.writer(file).writerows(np.concatenate([tilted, tilted]).tolist())
    path = folder / "new.json"
    ran = run("replan", folder / "fit-plan.json", "--runs", table, "-o", path)
    assert ran.code == 3
    assert ran.out.startswith("The decision changed. parameters: ")
    assert "outside the interval" in ran.out
    # The new plan can be made again in turn.
    ran = run("replan", path, "--runs", table)
    assert ran.code == 0
    assert ran.out.startswith("The decision stands.")
    assert "the table has the runs of the plan, and no others" in ran.err


def test_a_plan_without_draws_and_lost_rows(folder, run):
    table = write(folder / "fewer.csv", slice(3, None))
    ran = run("replan", folder / "plain-plan.json", "--runs", table)
    assert "The earlier plan has no intervals" in ran.out
    assert "3 of the earlier runs are gone or have other numbers (rows 2, 3, 4 of the" in ran.err
    assert f"runs: {NUM_FIRST} before, {NUM - 3} now" in ran.out


def test_renamed_columns(folder, run, refused):
    table = write(folder / "renamed.csv", names=("N", "D", "other"))
    words = ("replan", folder / "plain-plan.json", "--runs", table)
    assert "give them with --column OURS=THEIRS" in refused(*words)
    assert run(*words, "--column", "loss=other").code == 0


def without(folder, name, change):
    document = json.loads((folder / "fit-plan.json").read_text())
    change(document)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("provenance"), "an older version wrote it"),
        (lambda d: d.pop("asked"), "is not the JSON object of a plan"),
        (lambda d: d["provenance"].update(fit=None), "has no fit to runs"),
        (lambda d: d["provenance"]["fit"].update(provenance={}), "does not say which runs"),
        (lambda d: d["asked"].update(flops=[1e20, 1e21]), "a sweep"),
        (lambda d: d["intervals"].update(loss=[2.0]), "expected a low and a high number"),
        (lambda d: d["provenance"]["fit"].update(options={}), "the options of the fit cannot be"),
        (lambda d: d["provenance"]["law"].update(type="x:MyLaw"), "unknown type of law 'x:MyLaw'"),
        (lambda d: d["provenance"]["law"].update(type="distillation_limit"), "teacher_loss"),
        (lambda d: d.update(command="jaxlaws plan x"), "no verb 'plan x'"),
        (lambda d: d.update(command="jaxlaws predict --params 1e9 --tokens 1e9"), "is not one of"),
        (lambda d: d.pop("command"), "an older version wrote it"),
        (
            lambda d: (
                d["provenance"]["law"].update(sha256="of another file"),
                d["provenance"]["fit"]["options"].update(freeze={"E": {"stage": "E"}}),
            ),
            "give it with --fit",
        ),
    ],
)
def test_files_that_cannot_be_planned_again(folder, refused, change, message):
    path = without(folder, "broken", change)
    assert message in " ".join(refused("replan", path, "--runs", folder / "first.csv").split())


def test_the_file_of_a_fit_is_not_a_plan(folder, refused):
    words = ("replan", folder / "fit.json", "--runs", folder / "first.csv")
    assert "the file of a law or a fit, not of a plan" in refused(*words)


def test_the_same_options_for_another_table(folder, run):
    table, path = write(folder / "second.csv", slice(5, None)), folder / "second.json"
    ran = run("fit", table, "--like", folder / "fit.json", "--seed", 4, "-o", path)
    assert ran.code == 0, ran.err
    before, after = FitResult.load(folder / "fit.json"), FitResult.load(path)
    assert isinstance(after.law, Kaplan)
    assert (after.options.objective, after.options.bootstrap) == (Huber(0.002), 48)
    assert (before.options.seed, after.options.seed, after.num_runs) == (3, 4, NUM - 5)
    assert after.reading["columns"] == {"loss": "final"}


def test_influence_is_a_table_json_and_a_picture(folder, run):
    question = "plan train flops=1e21 : num_params"
    table, picture = folder / "influence.csv", folder / "influence.svg"
    words = ("influence", folder / "plain.json", "--table", folder / "first.csv", "--on", question)
    document = run(*words, "--json", "-o", table).json
    fit = FitResult.load(folder / "plain.json")
    size = float(compute_optimal(fit.law, flops=1e21).num_params)
    assert document["value"] == pytest.approx(np.log(size), rel=1e-9)
    assert document["unit"] == "log"
    assert (document["is_log"], len(document["runs"])) == (True, NUM_FIRST)
    largest = document["runs"][0]
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert [int(each["row"]) for each in rows] == [each["row"] for each in document["runs"]]
    # A new fit without this run.
    lines = (folder / "first.csv").read_text().splitlines(keepends=True)
    less = folder / "less.csv"
    less.write_text("".join(lines[: largest["row"] - 1] + lines[largest["row"] :]))
    run("fit", less, "--like", folder / "plain.json", "-o", folder / "less.json")
    moved = compute_optimal(FitResult.load(folder / "less.json").law, flops=1e21).num_params
    assert largest["if_left_out"] == pytest.approx(np.log(float(moved) / size), rel=1e-4)

    ran = run(*words, "-o", picture)
    assert picture.read_text().startswith("<?xml")
    assert ran.out.startswith("parameters: ")
    assert f"Without row {largest['row']} of" in ran.out
    assert f"{100 * np.expm1(largest['if_left_out']):+.3g}%" in ran.out


def test_mistakes_in_influence_are_explained(folder, refused):
    words = ("influence", folder / "plain.json", "--table", folder / "first.csv")
    assert "--on 'x': write VERB OPTIONS : NAME" in refused(*words, "--on", "x")
    question = ("--on", "predict params=1e9 tokens=1e10 : loss")
    message = refused(*words, *question, "--stage", "supervised=first.csv")
    assert "--stage supervised: the stages of the fit are none" in message
