"""Choosing runs from a pool, compared with closed forms and brute force."""

import itertools

import numpy as np
import pytest

from fitting import choose_runs, fit_pool
from fitting.design.greedy_choice import best_choice
from fitting.design.pool.covariance import factors_before_a_fit, factors_of_optima
from fitting.design.pool.trend import axes_of, trend_of
from fitting.problem.batched_problem import Batch, BatchedProblem
from fitting.problem.objectives import Squares
from fitting.problem.parameters import Parameters
from jaxlaws import presets
from jaxlaws.laws.further_inputs.data_mixing import mixing_law
from jaxlaws.laws.kaplan import Kaplan
from jaxlaws.laws.one_input.compute_only import ComputeOnly
from jaxlaws.precision import float64

SIZES, TOKENS = (
    axis.ravel() for axis in np.meshgrid(np.geomspace(1e7, 2e9, 6), np.geomspace(1e9, 5e10, 5))
)
POOL = {"num_params": SIZES, "num_tokens": TOKENS}
COSTS = 6 * SIZES * TOKENS
REGION = {"num_params": [1e10, 2e10], "num_tokens": [2e11, 4e11]}
LOSSES = np.asarray(presets.load("kaplan2020").loss(**POOL)) * np.exp(
    0.002 * np.random.default_rng(0).normal(size=30)
)


def variance_after(covariance, noise, importance, chosen):
    chosen = list(chosen)
    across = covariance[:, chosen]
    own = across[chosen] + np.diag(noise[chosen] ** 2)
    return importance @ np.diagonal(covariance - across @ np.linalg.solve(own, across.T))


@pytest.mark.parametrize("budget", [2.0, 5.0])
def test_a_choice_is_near_the_best_that_the_budget_pays(budget):
    random = np.random.default_rng(3)
    features = random.normal(size=(12, 4))
    covariance, noise = features @ features.T, np.full(12, 0.3)
    costs = np.exp(random.normal(size=12))
    importance = np.where(np.arange(12) >= 10, 1.0, 0.0)
    with float64():
        found = best_choice(
            features.T[None, :, :10],
            features.T[None, :, 10:],
            importance[None, 10:],
            noise[:10],
            costs[:10],
            np.ones(10, bool),
            budget,
        )
    every = [
        variance_after(covariance, noise, importance, chosen)
        for number in range(1, 7)
        for chosen in itertools.combinations(range(10), number)
        if costs[list(chosen)].sum() <= budget
    ]
    own = variance_after(covariance, noise, importance, found.places)
    assert found.variances[-1] == pytest.approx(own, rel=1e-9)
    assert costs[found.places].sum() <= budget * (1 + 1e-9)
    assert own <= 1.15 * min(every)


def test_a_choice_of_runs_with_several_outcomes():
    """Measuring both outcomes of the chosen runs leaves the variance of a dense update."""
    random = np.random.default_rng(5)
    runs, targets = random.normal(size=(1, 4, 6, 2)), random.normal(size=(1, 4, 3))
    noise, costs = random.uniform(0.2, 0.4, 6), np.ones(6)
    with float64():
        found = best_choice(
            runs, targets, np.full((1, 3), 1 / 3), noise, costs, np.ones(6, bool), 3.0
        )
    features = np.concatenate([runs[0].reshape(4, 12), targets[0]], axis=1)
    rows = np.concatenate([[2 * place, 2 * place + 1] for place in found.places])
    own = variance_after(
        features.T @ features,
        np.concatenate([np.repeat(noise, 2), np.ones(3)]),
        np.concatenate([np.zeros(12), np.full(3, 1 / 3)]),
        rows,
    )
    assert len(found.places) == 3
    assert found.variances[-1] == pytest.approx(own, rel=1e-9)


def test_the_covariance_between_optima():
    """Two optima of equal shares, without doubt within them, differ by half of their distance."""
    flops = np.geomspace(1e18, 1e20, 5)
    laws = [
        ComputeOnly(C_c=threshold, alpha_C=exponent)
        for threshold, exponent in ((3e26, 0.05), (1e25, 0.07))
    ]
    with float64():
        problem = BatchedProblem.pose(
            Parameters.of(ComputeOnly, {}), Squares(), {"flops": flops}, np.ones(5), {}
        )
        vectors = np.stack(
            [np.asarray(problem.parameters.vector(law, problem.scales)) for law in laws]
        )
        rows = np.where(np.arange(64) < 5, 1.0, 0.0)
        batch = Batch(vectors, np.tile(1e12 * rows, (2, 1)), {})
        factors = factors_of_optima(problem, batch, np.array([0.5, 0.5]), 1.0, rows)
        found = np.asarray(factors.T @ factors)
    apart = np.asarray(laws[0].loss(flops=flops)) - np.asarray(laws[1].loss(flops=flops))
    np.testing.assert_allclose(found[:5, :5], np.outer(apart, apart) / 4, rtol=1e-3, atol=1e-6)


def test_the_covariance_before_a_fit():
    """That of a linear trend and smooth deviations, given three losses with noise."""
    axes, known = np.random.default_rng(0).normal(size=(30, 2)), np.array([1, 5, 9])
    squares = np.sum(np.square(axes[:, None] - axes[None]), axis=-1)
    covariance = 1 + axes @ axes.T + 0.25 * np.exp(-squares / 8)
    across, own = covariance[:, known], covariance[np.ix_(known, known)] + 0.04 * np.eye(3)
    factors = factors_before_a_fit(axes, known, 0.2)
    expected = covariance - across @ np.linalg.solve(own, across.T)
    # Eigenvalues below 1e-12 of the largest are left out.
    np.testing.assert_allclose(factors.T @ factors, expected, atol=1e-11)


