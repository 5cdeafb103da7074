"""Plans and other answers show themselves, and become dictionaries and frames."""

import jax
import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.foundations.quantities import format_flops, format_quantity
from jaxlaws.foundations.text import answer_notes
from jaxlaws.foundations.text import table_columns as columns_module
from jaxlaws.planning import (
    TEACHER_INFERENCE,
    TEACHER_PRETRAINING,
    Status,
    compare,
    compute_optimal,
    crossover,
    distill,
    is_solved,
    rank_teachers,
)

LAW = presets.load("besiroglu2024")


def _lines(shown):
    lines = repr(shown).splitlines()
    assert len(lines) <= 20
    assert max(map(len, lines)) <= 80
    return lines


def test_a_plan_shows_its_numbers_and_status():
    plan = compute_optimal(LAW, flops=5.76e23)
    lines = _lines(plan)
    assert lines[0] == "SupervisedPlan: CONVERGED"
    rows = [line.split() for line in lines]
    assert ["parameters", "72.2B"] in rows
    assert ["loss", f"{plan.loss:.4f}"] in rows
    assert "<td>72.2B</td>" in plan._repr_html_()
    assert "extrapolation_decades(plan, fitted_range)" in lines[-1]


def test_a_plan_that_does_not_exist_says_why():
    lines = _lines(compute_optimal(LAW, flops=1e3))
    assert lines[0] == "SupervisedPlan: INFEASIBLE"
    assert "the budget pays for no plan" in lines[1]
    assert len(lines) == 3  # and no unit of losses that it does not have


def test_a_sweep_shows_some_entries_and_what_is_not_solved():
    plan = compute_optimal(LAW, flops=np.geomspace(1e3, 1e24, 20))
    lines = _lines(plan)
    assert lines[0] == "SupervisedPlan of shape (20,)"
    lost = int(np.sum(plan.status == Status.INFEASIBLE))
    assert f"{lost} of 20 entries are INFEASIBLE" in lines
    assert "8 of 20 entries are shown; to_frame() has all." in lines
    assert f"{plan.loss[-1]:.4f}" in repr(plan)


def test_a_comparison_has_a_column_for_each_strategy():
    law = presets.load("busbridge2025_refit")
    answer = compare(law, flops=1e21, num_student_params=3e8)
    lines = _lines(answer)
    assert lines[0].startswith("Comparison: winner OVERTRAIN, margin ")
    assert lines[1].split() == ["train", "overtrain", "distil"]
    sizes = [getattr(answer.options[n], f) for n, f in (
        ("train", "num_params"), ("overtrain", "num_params"), ("distil", "num_student_params"),
    )]  # fmt: skip
    assert lines[3].split() == ["parameters", *map(format_quantity, map(float, sizes))]
    assert " ".join(answer.reason.split()[:6]) in " ".join(repr(answer).split())


def test_a_sweep_of_comparisons_shows_its_budgets_and_one_comparison_has_a_picture():
    law, budgets = presets.load("busbridge2025_refit"), np.geomspace(1e20, 1e24, 3)
    answers = compare(law, flops=budgets, num_student_params=3e8)
    rows = [line.split() for line in _lines(answers)]
    assert [row[0] for row in rows[3:6]] == ["1e20", "1e22", "1e24"]
    one = jax.tree.map(lambda leaf: leaf[1], answers)
    losses, shares = one.plot().axes
    drawn = sorted(float(line.get_xdata()[0]) for line in losses.lines)
    assert drawn == sorted(float(plan.loss) for plan in one.options.values())
    assert sum(bar.get_width() for bar in shares.patches) == pytest.approx(3.0)


def test_crossings_have_a_row_for_each_better_method():
    law = presets.load("busbridge2025_refit")
    found = crossover(law, num_student_params=1e9, scenario=TEACHER_PRETRAINING)
    lines = _lines(found)
    assert lines[0] == "Crossings: CONVERGED"
    budgets = found.flops[np.isfinite(found.flops)]
    assert [line.split()[0] for line in lines[4:-1]] == [format_flops(each) for each in budgets]
    assert "NONE" not in repr(found)
    assert repr(jax.tree.map(lambda leaf: leaf * 0.5, found)).startswith("Crossings")


