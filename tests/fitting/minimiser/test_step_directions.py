"""Gradients along directions of very different lengths, and the directions themselves."""

import numpy as np
from scipy.stats import ortho_group

from fitting.minimiser.step_directions import along_axes


def test_gradients_along_axes_from_directions_of_very_different_lengths():
    rotation = ortho_group.rvs(4, random_state=0)
    axes, lengths = 10.0 ** np.array([-15, 0, 3, 12]), 10.0 ** np.array([8, 0, 2, 5])
    basis = axes[:, None] * rotation * lengths[None]
    gradients = np.random.default_rng(0).normal(size=(3, 4)) / axes
    np.testing.assert_allclose(along_axes(basis, gradients @ basis), gradients, rtol=1e-9)