def test_choices_before_and_after_the_first_losses():
    known, left = np.full(30, np.nan), 0.3 * COSTS.sum()
    first = choose_runs(Kaplan, POOL, known, COSTS, region=REGION, budget=left)
    assert len(first) == 9
    assert COSTS[first].sum() <= 0.5 * left
    assert np.ptp(np.log(SIZES[first])) > 0.5 * np.ptp(np.log(SIZES))
    assert np.ptp(np.log(TOKENS[first])) > 0.5 * np.ptp(np.log(TOKENS))
    known[first] = LOSSES[first]
    left -= COSTS[first].sum()
    second = choose_runs(Kaplan, POOL, known, COSTS, region=REGION, budget=left)
    assert not set(first) & set(second)
    assert COSTS[second].sum() <= left
    assert not len(choose_runs(Kaplan, POOL, known, COSTS, region=REGION, budget=1.0))


def test_few_runs_of_an_exact_law_determine_it():
    losses = np.where(np.arange(30) < 9, LOSSES, np.nan)
    found, exact = fit_pool(Kaplan, POOL, losses, region=REGION), presets.load("kaplan2020")
    inputs = {name: np.array(values) for name, values in REGION.items()}
    np.testing.assert_allclose(found.loss(**inputs), exact.loss(**inputs), rtol=0.01)


def test_fewer_runs_than_coefficients_give_a_law_near_the_trend(x64):
    places, losses = np.array([0, 13, 26]), np.full(30, np.nan)
    losses[places] = LOSSES[places]
    predicted = fit_pool(Kaplan, POOL, losses, region=REGION).loss(
        **{name: np.array(values) for name, values in REGION.items()}
    )
    inputs = {name: np.concatenate([values, REGION[name]]) for name, values in POOL.items()}
    mean, sd = trend_of(axes_of(inputs), places, losses[places])
    assert np.all(np.abs(predicted - mean[30:]) < sd[30:])


@pytest.mark.slow
def test_a_law_of_several_outcomes():
    """Mixtures of three domains with equal costs, and the loss on each of two domains."""
    law_type = mixing_law("web", "code", "text", outcomes=("loss_web", "loss_code"))
    exact = law_type(c=np.array([1.5, 1.0]), t=np.array([[-1.0, 0.5, 0.2], [0.4, -2.0, 0.1]]))
    shares = np.random.default_rng(0).dirichlet(np.ones(3), 40)
    pool = {name: shares[:30, i] for i, name in enumerate(law_type.input_names)}
    region = {name: shares[30:, i] for i, name in enumerate(law_type.input_names)}
    true = np.asarray(exact.loss(**pool)) + 0.001 * np.random.default_rng(1).normal(size=(30, 2))
    known, left = np.full((30, 2), np.nan), 14.0
    for _ in range(4):
        chosen = choose_runs(law_type, pool, known, np.ones(30), region=region, budget=left)[:9]
        known[chosen], left = true[chosen], left - len(chosen)
    assert left == 0
    found = fit_pool(law_type, pool, known, region=region)
    # Ten times the noise: 14 runs for two outcomes, and places beyond them.
    np.testing.assert_allclose(found.loss(**region), exact.loss(**region), atol=0.01)


def test_the_doubt_of_a_trend_covers_its_error():
    """A trend of 9 runs near each other, and the losses of the runs far from these."""
    axes = axes_of(POOL)
    mean, sd = trend_of(axes, np.arange(9), LOSSES[:9])
    errors = (mean - LOSSES) / sd
    assert np.sqrt(np.mean(np.square(errors[9:]))) < 2
    assert np.abs(mean - LOSSES)[:9].max() < 0.03
    assert sd[:9].max() < 0.3 * sd[9:].max()


def test_the_trend_of_losses_of_either_sign():
    axes = np.random.default_rng(0).normal(size=(40, 2))
    losses = 100 * (axes @ [1.0, -2.0] + 0.02 * np.random.default_rng(1).normal(size=40))
    mean, sd = trend_of(axes, np.arange(20), losses[:20])
    # The noise is 2 and the spread of the losses about 220; some places lie beyond the 20 runs.
    np.testing.assert_allclose(mean[20:], losses[20:], atol=15)
    assert np.all(np.abs(mean - losses)[20:] < 4 * sd[20:])


def test_mistakes():
    unknown = np.full(30, np.nan)
    with pytest.raises(ValueError, match="losses: expected the shape"):
        choose_runs(Kaplan, POOL, unknown[:3], COSTS, region=REGION, budget=1e20)
    with pytest.raises(ValueError, match="costs: expected numbers above zero"):
        choose_runs(Kaplan, POOL, unknown, 0 * COSTS, region=REGION, budget=1e20)
    with pytest.raises(ValueError, match="region: expected the inputs"):
        choose_runs(Kaplan, POOL, unknown, COSTS, region={"num_params": 1e9}, budget=1e20)
    with pytest.raises(ValueError, match="losses: expected a known one or more, got none"):
        fit_pool(Kaplan, POOL, unknown, region=REGION)
