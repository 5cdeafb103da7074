"""Prices: random problems against a dense search, prices of one, marginal values, and misuse."""

import functools

import jax
import numpy as np
import pytest

from jaxlaws import fix_inputs, presets
from jaxlaws.planning import (
    TEACHER_INFERENCE,
    TEACHER_PRETRAINING,
    TEACHER_PRETRAINING_AND_INFERENCE,
    Costs,
    Hardware,
    Planner,
    Status,
    assess_teacher,
    compare,
    compute_multiplier,
    compute_optimal,
    crossover,
    distill,
    distill_family,
    distill_with,
    flops_to_reach,
    relative_cost,
    serve,
    train_fixed,
)
from tests.planning.cost_search import KINDS, routed
from tests.planning.in_numpy import trained_loss

LAW, DISTILLED = presets.load("besiroglu2024"), presets.load("busbridge2025_refit")
CONSISTENT = presets.load("busbridge2025_consistent")
EXPERTS = presets.load("krajewski2024")
DOLLARS = 1.4e-18  # of a FLOP


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=pytest.mark.slow) if kind == "student caps" else kind
        for kind in KINDS
    ],
)
def test_no_point_of_a_dense_search_is_better(kind):
    random = np.random.default_rng(1)
    for each in [KINDS[kind](random, 10_000) for _ in range(6)]:
        assert each.solved
        np.testing.assert_allclose(each.loss, each.raw_loss, rtol=1e-12)
        np.testing.assert_allclose(each.spent, each.raw_spent, rtol=1e-9)
        assert each.spent <= each.budget * (1 + 1e-9)
        assert each.loss <= each.least + 1e-8


def test_an_unspent_budget_buys_the_cheapest_teacher_of_equal_loss():
    # The plans with equal loss lie on a curve, along which the search takes many short steps.
    cost = Costs(training=2e-18, serving=8e-18, logits=3e-18, token=1e-6)
    size, most, budgets = 69540352.0, 3216711090176.0, 7.2e8 * (1 + 1e-5 * np.arange(16))
    plan = distill(
        DISTILLED,
        flops=budgets,
        num_student_params=size,
        num_inference_tokens=5.7e17,
        scenario=TEACHER_PRETRAINING_AND_INFERENCE,
        num_student_tokens_bounds=(1e3, most),
        cost=cost,
    )
    assert (plan.status == Status.BUDGET_UNSPENT).all()
    # The tokens of each teacher that reach its loss, by bisection.
    sizes = plan.num_teacher_params[0] * np.exp(np.linspace(-0.1, 0.1, 2001))
    low, high = np.full((2, 2001), [[1e8], [1e18]])
    for _ in range(100):
        middle = np.sqrt(low * high)
        above = trained_loss(DISTILLED, sizes, middle) > plan.teacher_loss[0]
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    costs = (cost.training * 6 * sizes + cost.token) * high + cost.logits * 2 * sizes * most
    cheapest = sizes[np.argmin(costs)]
    np.testing.assert_allclose(plan.num_teacher_params, cheapest, rtol=2e-4)
    np.testing.assert_allclose(plan.num_student_tokens, most, rtol=1e-12)


def test_prices_of_one_are_flops():
    student = {"flops": 1e22, "num_student_params": 1e9, "num_inference_tokens": 1e11}
    student["scenario"] = TEACHER_PRETRAINING_AND_INFERENCE
    pairs = zip(
        jax.tree.leaves(distill(DISTILLED, **student)),
        jax.tree.leaves(distill(DISTILLED, **student, cost=Costs())),
        strict=True,
    )
    for plain, priced in pairs:
        np.testing.assert_allclose(priced, plain, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("question", "sizes"),
    [(distill, 5e8), pytest.param(distill_family, [5e8, 2e9], marks=pytest.mark.slow)],
)
def test_the_unit_of_the_prices_changes_nothing_but_the_budget(question, sizes):
    student = {"num_student_params": sizes, "num_inference_tokens": 1e11}
    student["scenario"] = TEACHER_PRETRAINING_AND_INFERENCE
    cost = Costs(training=1.0, serving=2.0, logits=3.0, token=1e10)
    in_dollars = jax.tree.map(lambda price: price * DOLLARS, cost)
    plan = question(DISTILLED, flops=1e22, cost=cost, **student)
    priced = question(DISTILLED, flops=1e22 * DOLLARS, cost=in_dollars, **student)
    np.testing.assert_allclose(priced.flops, 1e22 * DOLLARS, rtol=1e-12)
    np.testing.assert_allclose(priced.num_student_tokens, plan.num_student_tokens, rtol=1e-6)
    np.testing.assert_allclose(priced.marginal_values.flops, plan.marginal_values.flops, rtol=1e-6)
    np.testing.assert_allclose(sum(plan.shares.values()), 1, rtol=1e-12)


