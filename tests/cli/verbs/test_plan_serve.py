"""`jaxlaws plan serve`."""

import csv

import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.planning import compute_optimal, plan_to_dict, serve

SERVE = ["plan", "serve", "--law", "besiroglu2024", "--inference-tokens"]


def test_the_least_compute_for_a_loss(run):
    reported = run(*SERVE, "10T", "--target-loss", "2.0", "--json").json
    plan = serve(presets.load("besiroglu2024"), num_inference_tokens=1e13, target_loss=2.0)
    assert reported["asked"] == {"target_loss": 2.0, "num_inference_tokens": 1e13}
    assert {key: reported[key] for key in plan_to_dict(plan)} == plan_to_dict(plan)
    out = run(*SERVE, "10T", "--target-loss", "2.0").out
    for words in ("loss 2,", "20B", "3.01T", "7.62e23", "compute for serving"):
        assert words in out
    assert "CONVERGED" not in out  # a status is shown where a plan is not a solution


def test_the_least_loss_for_a_budget(run):
    reported = run(*SERVE, "1T", "--flops", "1e23", "--json").json
    law = presets.load("besiroglu2024")
    plan = compute_optimal(law, flops=1e23, num_inference_tokens=1e12)
    assert {key: reported[key] for key in plan_to_dict(plan)} == plan_to_dict(plan)


def test_sweeps(run, tmp_path):
    path = tmp_path / "plans.csv"
    arguments = [*SERVE, "1e11:1e13:3", "--target-loss", "1.5:2.5:2"]
    reported = run(*arguments, "--json", "-o", path).json
    targets, served = np.repeat([1.5, 2.5], 3), np.tile([1e11, 1e12, 1e13], 2)
    plan = serve(presets.load("besiroglu2024"), num_inference_tokens=served, target_loss=targets)
    assert reported["status"] == ["INFEASIBLE"] * 3 + ["CONVERGED"] * 3
    assert reported["flops"][:3] == [None] * 3
    assert reported["flops"][3:] == pytest.approx(plan.flops[3:])
    with path.open() as file:
        assert [row["status"] for row in csv.DictReader(file)] == reported["status"]
    out = run(*arguments).out
    assert "tokens served" in out
    assert "3 of 6 plans have a loss that no model reaches" in out


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        ([*SERVE, "1T"], "either --target-loss or --flops"),
        (
            [*SERVE, "1T", "--flops", "1e23", "--target-loss", "2"],
            "either --target-loss or --flops",
        ),
        ([*SERVE, "1T", "--target-loss", "1.5"], "no model reaches a loss of 1.5"),
        ([*SERVE, "1T", "--target-loss", "-2"], "above zero"),
        ([*SERVE, "1T", "--flops", "1e3"], "raise --flops"),
        (["plan", "serve", "--target-loss", "2"], "--inference-tokens"),
    ],
)
def test_bad_input_is_one_message(refused, arguments, reported):
    assert reported in refused(*arguments)
