"""`jaxlaws plan`: what may be chosen freely, shapes, catalogues, families, any size, money."""

import csv

import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.cli.answers.plans.serving_cost import serve_in_dollars
from jaxlaws.compute import dense_forward_flops
from jaxlaws.planning import (
    FREE_TEACHER,
    TEACHER_PRETRAINING_AND_INFERENCE,
    Hardware,
    compute_optimal,
    distill,
    distill_family,
    near_optimal_range,
    optimal_shape,
    plan_to_dict,
    rank_teachers,
    serving_frontier,
)

REFIT = "busbridge2025_refit"
CONSISTENT = ["--law", "busbridge2025_consistent"]  # it has no draws
TRAIN = ["plan", "train", "--law", "besiroglu2024", "--flops"]
DISTILL = ["plan", "distill", "--flops", "1e21"]
FREE = ["--scenario", "free"]
SERVE = ["plan", "serve", "--law", "besiroglu2024", "--inference-tokens", "10T"]
HARDWARE = ["--train-on", "2.5:1e15:0.45", "--serve-on", "1.2:4e14:0.1"]
TEACHERS = """name,num_teacher_params,teacher_loss,num_active_params
small,975M,2.38,
middle,4B,2.1,
experts,30B,1.98,3B
"""


def _same(reported, plan):
    for key, value in plan_to_dict(plan).items():
        assert reported[key] == value, key


def _rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_what_may_be_chosen_within_a_loss(run, tmp_path):
    law, path = presets.load("besiroglu2024"), tmp_path / "plans.csv"
    reported = run(*TRAIN, "1e21", "--within", "0.01", "--json").json["near_optimal_range"]
    assert reported["within"] == 0.01
    for name in ("num_params", "num_tokens"):
        ends = near_optimal_range(compute_optimal, law, of=name, within=0.01, flops=1e21)
        assert reported[name] == pytest.approx({"low": ends.low, "high": ends.high}, rel=1e-9)
    out = run(*TRAIN, "1e20:1e21:2", "--within", "0.01", "-o", path).out
    assert "parameters within 0.01" in out
    assert "1.58B to 4.89B" in out
    assert float(_rows(path)[1]["near_optimal_range.num_params.high"]) == pytest.approx(
        reported["num_params"]["high"]
    )
    run(*TRAIN, "1e20:1e21:2", "--within", "0.01", "-o", tmp_path / "ranges.svg")
    assert (tmp_path / "ranges.svg").read_text(encoding="utf-8").startswith("<?xml")


def test_shapes_that_can_be_built(run, tmp_path):
    path = tmp_path / "shapes.csv"
    asked = ["plan", "train", "--law", "busbridge2025", "--shapes", "--flops"]
    reported = run(*asked, "1e21", "--json").json
    _same(reported, optimal_shape(presets.load("busbridge2025").supervised, flops=1e21))
    for words in ("25", "3200", "3.08B", "loss above any size's"):
        assert words in run(*asked, "1e21").out
    out = run(*asked, "1e20:1e21:2", "-o", path).out
    assert "3.08B" in out
    assert float(_rows(path)[1]["num_tokens"]) == reported["num_tokens"]


def test_a_catalogue_of_teachers_is_ranked(run, tmp_path):
    (tmp_path / "teachers.csv").write_text(TEACHERS)
    asked = [*DISTILL, *CONSISTENT, "--student", "1B", "--teachers", tmp_path / "teachers.csv"]
    reported = run(*asked, "--json").json
    choice = rank_teachers(
        presets.load("busbridge2025_consistent"),
        flops=1e21,
        num_student_params=1e9,
        teacher_loss=[2.38, 2.1, 1.98],
        num_teacher_params=[975e6, 4e9, 30e9],
        teacher_forward_flops=dense_forward_flops(np.array([975e6, 4e9, 3e9])),
    )
    assert reported["ranking"] == [reported["teachers"][place] for place in choice.ranking]
    assert reported["best"] == reported["ranking"][0]
    assert reported["plans"] == plan_to_dict(choice.plans)
    assert reported["gain"] == choice.gain
    out = run(*asked, "-o", tmp_path / "ranked.csv").out
    assert out.index(reported["ranking"][0]) < out.index(reported["ranking"][1])
    rows = _rows(tmp_path / "ranked.csv")
    assert [row["teacher"] for row in rows] == reported["teachers"]
    assert [reported["ranking"][int(row["rank"]) - 1] for row in rows] == reported["teachers"]
    assert [float(row["loss"]) for row in rows] == reported["plans"]["loss"]
    swept = ["plan", "distill", *CONSISTENT, "--flops", "1e20:1e22:2", *asked[6:]]
    assert "margin (n" in run(*swept, "-o", tmp_path / "swept.csv").out
    assert [float(row["flops"]) for row in _rows(tmp_path / "swept.csv")] == pytest.approx(
        [1e20] * 3 + [1e22] * 3
    )


@pytest.mark.parametrize(
    ("table", "reported"),
    [
        ("name,num_teacher_params\na,1B\n", "has no column teacher_loss"),
        ("name,num_teacher_params,teacher_loss\na,1B,2\nb,0,x\n", "row 3: num_teacher_params is"),
        ("name,num_teacher_params,teacher_loss\n", "has no rows"),
    ],
)
def test_a_bad_catalogue_is_one_message(refused, tmp_path, table, reported):
    path = tmp_path / "teachers.csv"
    path.write_text(table)
    assert reported in refused(*DISTILL, "--student", "1B", "--teachers", path)


