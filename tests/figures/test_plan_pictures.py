"""Pictures of plans show what the plans say."""

import dataclasses
import functools
from typing import Any

import jax
import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.figures import decisions, plans, style
from jaxlaws.figures.frontier import loss_against_serving
from jaxlaws.figures.near_optimal import near_optimal_ranges
from jaxlaws.planning import (
    FREE_TEACHER,
    NearOptimalRange,
    Status,
    compare,
    compute_optimal,
    distill,
    serving_frontier,
)

LAW = presets.load("busbridge2025_consistent")
FLOPS = np.geomspace(1e18, 1e23, 11)
FACTORS = (0.99, 1.0, 1.02)


def over_draws(question):
    """Three laws near the preset's."""
    answers = [question(jax.tree.map(lambda leaf, f=f: leaf * f, LAW)) for f in FACTORS]
    return jax.tree.map(lambda *leaves: np.stack(leaves), *answers)


def heights(axes) -> dict[str, Any]:
    """What is drawn, by label."""
    return {line.get_label(): line.get_ydata() for line in axes.get_lines()}


def outline(axes) -> Any:
    """Heights of the corners of the first band."""
    return axes.collections[0].get_paths()[0].vertices[:, 1]


def shades(axes):
    """Ends along x of what is shaded."""
    return [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in axes.patches]


def texts(figure):
    return style.notes_of(figure)


def test_allocation_draws_the_plan_its_bands_and_where_it_extrapolates():
    question = functools.partial(
        distill, flops=FLOPS, num_student_params=3e8, scenario=FREE_TEACHER
    )
    plan, draws = question(LAW), over_draws(question)
    decades = np.where(FLOPS > 1e21, 1.0, 0.0)
    figure = plans.allocation(FLOPS, plan, draws=draws, decades=decades, title="a plan")
    sizes, tokens, losses, shares = figure.axes
    np.testing.assert_array_equal(heights(tokens)["student"], plan.num_student_tokens)
    np.testing.assert_array_equal(heights(losses)["student"], plan.loss)
    np.testing.assert_array_equal(heights(losses)["teacher"], plan.teacher_loss)
    assert set(heights(sizes)) == {"student"}  # a free teacher has no size
    low, high = np.quantile(draws.loss, [0.05, 0.95], axis=0)
    assert set(np.concatenate([low, high])) <= set(outline(losses))
    outside = pytest.approx((np.sqrt(FLOPS[6] * FLOPS[7]), FLOPS[-1]))
    for axes in (sizes, tokens, losses, shares):
        assert shades(axes) == [outside]
        assert axes.get_xscale() == "log"
        assert "FLOPs" in axes.get_xlabel()
    assert figure.get_suptitle() == "a plan"
    assert "90%" in texts(figure)
    assert "outside the range" in texts(figure)


def test_allocation_without_draws_or_range():
    plan = compute_optimal(LAW, flops=FLOPS, num_inference_tokens=1e9)
    figure = plans.allocation(FLOPS, plan)
    sizes, tokens, losses, shares = figure.axes
    np.testing.assert_array_equal(heights(sizes)["model"], plan.num_params)
    np.testing.assert_array_equal(heights(tokens)["model"], plan.num_tokens)
    assert not losses.collections
    assert shares.get_legend_handles_labels()[1] == ["training", "serving"]
    assert set(plan.shares.student) <= set(outline(shares))
    assert texts(figure) == ""


def test_the_decision_is_drawn_with_what_a_teacher_gains():
    question = functools.partial(
        compare, flops=FLOPS, num_student_params=3e8, scenario=FREE_TEACHER
    )
    answer, draws = question(LAW), over_draws(question)
    decades = np.full(FLOPS.shape, np.nan)
    figure = decisions.decision(FLOPS, answer, draws=draws, decades=decades, budget=1e21)
    losses, gains = figure.axes
    for name, label in (("train", "train compute-optimally"), ("distil", "distil")):
        shown = np.where(answer.eligible[name], answer.options[name].loss, np.nan)
        np.testing.assert_array_equal(heights(losses)[label], shown)

    def gain(answer):
        """The best loss without a teacher may be of either kind, where both may win."""
        alone = [
            np.where(answer.eligible[name], answer.options[name].loss, np.inf)
            for name in ("train", "overtrain")
        ]
        return np.minimum(*alone) - answer.options.distil.loss

    np.testing.assert_allclose(heights(gains)["distil"], gain(answer), rtol=1e-12)
    low, high = np.quantile(gain(draws), [0.05, 0.95], axis=0)  # differences law by law
    drawn = np.sort(outline(gains))
    assert drawn[0] == pytest.approx(low.min())
    assert drawn[-1] == pytest.approx(high.max())
    for axes in (losses, gains):
        (mark,) = [line for line in axes.get_lines() if "budget" in str(line.get_label())]
        assert np.all(np.asarray(mark.get_xdata()) == 1e21)
        assert shades(axes) == [pytest.approx((FLOPS[0], FLOPS[-1]))]
    assert "unknown" in texts(figure)


