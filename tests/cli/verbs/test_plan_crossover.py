"""`jaxlaws plan crossover`."""

import csv

import jax
import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.planning import (
    FREE_TEACHER,
    TEACHER_PRETRAINING_AND_INFERENCE,
    Method,
    crossover,
    plan_to_dict,
)

CROSSOVER = ["plan", "crossover", "--student"]
REFIT = "busbridge2025_refit"


@pytest.mark.slow
def test_one_student(run):
    reported = run(*CROSSOVER, "300M", "--json").json
    answer = crossover(
        presets.load(REFIT), num_student_params=3e8, scenario=TEACHER_PRETRAINING_AND_INFERENCE
    )
    assert {key: reported[key] for key in plan_to_dict(answer)} == plan_to_dict(answer)
    assert reported["asked"]["num_student_params"] == 3e8
    assert reported["to"][:2] == ["SUPERVISED", "DISTILLATION"]
    assert len(reported["extrapolation_decades"]) == len(reported["flops"]) == 4
    assert reported["extrapolation_decades"][2:] == [None, None]
    out = run(*CROSSOVER, "300M").out
    some = jax.tree.map(lambda leaf: leaf[:200], presets.ensemble(REFIT))
    draws = crossover(some, num_student_params=3e8, scenario=TEACHER_PRETRAINING_AND_INFERENCE)
    # Draws that train alone first cross to distilling at their first crossing, others later.
    assert reported["draws"]["first"]["share_of_draws"] == np.mean(
        draws.first == Method.DISTILLATION
    )
    back = [
        flops[to == Method.DISTILLATION][0]
        for flops, to in zip(draws.flops, draws.to, strict=True)
        if (to == Method.DISTILLATION).any()
    ]
    there = reported["draws"]["crossings"][1]
    assert there["share_of_draws"] == len(back) / len(draws.flops)
    assert [there["low"], there["high"]] == pytest.approx(np.quantile(back, [0.05, 0.95]))
    assert there["low"] < reported["flops"][1] < there["high"]
    for words in ("the least", "2.03e17", "2.23e21", "train alone", "distil", "extrapolations"):
        assert words in out


def test_students_in_a_sweep_and_none(run, tmp_path):
    path = tmp_path / "crossings.csv"
    arguments = [*CROSSOVER, "1e8:1e9:2", "--scenario", "free"]
    reported = run(*arguments, "--json", "-o", path).json
    answer = crossover(presets.load(REFIT), num_student_params=[1e8, 1e9], scenario=FREE_TEACHER)
    assert reported["first"] == plan_to_dict(answer)["first"] == ["DISTILLATION"] * 2
    assert reported["count"] == [0, 0]
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["better"] for row in rows] == ["DISTILLATION"] * 2
    assert [row["from_flops"] for row in rows] == ["", ""]
    assert "no crossing between 1e17 and 1e28" in run(*arguments).out


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        (["plan", "crossover"], "--student"),
        ([*CROSSOVER, "0"], "above zero"),
        ([*CROSSOVER, "1B", "--scenario", "fre"], "'fre' is not one of 'free'"),
        ([*CROSSOVER, "1B", "--law", "besiroglu2024"], "expected a distillation law"),
        ([*CROSSOVER, "1B", "-o", "crossings.xls"], ".csv or .parquet"),
    ],
)
def test_bad_input_is_one_message(refused, arguments, reported):
    assert reported in refused(*arguments)
