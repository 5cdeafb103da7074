"""The paper's figures: what they show is read off them, and all can be drawn."""

import numpy as np
import pytest

from experiments.paper import law_pictures, plan_pictures
from jaxlaws import presets
from jaxlaws.figures.style import save_figure

LAW = presets.load("busbridge2025_consistent")


def dots(axes):
    """What is marked as best, as points of the axes."""
    return np.array(
        [np.concatenate(line.get_data()) for line in axes.lines if line.get_marker() == "o"]
    )


def test_the_best_students_of_the_strongest_teacher_are_those_of_the_paper():
    """Ticks of the paper's Fig. 39a: sizes from .5B, losses of 2.2 to 2.5."""
    found = dots(law_pictures.isoflop_students(LAW).axes[2])
    assert found[:, 1] == pytest.approx([2.49, 2.35, 2.24, 2.14], abs=0.006)
    assert (found[:, 0] > 5e8).all()
    assert (found[:, 0] < 4.3e9).all()


@pytest.mark.parametrize(
    ("panel", "few", "many"), [(0, 3.0e9, 1.5e9), (1, 3.7e9, 1.8e9)], ids=["143M", "198M"]
)
def test_small_students_have_their_best_teacher_inside_the_capacity_gap(panel, few, many):
    """On 20 and on 320 tokens a parameter; Fig. 4's teachers end at 12.6B."""
    found = dots(law_pictures.capacity_gap(LAW).axes[panel])[:, 0]
    assert found[[0, -1]] == pytest.approx([few, many], rel=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*law_pictures.PICTURES, *plan_pictures.PICTURES])
def test_every_picture_can_be_drawn(name, tmp_path):
    picture = (law_pictures.PICTURES | plan_pictures.PICTURES)[name]
    save_figure(picture(LAW), tmp_path / "picture.svg")
    assert (tmp_path / "picture.svg").stat().st_size > 10_000
