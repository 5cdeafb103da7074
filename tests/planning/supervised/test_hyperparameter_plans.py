"""The best learning rate and batch size against the Step Law and closed forms of the bowl."""

import dataclasses

import jax
import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.laws.further_inputs.learning_rate_and_batch import LearningRateAndBatch
from jaxlaws.planning import (
    Limit,
    Mixture,
    Status,
    near_optimal_range,
    optimal_hyperparameters,
    over_draws,
    regret,
)

LAW = LearningRateAndBatch(
    E=1.8, A=400.0, alpha=0.33, B=900.0, beta=0.3,
    rate=1.79, rate_params=-0.713, rate_tokens=0.307, batch=0.58, batch_tokens=0.571,
    u=0.02, v=0.01, s=0.4,
)  # fmt: skip
SIZE = {"num_params": 1e9, "num_tokens": 1e11}
RATE, BATCH = 1.79 * 1e9**-0.713 * 1e11**0.307, 0.58 * 1e11**0.571


def lost(plan):
    return plan.loss - (1.8 + 400 / 1e9**0.33 + 900 / 1e11**0.3)


@pytest.mark.parametrize("law", [LAW, presets.load("li2025_step_law")], ids=["fit", "published"])
def test_the_plan_is_the_step_law(law):
    size, tokens = np.geomspace(1e7, 1e13, 7)[:, None], np.geomspace(1e9, 1e15, 7)
    plan = optimal_hyperparameters(law, num_params=size, num_tokens=tokens)
    assert (plan.status == Status.CONVERGED).all()
    np.testing.assert_allclose(plan.learning_rate, 1.79 * size**-0.713 * tokens**0.307, rtol=1e-8)
    np.testing.assert_allclose(plan.batch_size, 0.58 * tokens**0.571 + 0 * size, rtol=1e-8)


def test_an_optimum_in_the_middle_of_the_bounds_where_the_loss_is_almost_zero():
    law, size, tokens = presets.load("li2025_step_law"), 1.83e9, 8.3e10
    plan = jax.jit(lambda n, d: optimal_hyperparameters(law, num_params=n, num_tokens=d))(
        size, tokens
    )
    assert plan.loss.dtype == np.float32
    assert plan.status == Status.CONVERGED
    assert plan.learning_rate == pytest.approx(1.79 * size**-0.713 * tokens**0.307, rel=1e-4)
    assert plan.batch_size == pytest.approx(0.58 * tokens**0.571, rel=1e-4)


def test_the_learning_rate_for_a_batch_that_is_not_the_best():
    plan = optimal_hyperparameters(LAW, **SIZE, batch_size_bounds=(8 * BATCH, 8 * BATCH))
    assert plan.status == Status.ON_BOUND
    assert plan.learning_rate == pytest.approx(RATE * 8**0.4, rel=1e-8)
    assert lost(plan) == pytest.approx(0.01 * np.log(8) ** 2, rel=1e-9)


def steps(*, num_tokens, batch_size, **_):
    return num_tokens / batch_size


def test_a_limit_on_the_number_of_steps_makes_the_batch_larger():
    most = 1e11 / BATCH / 3
    plan = optimal_hyperparameters(LAW, **SIZE, limits={"steps": Limit(steps, most)})
    assert plan.status == Status.ON_BOUND
    assert plan.active_bounds.steps == 1
    assert plan.batch_size == pytest.approx(3 * BATCH, rel=1e-9)
    assert plan.learning_rate == pytest.approx(RATE * 3**0.4, rel=1e-7)
    assert plan.marginal_values.steps == pytest.approx(2 * 0.01 * np.log(3), rel=1e-6)


def test_the_range_of_good_learning_rates():
    """With the best batch for each x, the loss above the least is `u v x**2 / (v + u s**2)`."""
    good = near_optimal_range(
        optimal_hyperparameters, LAW, of="learning_rate", within=0.005, **SIZE
    )
    half = np.sqrt(0.005 * (0.01 + 0.02 * 0.4**2) / (0.02 * 0.01))
    np.testing.assert_allclose([good.low, good.high], RATE * np.exp([-half, half]), rtol=1e-7)


def test_derivatives_are_those_of_the_formula(x64):
    def log_rate(logs):
        plan = optimal_hyperparameters(
            LAW, num_params=jax.numpy.exp(logs[0]), num_tokens=jax.numpy.exp(logs[1])
        )
        return jax.numpy.log(plan.learning_rate)

    slopes = jax.grad(log_rate)(np.log([1e9, 1e11]))
    np.testing.assert_allclose(slopes, [-0.713, 0.307], rtol=1e-9)


def test_draws_and_their_mixture():
    off = np.exp(np.random.default_rng(0).normal(scale=0.1, size=20))
    draws = jax.tree.map(lambda leaf: np.full(20, leaf), LAW)
    draws = dataclasses.replace(draws, rate=LAW.rate * off)
    own = over_draws(optimal_hyperparameters, draws, SIZE)
    np.testing.assert_allclose(own.learning_rate, RATE * off, rtol=1e-8)
    plan = optimal_hyperparameters(Mixture(laws=draws), **SIZE)
    middle = np.exp(np.log(off).mean())  # the bowls are equal: their mean has the mean logarithm
    assert plan.learning_rate == pytest.approx(RATE * middle, rel=1e-8)
    np.testing.assert_allclose(
        regret(plan, draws, own), 0.02 * np.log(off / middle) ** 2, rtol=1e-6, atol=1e-12
    )


def test_misuse_is_named():
    with pytest.raises(TypeError, match="such as LearningRateAndBatch, got Chinchilla"):
        optimal_hyperparameters(presets.load("besiroglu2024"), **SIZE)
    with pytest.raises(ValueError, match="num_tokens must be positive"):
        optimal_hyperparameters(LAW, num_params=1e9, num_tokens=0)
    with pytest.raises(ValueError, match="limits: 'batch_size' is the name of an input"):
        optimal_hyperparameters(LAW, **SIZE, limits={"batch_size": Limit(steps, 1e4)})
    with pytest.raises(ValueError, match="learning_rate_bounds exclude each other"):
        optimal_hyperparameters(LAW, **SIZE, learning_rate_bounds=(1e-2, 1e-3))
