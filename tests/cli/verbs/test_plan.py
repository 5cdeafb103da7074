"""`jaxlaws plan train` and `jaxlaws plan distill`."""

import csv
import dataclasses
import importlib.util
from typing import Any

import numpy as np
import pytest

from jaxlaws import presets, save
from jaxlaws.cli.answers.draws import interval, over_draws
from jaxlaws.compute import transformer_forward_flops
from jaxlaws.planning import (
    FREE_TEACHER,
    TEACHER_PRETRAINING_AND_INFERENCE,
    Status,
    compute_optimal,
    distill,
    distill_with,
    extrapolation_decades,
    plan_to_dict,
    train_fixed,
)

REFIT = "busbridge2025_refit"
TRAIN = ["plan", "train", "--law", "besiroglu2024", "--flops"]
DISTILL = ["plan", "distill", "--student", "300M", "--flops"]


def test_train_prints_the_fields_of_the_plan(run):
    reported = run(*TRAIN, "5.76e23", "--json").json
    assert reported.pop("provenance")["law"]["name"] == "besiroglu2024"
    plan = compute_optimal(presets.load("besiroglu2024"), flops=5.76e23)
    reached = extrapolation_decades(plan, presets.describe("besiroglu2024").fitted_range or {})
    assert reported == {
        "asked": {"flops": 5.76e23, "num_inference_tokens": 0.0},
        **plan_to_dict(plan),
        "extrapolation_decades": reached,
        "command": "jaxlaws plan train --law besiroglu2024 --flops 5.76e23 --json",
    }
    out = run(*TRAIN, "5.76e23").out
    far = f"{10**reached:.3g} times outside"
    for words in ("72.2B", "1.33T", far, "No intervals"):
        assert words in out
    assert "bound" not in out  # none is active


def test_a_fixed_size_serving_and_the_transformers_flops(run):
    ran = run(
        *TRAIN, "1e23", "--params", "8B", "--inference-tokens", "1T", "--flops-model",
        "transformer", "--json",
    )  # fmt: skip
    plan = train_fixed(
        presets.load("besiroglu2024"),
        num_params=8e9,
        flops=1e23,
        num_inference_tokens=1e12,
        forward_flops=transformer_forward_flops,
    )
    assert ran.json["num_tokens"] == plan.num_tokens
    assert ran.json["shares"]["serving"] == plan.shares.serving > 0
    assert "includes the embeddings" in ran.err


def test_distill_with_its_intervals_over_the_draws(run):
    reported = run(*DISTILL, "1e21", "--json").json
    asked: Any = {"flops": 1e21, "num_student_params": 3e8}
    scenario = TEACHER_PRETRAINING_AND_INFERENCE
    plan = distill(presets.load(REFIT), **asked, scenario=scenario)
    assert {key: reported[key] for key in plan_to_dict(plan)} == plan_to_dict(plan)
    draws = over_draws(
        lambda law, **asked: distill(law, **asked, scenario=scenario),
        presets.ensemble(REFIT),
        asked,
    )
    assert reported["intervals"]["loss"] == pytest.approx(np.quantile(draws.loss, [0.05, 0.95]))
    assert set(reported["intervals"]) == {
        "num_student_tokens", "tokens_per_param", "num_teacher_params", "num_teacher_tokens",
        "teacher_loss", "loss",
    }  # fmt: skip
    for name, (low, high) in reported["intervals"].items():
        assert low < reported[name] < high


def test_a_free_teacher_has_no_size(run):
    arguments = [*DISTILL, "1e21", "--scenario", "free"]
    reported, out = run(*arguments, "--json").json, run(*arguments).out
    plan = distill(presets.load(REFIT), flops=1e21, num_student_params=3e8, scenario=FREE_TEACHER)
    assert reported["teacher_loss"] == plan.teacher_loss
    assert reported["num_teacher_params"] is None
    assert "num_teacher_params" not in reported["intervals"]
    assert "gives its loss, but no size" in out
    assert "1.08 times outside" in out  # the best teacher's loss is below all fitted ones
    assert "supervised law" in out  # whose uncertainty these draws lack


