"""Prices on the command line: `--price` of the verbs of `plan`."""

import pytest

from jaxlaws import presets
from jaxlaws.planning import (
    TEACHER_PRETRAINING_AND_INFERENCE,
    Costs,
    compute_optimal,
    distill,
    plan_to_dict,
    serve,
)

TRAIN = ["plan", "train", "--law", "besiroglu2024"]
SERVE = ["plan", "serve", "--law", "besiroglu2024"]
LAW = presets.load("besiroglu2024")


def _same(reported, plan):
    expected = plan_to_dict(plan)
    assert {key: reported[key] for key in expected} == expected


def test_a_budget_in_dollars(run):
    prices = ["--price", "training=2:1e15:0.5", "--price", "token=1e-6"]
    arguments = [*TRAIN, "--flops", "5e6", "--inference-tokens", "1T", *prices]
    reported = run(*arguments, "--json").json
    price = 2 / (3600 * 1e15 * 0.5)
    cost = Costs(training=price, serving=price, logits=price, token=1e-6)
    _same(reported, compute_optimal(LAW, flops=5e6, num_inference_tokens=1e12, cost=cost))
    assert reported["prices"] == {
        "training": price,
        "serving": price,
        "logits": price,
        "token": 1e-6,
    }
    out = run(*arguments).out
    assert "FLOPs" not in out
    assert "compute" not in out.replace("compute-optimal", "")
    for words in ("budget 5e6", "training 1.11e-18", "token 1e-06", "cost of training", "data"):
        assert words in out


def test_relative_prices_are_in_flops_of_training(run):
    given = ["--inference-tokens", "1T", "--target-loss", "2.1", "--price", "serving=4", "--json"]
    cost = Costs(serving=4.0)
    plan = serve(LAW, num_inference_tokens=1e12, target_loss=2.1, cost=cost)
    _same(run(*SERVE, *given).json, plan)


def test_a_distilled_student(run):
    arguments = ["plan", "distill", "--flops", "1e21", "--student", "1B", "--price", "logits=3"]
    plan = distill(
        presets.load("busbridge2025_refit"),
        flops=1e21,
        num_student_params=1e9,
        scenario=TEACHER_PRETRAINING_AND_INFERENCE,
        cost=Costs(logits=3.0),
    )
    _same(run(*arguments, "--law", "busbridge2025_refit", "--json").json, plan)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([*TRAIN, "--price", "training"], "WHAT is training, serving, logits, token"),
        ([*TRAIN, "--price", "rent=3"], "WHAT is training, serving, logits, token"),
        ([*TRAIN, "--price", "training=0"], "above zero"),
        ([*TRAIN, "--price", "token=-1"], "must not be negative"),
        ([*TRAIN, "--price", "token=1", "--price", "token=2"], "give each price once"),
        ([*TRAIN, "--price", "token=1", "-o", "plan.svg"], "leave out --price"),
        (
            [*TRAIN, "--params", "1B", "--inference-tokens", "1T", "--price", "serving=1e6"],
            "a budget of 1e21 does not pay for serving",
        ),
        (
            [*SERVE, "--inference-tokens", "1T", "--train-on", "2:1e15:0.4", "--price", "token=1"],
            "leave out --price",
        ),
    ],
)
def test_bad_prices_are_one_message(refused, arguments, message):
    assert message in refused(*arguments, "--flops", "1e21")
