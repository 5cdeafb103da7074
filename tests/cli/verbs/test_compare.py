"""`jaxlaws plan compare`: train, overtrain or distil?"""

import csv
from typing import Any

import jax
import numpy as np
import pytest

from fitting import FitResult
from fitting.minimiser.identifiability import Identifiability
from fitting.minimiser.status import Status
from jaxlaws import presets, save
from jaxlaws.cli.answers.plans.comparison import win_shares
from jaxlaws.planning import Winner, compare, plan_to_dict

LAW = "busbridge2025_consistent"
COMPARE = ["plan", "compare", "--law", LAW, "--flops"]


def test_it_prints_the_comparison(run):
    arguments = [*COMPARE, "1e21", "--student", "300M"]
    reported, out = run(*arguments, "--json").json, run(*arguments).out
    answer = compare(presets.load(LAW), flops=1e21, num_student_params=3e8)
    assert reported["winner"] == Winner(answer.winner).name == "OVERTRAIN"
    assert reported["margin"] == answer.margin
    assert reported["eligible"] == {"train": False, "overtrain": True, "distil": True}
    for name, plan in answer.options.items():
        inside = reported["options"][name]
        assert {key: inside[key] for key in plan_to_dict(plan)} == plan_to_dict(plan)
    assert reported["reason"] == answer.words(presets.describe(LAW).fitted_range, "nats")
    assert "probabilities" not in reported
    overtrained = np.log10(answer.options.overtrain.num_tokens / 5.12e11)
    assert reported["extrapolation_decades"] == pytest.approx(overtrained)
    assert "Winner: OVERTRAIN." in out
    assert reported["reason"] in out
    assert f"({answer.options.train.loss:.4f})" in out  # in brackets: ruled out
    assert "it is larger than the student" in out
    assert "an extrapolation, so do not rely on it" in out
    assert "no bootstrap draws" in out
    assert "No --law is given" not in out


def test_the_preset_that_answers_without_a_law_has_a_caveat(run):
    arguments = ["plan", "train", "--flops", "1e21"]
    caveats = run(*arguments, "--json").json["caveats"]
    said = "No --law is given, so this is the preset busbridge2025_refit"
    assert [said in each for each in caveats].count(True) == 1
    assert run(*arguments).out.count(f"Caveat: {said}") == 1
    named = run(*arguments, "--law", "busbridge2025_refit").out
    assert said not in named


def test_a_teacher_that_exists(run):
    arguments = [*COMPARE, "1e21", "--teacher", "300M", "--teacher-loss", "2.2"]
    reported = run(*arguments, "--student", "300M", "--inference-tokens", "1T", "--json").json
    answer = compare(
        presets.load(LAW),
        flops=1e21,
        num_student_params=3e8,
        num_inference_tokens=1e12,
        teacher_loss=2.2,
        num_teacher_params=3e8,
    )
    assert reported["winner"] == Winner(answer.winner).name == "USE_TEACHER"
    assert reported["options"]["use_teacher"]["loss"] == 2.2
    assert reported["options"]["distil"]["num_teacher_tokens"] is None
    assert reported["options"]["train"]["loss"] is None
    assert "costs more than the budget" in run(*arguments, "--inference-tokens", "1T").out


def fit_result(law, fitted_range, stages=None):
    """A fit of a law, with four draws, the last of which did not converge."""
    factors = np.array([0.97, 1.0, 1.03, np.nan])
    return FitResult(
        law=law,
        ensemble=jax.tree.map(lambda leaf: leaf * factors, law),
        ensemble_status=np.array([Status.CONVERGED] * 3 + [Status.NOT_CONVERGED]),
        status=Status.CONVERGED,
        objective=1.0,
        objective_by_start=np.ones(1),
        starts_agreeing=1.0,
        gradient_norm=0.0,
        fitted_range=fitted_range,
        identifiability=Identifiability(
            names=(), eigenvalues=np.ones(0), directions=np.ones((0, 0)), notes=()
        ),
        num_runs=30,
        num_left=0,
        frozen=(),
        stages=stages or {},
        warnings=(),
    )


