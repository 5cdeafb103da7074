"""Directions along which a law is well conditioned, and gradients along them."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import ortho_group

from fitting import Runs, Squares
from fitting.estimation.options import FitOptions
from fitting.estimation.pipeline import pose
from fitting.estimation.single_fit import prepare
from fitting.minimiser.step_directions import along_axes, suitable_directions
from jaxlaws.precision import float64
from jaxlaws.pytree import Coefficient, pytree, real


@pytree
class Polynomial:
    """A polynomial in the size itself, so that its terms differ by many orders of magnitude."""

    c: Coefficient = real(shape=(3,))

    input_names = ("num_params",)

    def loss(self, *, num_params):
        return num_params[:, None] ** jnp.arange(3.0)[None] @ self.c


def test_unit_steps_change_the_residuals_by_one_and_independently():
    sizes = np.geomspace(1e6, 1e8, 30)
    runs = Runs.read({"num_params": sizes, "loss": np.linspace(3, 2, 30)})
    task = prepare(Polynomial, runs, FitOptions(objective=Squares(), num_starts=1))
    with float64():
        basis = suitable_directions(*pose(task))
    changes = sizes[:, None] ** np.arange(3) @ basis
    np.testing.assert_allclose(changes.T @ changes, np.eye(3), atol=1e-9)


@pytree
class Vanishing:
    """A line, and a power that underflows for a large exponent."""

    a: Coefficient = real()
    b: Coefficient = real()
    A: Coefficient = real()
    k: Coefficient = real()

    input_names = ("num_params",)

    def loss(self, *, num_params):
        logs = jnp.log(num_params)
        return self.a + self.b * logs + self.A * jnp.exp(-self.k * logs)


@pytest.mark.parametrize("exponent", [9.0, 90.0])
def test_a_number_that_cannot_change_the_residuals_does_not_move(exponent):
    sizes = np.geomspace(1e6, 1e8, 30)
    runs = Runs.read({"num_params": sizes, "loss": np.geomspace(3, 2, 30)})
    task = prepare(Vanishing, runs, FitOptions(objective=Squares(), num_starts=1))
    with float64():
        problem, starts = pose(task)
        entry = starts.at(np.array([[5.0, -0.1, 1.0, exponent]]))
        basis = suitable_directions(problem, entry)
        everything = suitable_directions(problem, entry, all_move=True)
    assert np.any(basis, axis=1).tolist() == [True, True, False, False]
    assert np.any(everything, axis=1).all()
    changes = np.stack([np.ones(30), np.log(sizes)], axis=1) @ basis[:2]
    gram = changes.T @ changes
    np.testing.assert_allclose(np.sort(np.linalg.eigvalsh(gram)), [0, 0, 1, 1], atol=1e-9)


def test_gradients_along_axes_from_directions_of_very_different_lengths():
    rotation = ortho_group.rvs(4, random_state=0)
    axes, lengths = 10.0 ** np.array([-15, 0, 3, 12]), 10.0 ** np.array([8, 0, 2, 5])
    basis = axes[:, None] * rotation * lengths[None]
    gradients = np.random.default_rng(0).normal(size=(3, 4)) / axes
    np.testing.assert_allclose(along_axes(basis, gradients @ basis), gradients, rtol=1e-9)
