"""The split of a budget among power laws, against its closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxlaws.planning.solver.budget_split import Split, best_split, split_for_value

pytestmark = pytest.mark.usefixtures("x64")

# Uses that lose a_i x_i**-power each: at the best split x_i is as (a_i / c_i)**(1 / (1 + power)).
POWER = 0.4
COST = np.array([1.0, 3.0, 10.0])


def _split(log_sizes, log_budget, bounds=(-50.0, 50.0)):
    return Split(
        log_gain=lambda given, amounts: given + np.log(POWER) - POWER * amounts,
        given=log_sizes,
        log_cost=jnp.log(COST),
        log_budget=log_budget,
        log_bounds=bounds,
    )


def _closed_form(log_sizes, log_budget):
    amounts = (log_sizes - np.log(COST)) / (1 + POWER)
    return amounts + log_budget - jax.nn.logsumexp(np.log(COST) + amounts)


def _lost(log_sizes, amounts):
    return jnp.exp(log_sizes - POWER * amounts).sum()


SIZES, BUDGET = np.log([10.0, 20.0, 5.0]), 8.0


@pytest.mark.parametrize("split", [best_split, split_for_value])
def test_split_is_the_closed_form(split):
    found = split(_split(jnp.asarray(SIZES), jnp.asarray(BUDGET)))
    np.testing.assert_allclose(found, _closed_form(SIZES, BUDGET), rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("split", [best_split, split_for_value])
def test_value_has_the_derivatives_of_the_closed_form_up_to_the_third(split):
    def found(along):
        sizes = SIZES + along * np.array([1.0, -0.5, 2.0])
        return _lost(sizes, split(_split(sizes, BUDGET + along)))

    def expected(along):
        sizes = SIZES + along * np.array([1.0, -0.5, 2.0])
        return _lost(sizes, _closed_form(sizes, BUDGET + along))

    for _ in range(3):
        found, expected = jax.jacfwd(found), jax.jacfwd(expected)
        np.testing.assert_allclose(found(0.0), expected(0.0), rtol=1e-9)


def test_bounds_hold_some_and_the_rest_share_what_is_left():
    sizes, budget = jnp.asarray(SIZES), jnp.asarray(BUDGET)
    high = float(_closed_form(SIZES, BUDGET)[0]) - 0.1  # below what the first would get
    for split in (best_split, split_for_value):
        amounts = split(_split(sizes, budget, (-50.0, high)))
        assert amounts[0] == high
        np.testing.assert_allclose(COST @ np.exp(amounts), np.exp(BUDGET), rtol=1e-12)
        gains = SIZES + np.log(POWER) - (1 + POWER) * amounts - np.log(COST)
        np.testing.assert_allclose(gains[1], gains[2], rtol=1e-9)
        assert gains[0] > gains[1]


@pytest.mark.parametrize(("budget", "end"), [(-9.0, -2.0), (40.0, 3.0)])
def test_budgets_that_bounds_do_not_let_be_spent(budget, end):
    for split in (best_split, split_for_value):
        amounts = split(_split(jnp.asarray(SIZES), jnp.asarray(budget), (-2.0, 3.0)))
        np.testing.assert_array_equal(amounts, end)
