"""Derivatives and small linear systems for a batch of problems."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxlaws.planning.solver.batched import eliminate, gradients, hessian, hessians


def _bent(point):
    x, y, z = point
    return jnp.exp(0.3 * x) * y + x * y * z + z**3


def _round(point):
    return sum(value**2 for value in point)


def test_derivatives_of_several_functions():
    x, y, z = point = [jnp.array([0.5, -1.0]), jnp.array([2.0, 0.1]), jnp.array([-0.7, 3.0])]
    (value, first, second), (_, of_round, curvature) = jax.jit(
        lambda point: hessians([_bent, _round], point)
    )(point)
    e = np.exp(0.3 * x)
    np.testing.assert_allclose(value, _bent(point), rtol=1e-6)
    expected = [0.3 * e * y + y * z, e + x * z, x * y + 3 * z**2]
    np.testing.assert_allclose(first, expected, rtol=1e-5)
    (same, slopes), (_, of_round_too) = gradients([_bent, _round], point)
    np.testing.assert_allclose(same, value, rtol=1e-6)
    np.testing.assert_allclose(slopes, expected, rtol=1e-5)
    np.testing.assert_allclose(of_round_too, of_round, rtol=1e-6)
    expected = [[0.09 * e * y], [0.3 * e + z, 0 * x], [y, x, 6 * z]]
    for row, exact in zip(second, expected, strict=True):
        np.testing.assert_allclose(row, exact, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(of_round, [2 * value for value in point], rtol=1e-6)
    assert [[float(entry[0]) for entry in row] for row in curvature] == [[2], [0, 2], [0, 0, 2]]
    for row, unrolled in zip(second, hessian(_bent, point)[2], strict=True):
        np.testing.assert_allclose(row, unrolled, rtol=1e-5, atol=1e-6)


def test_an_undetermined_unknown_is_zero():
    """The second of two equal equations says nothing; the rest of the batch is not affected."""
    rows = [
        [jnp.array([2.0, 2.0]), jnp.array([1.0, 1.0])],
        [jnp.array([4.0, 1.0]), jnp.array([2.0, 3.0])],
    ]
    found = eliminate(rows, [jnp.array([6.0, 3.0]), jnp.array([12.0, 4.0])])
    np.testing.assert_allclose(found, [[3, 1], [0, 1]], rtol=1e-6)