@pytest.mark.slow
def test_students_that_share_a_teacher(run, tmp_path):
    path = tmp_path / "students.csv"
    asked = ["plan", "distill", *CONSISTENT, "--student", "300M,1B,3B", "--flops"]
    reported = run(*asked, "1e22", "--json").json
    plan = distill_family(
        presets.load("busbridge2025_consistent"),
        flops=1e22,
        num_student_params=[3e8, 1e9, 3e9],
        scenario=TEACHER_PRETRAINING_AND_INFERENCE,
    )
    _same(reported, plan)
    out = run(*asked, "1e22").out
    for words in ("300M, 1B, 3B", "student losses", "mean loss", f"{plan.loss:.4f}"):
        assert words in out
    assert "student (nats)" in run(*asked, "1e20:1e22:2", "-o", path).out
    rows = _rows(path)
    assert len(rows) == 6
    tokens = [float(row["num_student_tokens"]) for row in rows[3:]]
    # The loops of a batch end together, so that the last digits depend on the other entries.
    assert tokens == pytest.approx(reported["num_student_tokens"], rel=1e-12)


@pytest.mark.slow
def test_a_student_of_any_size_up_to_a_cap(run):
    asked = [*DISTILL, *CONSISTENT, "--scenario", "free", "--max-student", "1B"]
    reported = run(*asked, "--json").json
    plan = distill(
        presets.load("busbridge2025_consistent"),
        flops=1e21,
        scenario=FREE_TEACHER,
        num_student_params_bounds=(1e3, 1e9),
    )
    _same(reported, plan)
    assert "Student parameters: on the upper bound, 1B" in run(*asked).out


def test_plans_in_money(run, tmp_path):
    path = tmp_path / "plans.csv"
    reported = run(*SERVE, *HARDWARE, "--target-loss", "2.0", "--json").json
    priced = serve_in_dollars(
        presets.load("besiroglu2024"),
        num_inference_tokens=1e13,
        target_loss=2.0,
        training=Hardware(dollars_per_hour=2.5, flops_per_second=1e15, utilisation=0.45),
        serving=Hardware(dollars_per_hour=1.2, flops_per_second=4e14, utilisation=0.1),
    )
    _same(reported, priced)
    assert "of that, training" in run(*SERVE, *HARDWARE, "--target-loss", "2.0").out
    out = run(*SERVE, *HARDWARE, "--dollars", "1e6:4e6:2", "-o", path).out
    assert "4M" in out
    spent = [float(row["training_dollars"]) + float(row["serving_dollars"]) for row in _rows(path)]
    assert spent == pytest.approx([1e6, 4e6])


def test_loss_against_the_cost_of_serving(run, tmp_path):
    asked = ["plan", "frontier", *CONSISTENT, "--flops", "1e21", "--params", "1e8:1e11:7"]
    ran = run(*asked, "--scenario", "free", "--json", "-o", tmp_path / "frontier.svg")
    answer = serving_frontier(
        presets.load("busbridge2025_consistent"),
        flops=1e21,
        num_params=np.geomspace(1e8, 1e11, 7),
        scenario=FREE_TEACHER,
    )
    assert ran.json["loss"] == answer.loss.tolist()
    assert ran.json["efficient"] == answer.efficient.tolist()
    assert set(ran.json["method"]) == {"DISTILLATION"}
    assert (tmp_path / "frontier.svg").read_text(encoding="utf-8").startswith("<?xml")
    out = run(*asked, "--scenario", "free").out
    assert out.count(" yes") == answer.efficient.sum()


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        ([*DISTILL, "--teacher", "7B", "--teacher-loss", "2"], "--teacher needs --student"),
        ([*DISTILL, "--teachers", "t.csv"], "--teachers needs --student"),
        ([*DISTILL, "--student", "1B", "--max-student", "1B"], "leave out --max-student"),
        ([*DISTILL, "--student", "1B,2B", "--num-students", "2"], "leave out --num-students"),
        ([*DISTILL, "--student", "1B,2B", "--teachers", "t.csv"], "leave out --teachers"),
        (
            [*DISTILL, "--student", "1B,2B", "--unique-tokens", "1B"],
            "does not work with several students",
        ),
        ([*DISTILL, "--student", "1B,1e8:1e9:2"], "a list or a sweep, not both"),
        ([*DISTILL, "--student", "1B,0"], "above zero"),
        ([*DISTILL, "--student", "1B", "--teachers", "no.csv"], "no.csv"),
        ([*SERVE, "--dollars", "1e6"], "both --train-on and --serve-on"),
        ([*SERVE, *HARDWARE, "--flops", "1e23"], "either --target-loss or --dollars"),
        ([*SERVE, *HARDWARE, "--dollars", "1e-6"], "raise --dollars"),
        ([*SERVE, *HARDWARE[:3], "2:1e15:40", "--dollars", "1"], "write dollars an hour"),
        (
            [*SERVE, *HARDWARE, "--dollars", "1", "-o", "x.svg"],
            "no picture of training and serving in money",
        ),
        (["plan", "frontier", "--flops", "1e21", "--params", "1B"], "a sweep of sizes"),
        (["plan", "frontier", "--flops", "1", "--params", "1e8:1e9:2", *FREE], "raise --flops"),
        (["plan", "train", "--shapes", "--flops", "1e9"], "raise --flops"),
    ],
)
def test_contradictions_are_one_message(refused, arguments, reported):
    assert reported in refused(*arguments)


@pytest.mark.slow
def test_the_range_of_the_teacher_of_a_family(run, tmp_path):
    asked = [*DISTILL, "--student", "300M,1B,3B", "--within", "0.01"]
    ran = run(*asked, "--json", "-o", tmp_path / "family.svg")
    found = ran.json["near_optimal_range"]["num_teacher_params"]
    assert found["low"] < ran.json["num_teacher_params"] < found["high"]
    assert (tmp_path / "family.svg").stat().st_size > 10_000