def test_where_nothing_is_planned_nothing_is_shaded():
    flops = np.array([1e2, 1e20, 1e22])
    plan = compute_optimal(LAW, flops=flops)
    figure = plans.allocation(flops, plan, decades=np.array([np.nan, 0.0, 0.0]))
    assert not any(shades(axes) for axes in figure.axes)
    assert np.isnan(heights(figure.axes[2])["model"][0])


def test_a_plan_that_is_not_solved_is_a_cross_and_not_ruled_out():
    answer = compare(LAW, flops=FLOPS, num_student_params=3e8, scenario=FREE_TEACHER)
    status = answer.options.distil.status.copy()
    status[1] = Status.NOT_CONVERGED
    distil = dataclasses.replace(answer.options.distil, status=status)
    answer = dataclasses.replace(answer, options=answer.options | {"distil": distil})
    losses = decisions.decision(FLOPS, answer).axes[0]
    crosses = [line for line in losses.lines if line.get_marker() == "x" and len(line.get_xdata())]
    dotted = [line.get_ydata() for line in losses.lines if line.get_linestyle() == ":"]
    assert len(crosses) == 1
    np.testing.assert_array_equal(crosses[0].get_ydata(), distil.loss[[1]])
    assert (
        sum(
            np.array_equal(
                each, np.where(status == Status.NOT_CONVERGED, np.nan, distil.loss), equal_nan=True
            )
            for each in dotted
        )
        == 1
    )


def failed_at(plan, index):
    """The plan with a search that failed at an index."""
    status = np.array(plan.status)
    status[index] = Status.NOT_CONVERGED
    return dataclasses.replace(plan, status=status)


def crosses(axes):
    """The budgets that are marked."""
    marks = [line for line in axes.get_lines() if line.get_marker() == "x"]
    return [x for line in marks for x in np.asarray(line.get_xdata()).tolist()]


def test_allocation_marks_plans_that_are_not_solved():
    plan = failed_at(distill(LAW, flops=FLOPS, num_student_params=3e8, scenario=FREE_TEACHER), 3)
    draws = jax.tree.map(lambda leaf: leaf[None], plan)
    figure = plans.allocation(FLOPS, plan, draws=draws)
    _, tokens, losses, shares = figure.axes
    for axes, name in ((tokens, "num_student_tokens"), (losses, "loss")):
        expected = np.where(np.arange(11) == 3, np.nan, getattr(plan, name))
        np.testing.assert_array_equal(heights(axes)["student"], expected)
    assert plan.loss[3] not in outline(losses)  # of the draws
    for axes in figure.axes:
        assert set(crosses(axes)) == {FLOPS[3]}
    assert FLOPS[3] not in shares.collections[0].get_paths()[0].vertices[:, 0]
    assert style.FAILED in texts(figure)
    assert style.FAILED not in texts(plans.allocation(FLOPS, compute_optimal(LAW, flops=FLOPS)))


def test_a_plan_without_a_loss_is_marked_on_the_axis():
    plan = compute_optimal(LAW, flops=FLOPS)
    loss = plan.loss.copy()
    loss[2] = np.nan
    plan = dataclasses.replace(failed_at(plan, 2), loss=loss)
    losses = plans.allocation(FLOPS, plan).axes[2]
    assert crosses(losses) == [FLOPS[2]]


def test_a_solved_plan_between_others_is_a_dot():
    plan = failed_at(compute_optimal(LAW, flops=FLOPS), [3, 5])
    losses = plans.allocation(FLOPS, plan).axes[2]
    (dot,) = [line for line in losses.get_lines() if line.get_marker() == "."]
    assert dot.get_ydata().tolist() == [plan.loss[4]]


def test_the_frontier_marks_plans_that_are_not_solved():
    answer = serving_frontier(
        LAW, flops=1e21, num_params=np.geomspace(1e8, 1e10, 5), scenario=FREE_TEACHER
    )
    answer = dataclasses.replace(answer, distilled=failed_at(answer.distilled, 1))
    figure = loss_against_serving(answer)
    assert crosses(figure.axes[0]) == [answer.inference_flops[1]]
    assert np.isnan(heights(figure.axes[0])["distilled"][1])
    assert texts(figure) == style.FAILED


def test_near_optimal_ranges_leave_out_plans_that_are_not_solved():
    best = failed_at(compute_optimal(LAW, flops=FLOPS), 4)
    found = NearOptimalRange(low=best.num_params / 2, high=best.num_params * 2, best=best)
    figure = near_optimal_ranges(FLOPS, [(0.01, found)], of="num_params", label="parameters")
    (axes,) = figure.axes
    assert crosses(axes) == [FLOPS[4]]
    corners = np.concatenate([path.vertices for path in axes.collections[0].get_paths()])
    assert FLOPS[4] not in corners[:, 0]
    assert texts(figure) == style.FAILED
