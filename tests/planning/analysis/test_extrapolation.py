"""Distances to a fitted range."""

import numpy as np

from jaxlaws import presets
from jaxlaws.planning import distill_family
from jaxlaws.planning.analysis.extrapolation import extrapolation_decades, farthest_input

NAME = "busbridge2025_refit"
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


def test_a_teacher_that_is_trained_is_judged_as_a_model_of_the_supervised_law():
    inside = {"num_student_params": 1e9, "num_teacher_params": 1e11, "num_teacher_tokens": 1e11}
    assert extrapolation_decades(inside, RANGE) == 1
    assert farthest_input(inside, RANGE) == "num_teacher_params"
    assert np.isnan(extrapolation_decades(inside | {"num_teacher_tokens": np.nan}, RANGE))
    free = {"shares": {"teacher": 0.0}}
    assert np.isnan(extrapolation_decades(inside | free, RANGE))


def test_a_family_has_a_distance_for_each_budget():
    law, preset = presets.load(NAME), presets.describe(NAME)
    plan = distill_family(law, flops=[1e23, 1e25], num_student_params=[1e9, 3e9, 8e9])
    far = extrapolation_decades(plan, preset.fitted_range)
    tokens = preset.fitted_range["num_student_tokens"][1]
    np.testing.assert_allclose(far, np.log10(plan.num_student_tokens.max(axis=-1) / tokens))
