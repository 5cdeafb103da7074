"""`plan distill --unique-tokens`: a student whose tokens may be repeated."""

import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.planning import TEACHER_INFERENCE, distill

LAW = "busbridge2025_consistent"
DISTILL = ("plan", "distill", "--law", LAW, "--student", "1B", "--scenario", "inference")


def test_few_tokens_are_repeated_four_times_at_most(run):
    plan = run(*DISTILL, "--flops", "1e21", "--unique-tokens", "5B", "--json").json
    expected = distill(
        presets.load(LAW),
        flops=1e21,
        num_student_params=1e9,
        scenario=TEACHER_INFERENCE,
        num_student_tokens_bounds=(1e3, 2e10),
    )
    assert plan["num_student_tokens"] == pytest.approx(2e10)
    assert plan["loss"] == expected.loss
    assert plan["num_epochs"] == pytest.approx(4)
    assert plan["num_unique_tokens"] == 5e9
    assert plan["active_bounds"]["num_student_tokens"] == 1
    assert "at most 4 times" in plan["caveats"][0]


def test_tokens_that_suffice_are_not_repeated(run):
    plain = run(*DISTILL, "--flops", "1e20:1e21:2", "--json").json
    plan = run(*DISTILL, "--flops", "1e20:1e21:2", "--unique-tokens", "1T", "--json").json
    assert plan["num_student_tokens"] == pytest.approx(plain["num_student_tokens"])
    assert plan["num_epochs"] == [1, 1]
    assert plan["num_unique_tokens"] == plan["num_student_tokens"]


def test_within_gives_the_epochs_that_lose_little(run):
    options = ("--flops", "1e21", "--unique-tokens", "40B", "--within", "0.01")
    plan = run(*DISTILL, *options, "--json").json
    epochs = plan["near_optimal_range"]["num_epochs"]
    assert 1 <= epochs["low"] < plan["num_epochs"] < epochs["high"] <= 4
    # The best plan on the tokens of the lower end loses 0.01.
    tokens = plan["near_optimal_range"]["num_student_tokens"]["low"]
    law, bounds = presets.load(LAW), (tokens, tokens)
    given = {"flops": 1e21, "num_student_params": 1e9, "scenario": TEACHER_INFERENCE}
    at_end = distill(law, **given, num_student_tokens_bounds=bounds)
    assert at_end.loss == pytest.approx(plan["loss"] + 0.01, abs=1e-7)
    assert np.isclose(epochs["low"], max(1, tokens / 40e9))
    shown = run(*DISTILL, *options).out
    assert "Epochs within 0.01 of that loss: " in shown
    assert "epochs" in shown


def test_a_limit_that_is_not_of_one_student_is_refused(refused, tmp_path):
    options = ("--flops", "1e21", "--unique-tokens", "5B")
    several = ("plan", "distill", "--student", "1B,3B", *options)
    assert "--unique-tokens does not work with several students" in refused(*several)
    path = tmp_path / "teachers.csv"
    path.write_text("name,num_teacher_params,teacher_loss\na,7B,2.1\n")
    assert "does not work with --teachers" in refused(*DISTILL, *options, "--teachers", path)
