"""The paper's figures: what they show is read off them, and all can be drawn."""

from types import SimpleNamespace

import numpy as np
import pytest

from experiments.paper.__main__ import PICTURES
from experiments.paper.pictures import curves, maps
from experiments.paper.pictures.fitted_range import Line, beyond, draw_lines
from experiments.paper.pictures.plans import exponents
from experiments.paper.pictures.points import file_of_points, on_points
from jaxlaws import presets
from jaxlaws.figures.style import new_figure, save_figure
from jaxlaws.foundations.annotations import Tree

KNOWN = presets.describe("busbridge2025_consistent")


def dots(axes):
    """What is marked as best, as points of the axes."""
    return np.array(
        [np.concatenate(line.get_data()) for line in axes.lines if line.get_marker() == "o"]
    )


def test_the_best_students_of_the_strongest_teacher_are_those_of_the_paper():
    """Ticks of the paper's Fig. 39a: sizes from .5B, losses of 2.2 to 2.5."""
    found = dots(curves.isoflop_students(KNOWN).axes[2])
    assert found[:, 1] == pytest.approx([2.49, 2.35, 2.24, 2.14], abs=0.006)
    assert (found[:, 0] > 5e8).all()
    assert (found[:, 0] < 4.3e9).all()


def test_only_the_largest_budget_of_teachers_helps_the_largest_student():
    """App. E.4 on Fig. 3; without a teacher is the horizontal line."""
    for panel, helpful in ((0, [True] * 4), (3, [False, False, False, True])):
        axes = curves.isoflop_teachers(KNOWN).axes[panel]
        alone = next(line for line in axes.lines if line.get_label() == "no teacher")
        assert (dots(axes)[:, 1] < np.asarray(alone.get_ydata())[0]).tolist() == helpful


@pytest.mark.parametrize(
    ("panel", "few", "many"), [(0, 3.0e9, 1.5e9), (1, 3.7e9, 1.8e9)], ids=["143M", "198M"]
)
def test_small_students_have_their_best_teacher_inside_the_capacity_gap(panel, few, many):
    """On 20 and on 320 tokens a parameter; Fig. 4's teachers end at 12.6B."""
    found = dots(curves.capacity_gap(KNOWN).axes[panel])[:, 0]
    assert found[[0, -1]] == pytest.approx([few, many], rel=0.03)


def test_contour_maps_have_the_labels_of_the_paper():
    """Figs. 13 and 14: lowest labels of -.075 and -.15, so the lowest values are just below."""
    of_teachers = max(each.gain.max() for each in maps.maps_of_teachers(KNOWN.law))
    of_students = max(each.gain.max() for each in maps.maps_of_students(KNOWN.law, by_flops=True))
    assert 0.075 < of_teachers < 0.115
    assert 0.15 < of_students < 0.175


def test_what_is_beyond_the_runs_is_pale_and_grey():
    sizes = np.array([1e8, 1e9, 1e10, 1e11])
    outside = beyond(KNOWN, {"num_student_params": sizes})
    np.testing.assert_array_equal(outside, [True, False, False, True])
    _, axes = new_figure()
    axes.set_xscale("log")
    other = np.array([True, True, False, False])
    draw_lines(axes, sizes, [Line("a", "black", sizes, outside), Line("b", "red", sizes, other)])
    drawn = {line.get_label(): line.get_ydata() for line in axes.lines}
    np.testing.assert_array_equal(np.isnan(drawn["a"]), outside)
    (grey,) = axes.patches
    assert (grey.get_x(), grey.get_x() + grey.get_width()) == pytest.approx((1e8, 10**8.5))


def test_exponents_of_exact_powers():
    flops = np.geomspace(1e19, 1e26, 8)
    plan: Tree = SimpleNamespace(
        flops=np.array([flops, flops]),
        num_student_tokens=np.array([3 * flops**0.7, 5 * flops**0.2]),
        num_teacher_params=np.full((2, 8), 1e17),
        num_teacher_tokens=np.array([flops**0.5, flops**0.5 * np.where(flops > 1e25, 2, 1)]),
    )
    found = exponents(plan)
    assert list(found) == ["num_student_tokens", "num_teacher_tokens"]
    assert found["num_student_tokens"][0] == pytest.approx([0.7, 0.2])
    assert found["num_student_tokens"][1] == pytest.approx([1, 1])
    slope = np.polyfit(np.log(flops), np.log(plan.num_teacher_tokens[1]), 1)[0]
    assert found["num_teacher_tokens"][0] == pytest.approx([0.5, slope])


@pytest.mark.slow
@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_can_be_drawn(name, tmp_path):
    save_figure(PICTURES[name](KNOWN), tmp_path / "picture.svg")
    assert (tmp_path / "picture.svg").stat().st_size > 10_000


@pytest.mark.slow
@pytest.mark.usefixtures("real_runs")
def test_the_law_on_the_points(tmp_path):
    file = file_of_points()
    assert file is not None
    drawn = dict(on_points(file, {"one": KNOWN}))
    assert len(drawn) == 6
    title = drawn["published_low_losses_errors"].get_suptitle()
    assert title.endswith("(26); mean error 0.28%, worst 0.61%")