def test_sweeps_are_crossed_and_written(run, tmp_path):
    path = tmp_path / "plans.csv"
    arguments = ["plan", "distill", "--student", "1e8:1e9:2", "--flops", "1e3:1e25:3"]
    reported = run(*arguments, "--json", "-o", path).json
    assert reported["asked"]["flops"] == pytest.approx([1e3, 1e3, 1e14, 1e14, 1e25, 1e25])
    assert reported["asked"]["num_student_params"] == pytest.approx([1e8, 1e9] * 3)
    assert reported["status"][0] == "INFEASIBLE"
    assert reported["loss"][0] is None
    assert reported["extrapolation_decades"][0] is None
    assert "intervals" not in reported
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["loss"] for row in rows[:2]] == ["", ""]
    assert [float(row["loss"]) for row in rows[2:]] == reported["loss"][2:]
    assert [float(row["shares.logits"]) for row in rows[2:]] == reported["shares"]["logits"][2:]
    assert [row["status"] for row in rows] == reported["status"]
    out = run(*arguments).out
    assert "2 of 6 plans cannot be paid for" in out
    assert "4 of 6 are extrapolations" in out


def test_long_sweeps_are_shown_in_part(run, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "plans.parquet"
    out = run(*TRAIN, "1e18:1e26:100", "-o", path).out
    assert "24 of 100 plans are shown" in out
    table = parquet.read_table(path).to_pydict()
    plan = compute_optimal(presets.load("besiroglu2024"), flops=np.geomspace(1e18, 1e26, 100))
    assert table["loss"] == plan.loss.tolist()


def test_from_a_teacher_that_exists(run, tmp_path):
    arguments = ["plan", "distill", "--law", "busbridge2025", "--teacher", "7B", "--teacher-loss"]
    arguments += ["2.1", "--student", "300M", "--flops", "1e21"]
    asked: Any = {"flops": 1e21, "num_student_params": 3e8}
    asked |= {"num_teacher_params": 7e9, "teacher_loss": 2.1}
    for scenario, logits in (("full", 1.0), ("free", 0.0)):
        reported = run(*arguments, "--scenario", scenario, "--json").json
        plan = distill_with(presets.load("busbridge2025"), **asked, logits=logits)
        assert {key: reported[key] for key in plan_to_dict(plan)} == plan_to_dict(plan)


def test_a_plan_that_did_not_converge_is_reported_and_fails(run, monkeypatch):
    def unsolved(law, **asked):
        plan = compute_optimal(law, **asked)
        return dataclasses.replace(plan, status=np.int32(Status.NOT_CONVERGED))

    monkeypatch.setattr("jaxlaws.planning.compute_optimal", unsolved)
    ran = run(*TRAIN, "1e21")
    assert ran.code == 1
    assert "NOT_CONVERGED" in ran.out
    assert "did not converge: do not rely on this" in ran.err
    assert run(*TRAIN, "1e21", "--json").json["status"] == "NOT_CONVERGED"


def test_tokens_of_a_teacher_that_is_trained_for_free_are_not_a_plan(run, tmp_path):
    arguments = ["plan", "distill", "--student", "1B", "--scenario", "inference", "--flops"]
    reported, out = run(*arguments, "1e21", "--json").json, run(*arguments, "1e21").out
    assert reported["num_teacher_tokens"] is None
    assert reported["num_teacher_params"] > 0
    losses = f"teacher {reported['teacher_loss']:.4f}, of the student {reported['loss']:.4f}"
    for text in (*reported["caveats"][1:2], " ".join(out.split())):
        assert "as good as tokens can make it" in text
        assert losses in text
        assert "choose an existing teacher with --teachers" in text
    assert "as many as possible" in out
    assert "100Q" not in out
    assert "1e17" not in out
    swept = ("1e20:1e22:3", "-o", tmp_path / "plans.csv")
    assert "as good as tokens can make it" in " ".join(run(*arguments, *swept).out.split())
    with swept[2].open() as file:
        assert [row["num_teacher_tokens"] for row in csv.DictReader(file)] == [""] * 3


def test_draws_slice_sweeps_without_a_trace(run):
    """A sweep longer than the planner's small batch, draw by draw."""
    law = presets.load("besiroglu2024")
    flops = np.geomspace(1e20, 1e22, 20)
    batched = type(law)(
        **{name: np.array([value, value * 1.01]) for name, value in vars(law).items()}
    )
    draws = over_draws(compute_optimal, batched, {"flops": flops, "num_inference_tokens": 0.0})
    assert draws.loss.shape == (2, 20)
    np.testing.assert_array_equal(draws.loss[0], compute_optimal(law, flops=flops).loss)
    assert interval(np.array([np.nan, np.nan])) is None


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        ([*TRAIN, "0"], "above zero"),
        ([*TRAIN, "-1e20"], "above zero"),
        ([*TRAIN, "1e26:1e19:8"], "must rise"),
        ([*TRAIN, "1e3"], "raise --flops"),
        ([*TRAIN, "1e15", "--params", "1B", "--inference-tokens", "1T"], "serving 1T tokens"),
        ([*DISTILL, "0"], "above zero"),
        ([*DISTILL, "1e3"], "raise --flops"),
        ([*DISTILL, "1e21", "--scenario", "fre"], "'fre' is not one of 'free'"),
        ([*DISTILL, "1e21", "--num-students", "0"], "num-students"),
        ([*DISTILL, "1e21", "--law", "besiroglu2024"], "expected a distillation law"),
        ([*TRAIN, "1e21", "--shapes", "--params", "1B"], "exclude each other"),
        ([*TRAIN, "1e21", "--shapes", "--flops-model", "2n"], "leave out --flops-model"),
        ([*TRAIN, "1e21", "--shapes", "--within", "0.1"], "--within does not work with --shapes"),
        ([*DISTILL, "1e21", "--teacher", "7B"], "--teacher-loss is missing"),
        ([*DISTILL, "1e21", "--teacher-loss", "2.1"], "--teacher is missing"),
        (["plan", "distil"], "distil"),
    ],
)
def test_bad_input_is_one_message(refused, arguments, reported):
    assert reported in refused(*arguments)