def test_the_share_of_the_draws_that_each_strategy_wins(run, tmp_path):
    """From a fit of two stages, whose draws are paired."""
    law, path = presets.load(LAW), tmp_path / "fit.json"
    first = fit_result(law.supervised, {"num_params": (1e8, 1e9), "num_tokens": (1e9, 1e11)})
    students = {"num_student_params": (1e8, 1e10), "num_student_tokens": (1e9, 1e12)}
    result = fit_result(law, students, {"supervised": first})
    result.save(path)
    arguments = ["plan", "compare", "--law", path, "--flops", "1e20", "--student", "500M"]
    reported, out = run(*arguments, "--json").json, run(*arguments).out
    asked: Any = {"flops": 1e20, "num_student_params": 5e8}
    won = [
        Winner(compare(jax.tree.map(lambda leaf, at=at: leaf[at], result.ensemble), **asked).winner)
        for at in range(3)
    ]
    assert reported["probabilities"] == {
        winner.name: won.count(winner) / 3
        for winner in (Winner.TRAIN, Winner.OVERTRAIN, Winner.DISTIL)
    }
    assert "of the fit's 3 draws" in out
    assert "one supervised law" not in out
    assert reported["options"]["train"]["extrapolation_decades"] == 0  # known from the first stage


def test_shares_are_counted():
    answer = compare(presets.load(LAW), flops=1e21, num_student_params=3e8)
    winners = np.array([Winner.DISTIL, Winner.OVERTRAIN, Winner.DISTIL, Winner.NONE])
    assert win_shares(winners, answer.options) == {
        "TRAIN": 0,
        "OVERTRAIN": 0.25,
        "DISTIL": 0.5,
        "NONE": 0.25,
    }


def test_sweeps_are_written(run, tmp_path):
    path = tmp_path / "answers.csv"
    arguments = [*COMPARE, "1e3:1e24:4", "--student", "300M"]
    reported = run(*arguments, "-o", path, "--json").json
    answer = compare(presets.load(LAW), flops=np.geomspace(1e3, 1e24, 4), num_student_params=3e8)
    assert reported["winner"] == [Winner(winner).name for winner in answer.winner]
    assert reported["winner"][0] == "NONE"
    assert reported["margin"][0] is None
    assert len(reported["reason"]) == 4
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["winner"] for row in rows] == reported["winner"]
    assert float(rows[3]["options.distil.loss"]) == answer.options.distil.loss[3]
    assert "In brackets" in run(*arguments).out


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        (["0"], "above zero"),
        (["1e3"], "raise --flops"),
        (["1e13", "--student", "300M", "--inference-tokens", "1T"], "serving 1T tokens"),
        (["1e24:1e20:4"], "must rise"),
        (["1e21", "--teacher", "7B"], "--teacher-loss is missing"),
        (["1e21", "--teacher-loss", "2.1"], "--teacher is missing"),
        (["1e21", "--teacher", "0", "--teacher-loss", "2.1"], "above zero"),
        (["1e21", "--scenario", "all"], "'all' is not one of 'free'"),
        (["1e21", "--law", "besiroglu2024"], "expected a distillation law"),
        (["1e21", "-o", "answers.txt"], ".csv or .parquet"),
    ],
)
def test_bad_input_is_one_message(refused, arguments, reported):
    assert reported in refused(*COMPARE, *arguments)


def test_a_law_cut_in_half_is_one_message(refused, tmp_path):
    path = tmp_path / "law.json"
    save(presets.load(LAW), path)
    path.write_text(path.read_text()[: len(path.read_text()) // 2])
    assert "law.json" in refused(*COMPARE, "1e21", "--law", path)
    path.write_bytes(bytes(range(256)))
    assert "law.json" in refused(*COMPARE, "1e21", "--law", path)
