"""What is held out, and how errors are told."""

import numpy as np
import pytest

from experiments.hold_outs.__main__ import measures
from experiments.hold_outs.parts import published


def test_errors_are_told_by_size_and_by_sign():
    assert measures(np.array([-4.0, 1.0, 1.0, -1.0])) == ["1.75", "1.00", "3.10", "4.00", "-0.75"]


def test_of_the_published_points_those_of_the_paper_are_held_out(real_runs):
    low, best = published(str(real_runs / "busbridge_figure1_points.csv"))
    assert low.title == "losses up to 2.3 (26)"
    assert low.runs.loss[~low.unseen].min() > 2.3
    assert best.runs.inputs["teacher_loss"][best.unseen].max() <= 2
    assert float(best.supervised.E) == pytest.approx(1.220)