def test_teachers_are_shown_with_the_best_first():
    law = presets.load("busbridge2025_refit")
    found = rank_teachers(
        law,
        flops=1e21,
        num_student_params=1e9,
        teacher_loss=[2.2, 2.1, 2.0],
        num_teacher_params=[1e9, 3e9, 7e9],
    )
    lines = _lines(found)
    assert f"the best teacher is {found.best}" in lines[0]
    rows = [line.split() for line in lines[-5:-1]]
    assert [row[0] for row in rows] == [*map(str, found.ranking), "none"]
    assert [row[-1] for row in rows] == [
        *(f"{found.plans.loss[index]:.4f}" for index in found.ranking),
        f"{found.supervised.loss:.4f}",
    ]
    assert repr(jax.tree.map(lambda leaf: leaf * 0.5, found)).startswith("TeacherChoice")


@pytest.mark.parametrize("flops", [1e21, np.geomspace(1e20, 1e22, 3)])
def test_the_tokens_of_a_free_teacher_are_no_number(flops):
    law = presets.load("busbridge2025_refit")
    plan = distill(law, flops=flops, num_student_params=1e9, scenario=TEACHER_INFERENCE)
    assert plan.num_teacher_tokens.max() == 1e17  # the bound of the search
    assert "1e17" not in repr(plan)
    assert "bound" not in repr(plan)
    assert repr(plan).count("unlimited") == np.size(flops)
    axes = plan.plot().axes[1 if np.ndim(flops) else 0]
    ends = axes.get_ylim() if np.ndim(flops) else axes.get_xlim()
    assert max(ends) < 1e14
    paid = distill(law, flops=flops, num_student_params=1e9)
    assert "unlimited" not in repr(paid)


def test_a_plan_in_a_trace_and_of_placeholders_is_shown():
    seen = []

    def planned(flops):
        plan = compute_optimal(LAW, flops=flops)
        seen.append(repr(plan))
        return plan

    shape = jax.eval_shape(planned, 1e21)
    assert "traced" in seen[0]
    for leaf in (None, object()):
        assert repr(jax.tree.map(lambda _, leaf=leaf: leaf, shape)).startswith("SupervisedPlan")
    assert "float32[]" in repr(shape) or "float64[]" in repr(shape)


def test_solved_is_what_the_status_says():
    solved = [status.name for status in Status if is_solved(status)]
    assert list(answer_notes._SOLVED) == solved


def test_frames_hold_the_columns_of_the_dictionary():
    pa = pytest.importorskip("pyarrow")
    plan = compute_optimal(LAW, flops=np.geomspace(1e3, 1e24, 20))
    frame, document = plan.to_frame(), plan.to_dict()
    if not isinstance(frame, pa.Table):
        pytest.skip("another library comes first")
    assert frame["num_params"].to_pylist() == document["num_params"]
    assert frame["status"].to_pylist() == document["status"]
    assert frame["shares.student"].to_pylist() == document["shares"]["student"]
    assert document["num_params"][0] is None  # infeasible


def test_without_a_library_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(columns_module, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="pip install"):
        columns_module.frame_of({"a": [1]})


def test_trees_that_are_no_plans_are_shown_too():
    plan = compute_optimal(LAW, flops=np.geomspace(1e20, 1e24, 3))
    for change in (lambda leaf: leaf * 7 + 0.5, lambda leaf: np.nan * leaf, lambda leaf: leaf[:0]):
        assert repr(jax.tree.map(change, plan)).startswith("SupervisedPlan")


def test_a_sweep_has_a_picture_in_a_notebook():
    plan = compute_optimal(LAW, flops=np.geomspace(1e20, 1e24, 5))
    assert 'src="data:image/png;base64,' in plan._repr_html_()
    assert len(plan.plot().axes) >= 4
    assert "<img" not in compute_optimal(LAW, flops=np.full((2, 2), 1e21))._repr_html_()
    assert compute_optimal(LAW, flops=1e21).plot().axes  # a single plan
    with pytest.raises(ValueError, match="rising budgets"):
        compute_optimal(LAW, flops=np.full((2, 2), 1e21)).plot()