def test_the_gain_from_a_lower_price_is_its_share_times_the_gain_from_the_budget():
    names = ("training", "serving", "logits", "token")
    step = 1e-4
    prices = np.log([DOLLARS, 2 * DOLLARS, 3 * DOLLARS, 2e-8])
    prices = prices + step * np.concatenate([np.zeros((1, 4)), np.eye(4), -np.eye(4)])
    plan = distill(
        DISTILLED,
        flops=1e4,
        num_student_params=1e9,
        num_inference_tokens=1e11,
        scenario=TEACHER_PRETRAINING_AND_INFERENCE,
        cost=Costs(**dict(zip(names, np.exp(prices).T, strict=True))),
    )
    shares = {name: share[0] for name, share in plan.shares.items()}
    parts = [shares["student"] + shares["teacher"]]
    parts += [shares[name] for name in ("serving", "logits", "data")]
    assert min(parts) > 0.01
    np.testing.assert_allclose(sum(parts), 1, rtol=1e-12)
    slopes = (plan.loss[1:5] - plan.loss[5:]) / (2 * step)
    gains = plan.marginal_values.flops[0] * np.array(parts)
    np.testing.assert_allclose(slopes, gains, rtol=1e-5)


def test_the_least_budget_is_searched_in_the_unit_of_the_prices():
    cost = Costs(training=DOLLARS, token=1e-7)
    plan = flops_to_reach(compute_optimal, LAW, target_loss=2.3, cost=cost)
    again = compute_optimal(LAW, flops=plan.flops, cost=cost)
    cheapest = serve(LAW, num_inference_tokens=0.0, target_loss=2.3, cost=cost)
    np.testing.assert_allclose([plan.loss, again.loss], 2.3, rtol=1e-8)
    np.testing.assert_allclose(plan.flops, cheapest.flops, rtol=1e-7)


@pytest.mark.parametrize("kind", [functools.partial, Planner])
def test_prices_among_the_settings_of_a_question_move_the_search_too(kind):
    # In FLOPs the search begins at 1e6, which is far above these dollars.
    planner = kind(train_fixed, num_params=1e8, cost=Costs(training=DOLLARS))
    plan = flops_to_reach(
        planner, LAW, target_loss=train_fixed(LAW, num_params=1e8, flops=1e18).loss
    )
    np.testing.assert_allclose(plan.flops, 1e18 * DOLLARS, rtol=1e-9)


def test_a_multiplier_of_money_is_that_of_compute():
    question = functools.partial(compute_optimal, cost=Costs(training=DOLLARS))
    plain = compute_multiplier(LAW, presets.load("hoffmann2022"), flops=1e21)
    priced = compute_multiplier(
        LAW, presets.load("hoffmann2022"), flops=1e21 * DOLLARS, question=question
    )
    np.testing.assert_allclose(priced.multiplier, plain.multiplier, rtol=1e-9)


def test_crossings_move_with_the_price_of_a_flop():
    student = {"num_student_params": 3e8, "scenario": TEACHER_INFERENCE, "max_crossings": 1}
    cost = Costs(training=DOLLARS, serving=DOLLARS, logits=DOLLARS)
    plain = crossover(CONSISTENT, **student)
    priced = crossover(CONSISTENT, cost=cost, **student)
    assert plain.flops[0] == pytest.approx(1.25e21, rel=1e-2)
    np.testing.assert_allclose(priced.flops, plain.flops * DOLLARS, rtol=1e-9)


def test_decisions_count_in_the_unit_of_the_prices():
    cost = Costs(training=DOLLARS, serving=DOLLARS, logits=DOLLARS)
    inputs = {"num_student_params": 1e9, "scenario": TEACHER_PRETRAINING}
    plain = compare(DISTILLED, flops=1e21, teacher_loss=2.1, num_teacher_params=7e9, **inputs)
    priced = compare(
        DISTILLED,
        flops=1e21 * DOLLARS,
        teacher_loss=2.1,
        num_teacher_params=7e9,
        cost=cost,
        **inputs,
    )
    assert plain.winner == priced.winner
    np.testing.assert_allclose(priced.margin, plain.margin, rtol=1e-6)


