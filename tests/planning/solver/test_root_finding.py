"""Roots of falling functions: smooth, steep, with jumps, without any."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxlaws.planning.solver.root_finding import falling_root

PLACES = np.array([1.0, 3.0, 10.0, 59.999, 30.0, 30.0, 100.0, -5.0])


def _function(xp):
    def function(x):
        smooth = xp.exp(-0.3 * (x - PLACES)) - 1
        jump = xp.where(x < PLACES, xp.inf, -1.0)
        steep = -((x - PLACES) ** 3)
        kinds = np.array([0, 1, 0, 0, 2, 1, 0, 0])
        return xp.where(kinds == 0, smooth, xp.where(kinds == 1, jump, steep))

    return function


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.usefixtures("x64")
def test_roots_jumps_and_none(traced):
    def find(low, high):
        return falling_root(_function(jnp if traced else np), low, high, traced=traced)

    find = jax.jit(find) if traced else find
    root, exact = (np.asarray(part) for part in find(np.zeros(8), np.full(8, 60.0)))
    # Roots outside the interval: the result is the nearer end.
    np.testing.assert_allclose(root[:4], PLACES[:4], atol=1e-11)
    np.testing.assert_allclose(root[4], PLACES[4], atol=1e-4)
    np.testing.assert_allclose(root[5:], [30.0, 60.0, 0.0], atol=1e-11)
    assert (root[[1, 5]] >= PLACES[[1, 5]]).all()
    assert exact.tolist() == [True, False, True, True, True, False, False, False]


def test_few_evaluations_are_enough():
    calls = []

    def function(x):
        calls.append(1)
        return np.log(1.8 + 5e3 * np.exp(-0.18 * x)) - np.log(2.1)

    root, exact = falling_root(function, np.full(1, 14.0), np.full(1, 83.0), traced=False)
    np.testing.assert_allclose(root, np.log(5e3 / 0.3) / 0.18, atol=1e-10)
    assert exact.all()
    assert len(calls) <= 20
