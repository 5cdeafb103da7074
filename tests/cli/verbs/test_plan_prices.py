"""Prices on the command line: `--price` of the verbs of `plan`."""

import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.planning import (
    FREE_TEACHER,
    TEACHER_INFERENCE,
    TEACHER_PRETRAINING_AND_INFERENCE,
    Costs,
    compute_optimal,
    crossover,
    distill,
    plan_to_dict,
    serve,
    serving_frontier,
)

TRAIN = ["plan", "train", "--law", "besiroglu2024"]
SERVE = ["plan", "serve", "--law", "besiroglu2024"]
CONSISTENT = ["--law", "busbridge2025_consistent", "--scenario", "inference"]
FREE = ["--scenario", "free"]
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


def test_the_loss_against_the_cost_of_serving(run):
    arguments = [
        "plan",
        "frontier",
        "--flops",
        "1400",
        "--params",
        "1e8:1e10:3",
        *CONSISTENT,
        *FREE,
    ]
    prices = ["--price", "training=1.4e-18", "--price", "token=1e-10"]
    reported = run(*arguments, *prices, "--json").json
    cost = Costs(training=1.4e-18, serving=1.4e-18, logits=1.4e-18, token=1e-10)
    sizes = reported["num_params"]
    law = presets.load("busbridge2025_consistent")
    options = {"num_params": sizes, "scenario": FREE_TEACHER, "cost": cost}
    _same(reported, serving_frontier(law, flops=1400.0, **options))
    assert reported["prices"]["token"] == 1e-10
    assert "training 1.4e-18" in run(*arguments, *prices).out


@pytest.mark.slow
def test_the_budgets_at_which_the_better_method_changes(run):
    arguments = ["plan", "crossover", "--student", "300M", *CONSISTENT, "--price"]
    reported = run(*arguments, "training=2:1e15:0.4", "--json").json
    price = reported["prices"]["training"]
    cost = Costs(training=price, serving=price, logits=price)
    law = presets.load("busbridge2025_consistent")
    answer = crossover(law, num_student_params=3e8, scenario=TEACHER_INFERENCE, cost=cost)
    _same(reported, answer)
    tokens = answer.flops[0] / price / (6 * 3e8)
    # Tokens by 6 N D, which differ a little from those of the plan; dollars for FLOPs: 18 decades.
    outside = max(0, *(np.log10(tokens / 5.12e11), np.log10(3.7e9 / tokens)))
    assert reported["extrapolation_decades"][0] == pytest.approx(outside, abs=0.3)
    out = run(*arguments, "training=2:1e15:0.4").out
    assert "FLOPs" not in out
    never = ["plan", "crossover", "--student", "100M", *CONSISTENT, *FREE, "--price"]
    assert "no crossing between 1e19 and 1e30" in run(*never, "training=100").out


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