@pytest.mark.slow
def test_a_ratio_of_costs_does_not_depend_on_their_unit():
    cost = Costs(training=DOLLARS, serving=DOLLARS, logits=DOLLARS)
    inputs = {"num_student_params": 1e9, "scenario": TEACHER_PRETRAINING, "target_loss": 2.3}
    plain = relative_cost(DISTILLED, **inputs)
    priced = relative_cost(DISTILLED, cost=cost, **inputs)
    np.testing.assert_allclose(priced.compute, plain.compute, rtol=1e-6)


def test_further_inputs_are_chosen_or_fixed():
    inputs = {"flops": 1e21, "forward_flops": routed}
    bounds = {"granularity": (1.0, 64.0)}
    plan = compute_optimal(EXPERTS, input_bounds=bounds, **inputs)
    best = plan.further_inputs.granularity
    fixed = compute_optimal(
        fix_inputs(EXPERTS, granularity=best),
        flops=1e21,
        forward_flops=_Routed(best),
    )
    np.testing.assert_allclose(plan.loss, fixed.loss, rtol=1e-9)
    reached = serve(
        EXPERTS,
        num_inference_tokens=0.0,
        target_loss=plan.loss,
        forward_flops=routed,
        input_bounds=bounds,
    )
    np.testing.assert_allclose(reached.flops, 1e21, rtol=1e-6)
    with pytest.raises(TypeError, match=r"fix_inputs\(law, granularity=.*input_bounds=\{\"gran"):
        compute_optimal(EXPERTS, **inputs)
    with pytest.raises(ValueError, match="input_bounds takes at most 2 inputs"):
        compute_optimal(EXPERTS, input_bounds={"num_params": (1.0, 2.0)}, **inputs)


class _Routed:
    def __init__(self, granularity):
        self.granularity = granularity

    def __call__(self, num_params):
        return routed(num_params, self.granularity)


@pytest.mark.slow
def test_a_cap_is_that_of_each_student_or_of_all():
    given = {"num_student_params": [5e8, 2e9], "scenario": TEACHER_PRETRAINING}
    budgets, caps = np.array([1e22, 1e23, 1e24]), np.array([1e10, 2e10, 3e10])
    plans = distill_family(DISTILLED, flops=budgets, num_student_tokens_bounds=(1e3, caps), **given)
    for index in range(3):
        alone = distill_family(
            DISTILLED,
            flops=budgets[index],
            num_student_tokens_bounds=(1e3, [caps[index]] * 2),
            **given,
        )
        np.testing.assert_allclose(plans.num_student_tokens[index], alone.num_student_tokens)
    np.testing.assert_allclose(plans.num_student_tokens[2], 3e10)  # both caps bind


def test_misuse_is_named():
    given = {"flops": 1e21, "num_student_params": 1e9, "teacher_loss": 2.0}
    given["num_teacher_params"] = 7e9
    for question in (distill_with, assess_teacher):
        with pytest.raises(ValueError, match=r"cost\.token must not be negative"):
            question(DISTILLED, **given, cost=Costs(token=-1.0))
    with pytest.raises(ValueError, match=r"cost\.training must be positive"):
        compute_optimal(LAW, flops=1e21, cost=Costs(training=0.0))
    with pytest.raises(TypeError, match="cost must be a Costs"):
        compute_optimal(LAW, flops=1e21, cost={"token": 1.0})
    lavish = Hardware(dollars_per_hour=2, flops_per_second=1e15, utilisation=40)
    with pytest.raises(ValueError, match=r"serving\.utilisation must be at most 1, got 40"):
        Costs.in_dollars(
            training=Hardware(dollars_per_hour=2, flops_per_second=1e15, utilisation=0.4),
            serving=lavish,
        )
    with pytest.raises(TypeError, match="training must be a Hardware, got 2"):
        Costs.in_dollars(training=2.0)  # pyright: ignore[reportArgumentType]
    inside = jax.jit(lambda price: compute_optimal(LAW, flops=1e21, cost=Costs(training=price)))
    assert inside(-1.0).status == Status.INFEASIBLE
