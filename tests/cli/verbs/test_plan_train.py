"""The questions of `plan train`, against the planning functions and closed forms."""

import pytest

BESIROGLU = ("plan", "train", "--law", "besiroglu2024")
MUENNIGHOFF = ("plan", "train", "--law", "muennighoff2023")


def test_a_size_without_a_budget_gives_its_compute_optimal_tokens(run):
    plan = run(*BESIROGLU, "--params", "124M", "--json").json
    back = run(*BESIROGLU, "--flops", repr(plan["flops"]), "--json").json
    assert back["num_params"] == pytest.approx(124e6, rel=1e-6)
    assert plan["tokens_per_param"] == pytest.approx(plan["num_tokens"] / 124e6)


def test_tokens_without_a_budget_are_swept(run):
    plan = run(*BESIROGLU, "--tokens", "1e9:1e11:3", "--json").json
    assert plan["num_tokens"] == pytest.approx([1e9, 1e10, 1e11])


def test_the_least_budget_for_a_loss_is_that_of_the_plan_with_this_loss(run):
    plan = run(*BESIROGLU, "--target-loss", "2.2", "--json").json
    back = run(*BESIROGLU, "--flops", repr(plan["flops"]), "--json").json
    assert back["loss"] == pytest.approx(2.2, rel=1e-8)
    fixed = run(*BESIROGLU, "--target-loss", "2.2", "--params", "2B", "--json").json
    assert fixed["loss"] == pytest.approx(2.2, rel=1e-8)
    assert fixed["flops"] > plan["flops"]
    assert fixed["flops"] == pytest.approx(6 * 2e9 * fixed["num_tokens"])


def test_half_the_size_has_the_same_loss(run):
    answer = run(*BESIROGLU, "--flops", "1e23", "--size-fraction", "0.5", "--json").json
    smaller, optimal = answer["smaller"], answer["optimal"]
    assert smaller["num_params"] == pytest.approx(optimal["num_params"] / 2)
    assert smaller["loss"] == pytest.approx(optimal["loss"], rel=1e-8)
    assert answer["overhead"] == pytest.approx(smaller["flops"] / 1e23 - 1)


def test_a_fixed_size_on_limited_data_says_its_epochs(run):
    options = ("--flops", "1e22", "--params", "5B", "--unique-tokens", "20B")
    plan = run(*MUENNIGHOFF, *options, "--json").json
    assert plan["num_params"] == 5e9
    assert plan["num_tokens"] == pytest.approx(1e22 / 6 / 5e9)
    assert plan["num_epochs"] == pytest.approx(1e22 / 6 / 5e9 / 20e9)
    assert plan["active_bounds"]["num_params"] == 0


def test_within_gives_the_epochs_that_lose_little(run):
    options = ("--flops", "1e22", "--unique-tokens", "20B", "--within", "0.01")
    ranges = run(*MUENNIGHOFF, *options, "--json").json["near_optimal_range"]
    assert ranges["num_epochs"]["low"] == pytest.approx(ranges["num_tokens"]["low"] / 20e9)
    assert ranges["num_epochs"]["high"] == pytest.approx(ranges["num_tokens"]["high"] / 20e9)
    # A fixed size on the tokens of an end loses as much.
    best = run(*MUENNIGHOFF, *options, "--json").json["loss"]
    size = 1e22 / 6 / ranges["num_tokens"]["high"]
    at_end = run(*MUENNIGHOFF, *options[:4], "--params", repr(size), "--json").json["loss"]
    assert at_end == pytest.approx(best + 0.01, abs=1e-6)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ((), "give a budget with --flops"),
        (("--unique-tokens", "1e9"), "give a budget"),
        (("--params", "1e9", "--tokens", "1e9"), "do not go together"),
        (("--flops", "1e20", "--tokens", "1e9"), "--tokens asks for the budget"),
        (("--flops", "1e20", "--target-loss", "3"), "--target-loss asks for the budget"),
        (("--params", "1e9", "--within", "0.01"), "--within needs a budget"),
        (("--flops", "1e20", "--size-fraction", "0.5", "--shapes"), "exclude each other"),
        (("--target-loss", "1.5"), "no model reaches a loss"),
        (("--flops", "1e23", "--size-fraction", "0.01"), "raise --size-fraction"),
    ],
)
def test_what_is_not_one_question_is_refused(refused, options, what):
    assert what in refused(*BESIROGLU, *options)