@pytest.mark.parametrize("verb", [TRAIN, DISTILL])
@pytest.mark.parametrize("content", [b"", b'{"format": 1, "law": {"ty', bytes(range(256)), b"[]"])
def test_a_broken_law_file_is_one_message(refused, verb, content, tmp_path):
    path = tmp_path / "law.json"
    path.write_bytes(content)
    assert "law.json" in refused(*verb, "1e21", "--law", path)


def test_a_law_cut_in_half_is_one_message(refused, tmp_path):
    path = tmp_path / "law.json"
    save(presets.load(REFIT), path)
    path.write_text(path.read_text()[: len(path.read_text()) // 2])
    assert "law.json" in refused(*DISTILL, "1e21", "--law", path)


def test_where_plans_cannot_be_written_is_reported_before_planning(refused, tmp_path, monkeypatch):
    monkeypatch.setattr("jaxlaws.cli.options.law_source.Source", None)  # nothing is planned
    assert ".csv or .parquet" in refused(*TRAIN, "1e20:1e22:3", "-o", tmp_path / "plans.xls")
    assert "no folder" in refused(*TRAIN, "1e20:1e22:3", "-o", tmp_path / "gone" / "plans.csv")
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "pyarrow" else found(name)
    )
    message = refused(*TRAIN, "1e20:1e22:3", "-o", tmp_path / "plans.parquet")
    assert "jaxlaws[parquet]" in message
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_old_table(refused, tmp_path):
    path = tmp_path / "plans.csv"
    path.write_text("old")
    refused(*DISTILL, "1e3", "-o", path)
    refused(*DISTILL, "1e20:1e22:3", "--law", "besiroglu2024", "-o", path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_sweep_of_budgets_is_drawn(run, refused, tmp_path):
    ran = run(*TRAIN, "1e20:1e22:3", "-o", tmp_path / "plans.svg")
    assert ran.err.endswith(f"wrote {tmp_path / 'plans.svg'}\n")  # after a word that it compiles
    picture = (tmp_path / "plans.svg").read_text(encoding="utf-8")
    assert picture.startswith("<?xml")
    assert "axes_4" in picture  # sizes, tokens, loss, tokens per parameter
    two_sweeps = (*TRAIN, "1e20:1e22:3", "--params", "1e8:1e9:2")
    assert "sweep --flops" in refused(*two_sweeps, "-o", tmp_path / "other.png")
    assert not (tmp_path / "other.png").exists()


def test_a_single_plan_says_what_more_compute_would_bring(run):
    reported = run(*TRAIN, "1e22")
    assert "One per cent more compute would lower the loss by 0.00058 nats." in reported.out


def test_repeated_data_gives_epochs_and_wants_a_law_of_it(run, refused):
    asked = ["--flops", "1e23", "--unique-tokens", "100B"]
    reported = run("plan", "train", "--law", "muennighoff2023", *asked, "--json").json
    assert reported["num_unique_tokens"] == 1e11
    assert reported["num_epochs"] == pytest.approx(7.2, abs=0.05)  # as the docstring has it
    assert reported["num_tokens"] == pytest.approx(reported["num_epochs"] * 1e11)
    assert "law of num_params, num_tokens and num_unique_tokens" in refused(
        "plan", "train", "--law", "besiroglu2024", *asked
    )
    assert "exclude each other" in refused("plan", "train", *asked, "--shapes")
