"""What changed between two plans, from documents written by hand."""

import math

import numpy as np
import pytest

from jaxlaws.cli.answers.fits.plan_changes import compare
from jaxlaws.foundations.provenance import fingerprint

RUNS = fingerprint([np.array([1e6, 1e7]), np.array([3.0, 2.0])], np.array([2, 3]))


def plan(**numbers):
    fit = {"provenance": RUNS, "stages": {}}
    return {"asked": {"flops": 1e21}, "provenance": {"fit": fit}, "command": "x", **numbers}


def changed(before, after):
    return compare(plan(**before), plan(**after))


def test_a_multiple_of_the_interval():
    """Sizes on a log scale: from 1 to 2 is half of the way from 1 to 4."""
    ends = {"num_params": [1.0, 4.0], "loss": [2.0, 2.4]}
    found = changed(
        {"num_params": 1.0, "loss": 2.0, "intervals": ends}, {"num_params": 2.0, "loss": 2.5}
    )
    size, loss = found.numbers
    assert size.multiple == pytest.approx(0.5)
    assert loss.multiple == pytest.approx(1.25)
    assert (size.is_outside, loss.is_outside) == (False, True)
    assert not found.decision_changed  # a loss is no decision


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ({"winner": "TRAIN"}, {"winner": "DISTIL"}, "winner: TRAIN before, DISTIL now"),
        (
            {"active_bounds": {"num_params": 0}},
            {"active_bounds": {"num_params": 1}},
            "active_bounds.num_params: 0 before, 1 now",
        ),
        ({"num_params": 1e9}, {"num_params": 1.2e9}, "parameters: 1B before, 1.2B now, more than"),
        ({"num_params": 1e9}, {"num_params": None}, "parameters: 1B before, – now"),
        (
            {"num_params": 1e9, "intervals": {"num_params": [0.9e9, 1.1e9]}},
            {"num_params": 1.2e9},
            "outside the interval",
        ),
    ],
)
def test_a_changed_decision(before, after, reason):
    found = changed(before, after)
    assert reason in "; ".join(found.reasons)
    assert not changed(before, before).decision_changed


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"options": {"distil": {"status": "CONVERGED", "num_params": 1e9}}},) * 2,
        ({"options": {"train": {"num_params": 1e9}}}, {"options": {"train": {"num_params": 9e9}}}),
        ({"num_params": 1e9}, {"num_params": 1.05e9}),
        ({"loss": 2.0}, {"loss": 3.0}),
    ],
)
def test_a_decision_that_stands(before, after):
    assert not changed(before, after).decision_changed


def test_the_budgets_of_a_crossover_have_intervals():
    crossings = [{"low": 1e20, "high": 4e20, "share_of_draws": 1.0}]
    before = {
        "flops": [2e20, None],
        "to": ["SUPERVISED", "NONE"],
        "draws": {"first": {}, "crossings": crossings},
    }
    inside = changed(before, {"flops": [3e20, None], "to": ["SUPERVISED", "NONE"]})
    (budget,) = inside.numbers
    assert budget.multiple == pytest.approx(math.log(1.5) / math.log(4))
    assert not inside.decision_changed
    outside = changed(before, {"flops": [5e20, None], "to": ["SUPERVISED", "NONE"]})
    assert outside.reasons[0].startswith("flops[0]: 2e20 before, 5e20 now, outside")
    turned = changed(before, {"flops": [3e20, None], "to": ["DISTILLATION", "NONE"]})
    assert turned.reasons == ("to[0]: SUPERVISED before, DISTILLATION now",)
