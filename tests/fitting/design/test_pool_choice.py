"""Choosing runs from a pool, compared with closed forms and brute force."""

import itertools

import numpy as np
import pytest

from fitting import choose_runs, fit_pool
from fitting.design.greedy_choice import best_choice
from fitting.design.prediction_covariance import covariance_of_optima
from fitting.problem.batched_problem import Batch, BatchedProblem
from fitting.problem.objectives import Squares
from fitting.problem.parameters import Parameters
from jaxlaws import presets
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
    is_free = np.arange(12) < 10
    with float64():
        found = best_choice(covariance[None], importance[None], noise, costs, is_free, budget)
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
        found = np.asarray(covariance_of_optima(problem, batch, np.array([0.5, 0.5]), 1.0, rows))
    apart = np.asarray(laws[0].loss(flops=flops)) - np.asarray(laws[1].loss(flops=flops))
    np.testing.assert_allclose(found[:5, :5], np.outer(apart, apart) / 4, rtol=1e-3, atol=1e-6)


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
    # The prior counts as two runs beside nine, and pulls the law a little.
    np.testing.assert_allclose(found.loss(**inputs), exact.loss(**inputs), rtol=0.01)


def test_a_prior_limits_the_error_of_a_wrong_law(x64):
    """Five noisy runs with a floor that the law lacks. Without the prior errors are above 0.16."""

    def true(inputs):
        exact = presets.load("kaplan2020").loss(**{n: np.array(x) for n, x in inputs.items()})
        return 1.5 + 0.5 * np.asarray(exact)

    losses, places = np.full(30, np.nan), np.array([0, 7, 13, 20, 26])
    scatter = np.exp(0.03 * np.random.default_rng(1).normal(size=5))
    losses[places] = 1.5 + (true(POOL)[places] - 1.5) * scatter
    found = fit_pool(Kaplan, POOL, losses, region=REGION)
    predicted = found.loss(**{name: np.array(x) for name, x in REGION.items()})
    np.testing.assert_allclose(predicted, true(REGION), atol=0.13)


def test_mistakes():
    unknown = np.full(30, np.nan)
    with pytest.raises(ValueError, match="losses: expected the shape"):
        choose_runs(Kaplan, POOL, unknown[:3], COSTS, region=REGION, budget=1e20)
    with pytest.raises(ValueError, match="costs: expected numbers above zero"):
        choose_runs(Kaplan, POOL, unknown, 0 * COSTS, region=REGION, budget=1e20)
    with pytest.raises(ValueError, match="region: expected the inputs"):
        choose_runs(Kaplan, POOL, unknown, COSTS, region={"num_params": 1e9}, budget=1e20)
    with pytest.raises(ValueError, match="losses: expected two known ones or more, got 0"):
        fit_pool(Kaplan, POOL, unknown, region=REGION)
