"""Distances to a fitted range."""

import numpy as np

from jaxlaws.planning.analysis.extrapolation import extrapolation_decades

RANGE = {"num_params": (1e8, 1e10), "num_tokens": (0.0, 1e12)}


def test_the_farthest_input_counts():
    inside = {"num_params": 1e9, "num_tokens": 1e3}
    assert extrapolation_decades(inside, RANGE) == 0
    assert extrapolation_decades(inside | {"num_params": 1e6}, RANGE) == 2
    assert extrapolation_decades({"num_params": 1e11, "num_tokens": 1e15}, RANGE) == 3
    sweep = {"num_params": np.array([1e7, 1e9, 1e13])}
    np.testing.assert_allclose(extrapolation_decades(sweep, RANGE), [1, 0, 3])


def test_a_range_that_judges_nothing_is_unknown():
    assert np.isnan(extrapolation_decades({"num_params": 1e9}, {}))
    assert np.isnan(extrapolation_decades({"num_params": 1e9}, {"teacher_loss": (1.9, 2.7)}))
