"""Effective compute against the closed form of additive power laws."""

import functools

import jax
import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.planning import compute_multiplier, train_fixed

BETTER, BASELINE = presets.load("besiroglu2024"), presets.load("hoffmann2022")


def optimum(law):
    """`L = E + k C**-c` on the compute-optimal path: floor, factor and exponent."""
    E, A, alpha, B, beta = (
        np.asarray(getattr(law, name)) for name in ("E", "A", "alpha", "B", "beta")
    )
    balance = (alpha * A / (beta * B)) ** (1 / (alpha + beta))
    exponent = alpha * beta / (alpha + beta)
    return E, (A * balance**-alpha + B * balance**beta) * 6**exponent, exponent


def least_flops(law, loss):
    E, factor, exponent = optimum(law)
    return (factor / (loss - E)) ** (1 / exponent)


def draws(law, count, seed):
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: leaf * np.exp(5e-3 * rng.normal(size=count)), law)


def test_budgets_as_in_closed_form():
    flops = np.array([1e18, 1e21, 1e24])
    reported = compute_multiplier(BETTER, BASELINE, flops=flops)
    E, factor, exponent = optimum(BETTER)
    np.testing.assert_allclose(reported.loss, E + factor * flops**-exponent, rtol=1e-9)
    np.testing.assert_allclose(reported.flops, flops, rtol=1e-9)
    expected = least_flops(BASELINE, reported.loss) / flops
    np.testing.assert_allclose(reported.multiplier, expected, rtol=1e-7)
    assert np.isnan(reported.low).all()


def test_losses_and_who_reaches_them():
    reported = compute_multiplier(BETTER, BASELINE, target_loss=[2.5, 1.75, 1.6])
    expected = least_flops(BASELINE, 2.5) / least_flops(BETTER, 2.5)
    assert reported.multiplier[0] == pytest.approx(expected, rel=1e-7)
    assert reported.multiplier[1] == 0  # below the floor of one
    assert np.isnan(reported.multiplier[2])  # and of both
    assert compute_multiplier(BASELINE, BETTER, target_loss=1.75).multiplier == np.inf


def test_interval_is_the_quantiles_of_paired_draws():
    ours, theirs = draws(BETTER, 30, seed=1), draws(BASELINE, 40, seed=2)
    reported = compute_multiplier(
        BETTER, BASELINE, target_loss=[2.2, 1.75], ensemble=ours, baseline_ensemble=theirs
    )
    theirs = jax.tree.map(lambda leaf: leaf[:30], theirs)
    ratios = np.sort(least_flops(theirs, 2.2) / least_flops(ours, 2.2))
    assert ratios[1] <= reported.low[0] * (1 + 1e-7) <= ratios[2] * (1 + 2e-7)
    assert ratios[27] <= reported.high[0] * (1 + 1e-7) <= ratios[29] * (1 + 2e-7)
    assert reported.low[0] < reported.multiplier[0] < reported.high[0]
    assert (reported.low[1], reported.high[1]) == (0, 0)
    one = compute_multiplier(BETTER, BASELINE, target_loss=2.2, ensemble=ours)
    ratios = np.sort(least_flops(BASELINE, 2.2) / least_flops(ours, 2.2))
    assert ratios[1] <= one.low * (1 + 1e-7) <= ratios[2] * (1 + 2e-7)


def test_an_interval_may_reach_to_infinity():
    """A baseline whose draws have floors on both sides of the loss."""
    floors = jax.tree.map(lambda leaf: np.full(20, leaf), BASELINE)
    floors = type(BASELINE)(**{**vars(floors), "E": np.linspace(1.6, 2.1, 20)})
    reported = compute_multiplier(BETTER, BASELINE, target_loss=1.9, baseline_ensemble=floors)
    assert 0 < reported.low < reported.multiplier
    assert reported.high == np.inf


def test_another_question_on_each_side():
    fixed = functools.partial(train_fixed, num_params=1e9)
    reported = compute_multiplier(BETTER, BETTER, flops=3e20, baseline_question=fixed)
    E, A, alpha, B, beta = (getattr(BETTER, name) for name in ("E", "A", "alpha", "B", "beta"))
    tokens = (B / (reported.loss - E - A / 1e9**alpha)) ** (1 / beta)
    assert reported.multiplier == pytest.approx(6e9 * tokens / 3e20, rel=1e-7)


def test_one_of_two():
    for both in ({}, {"flops": 1e21, "target_loss": 2.0}):
        with pytest.raises(ValueError, match="either flops or target_loss"):
            compute_multiplier(BETTER, BASELINE, **both)
    with pytest.raises(ValueError, match="level between 0 and 1"):
        compute_multiplier(BETTER, BASELINE, flops=1e21, level=90)
