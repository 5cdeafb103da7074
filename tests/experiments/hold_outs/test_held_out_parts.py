"""The hold-outs, and the measures of their errors."""

import numpy as np
import pytest

from experiments.hold_outs.__main__ import measures
from experiments.hold_outs.parts import published


def test_measures_are_of_absolute_errors_and_the_mean_error():
    assert measures(np.array([-4.0, 1.0, 1.0, -1.0])) == ["1.75", "1.00", "3.10", "4.00", "-0.75"]


def test_the_published_points_have_the_hold_outs_of_the_paper(real_runs):
    low, best = published(str(real_runs / "busbridge_figure1_points.csv"))
    assert low.title == "losses up to 2.3 (26)"
    assert low.runs.loss[~low.unseen].min() > 2.3
    assert best.runs.inputs["teacher_loss"][best.unseen].max() <= 2
    assert float(best.supervised.E) == pytest.approx(1.220)
