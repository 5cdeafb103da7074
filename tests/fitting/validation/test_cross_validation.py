"""Groups, folds and roll-outs: the runs of each fit, and the errors of its predictions."""

import itertools
from typing import Any

import numpy as np
import pytest
from by_hand import SIZES, TRUTH, chinchilla, simulated_columns, size_columns, taught_columns
from laws_of_tests import SizeLaw, TaughtLaw

from fitting import Runs
from fitting.reporting.fit_figures import roll_out_errors
from fitting.validation.cross_validation import k_fold, leave_one_group_out, pooled_errors, roll_out
from jaxlaws.laws.chinchilla import Chinchilla

FEW: dict[str, Any] = {"num_starts": 16}


@pytest.fixture(scope="module")
def sizes():
    return Runs.read(size_columns() | {"mix": [*"aaaabbbbcccc"], "width": [1, 2, 3] * 4})


def test_each_group_is_held_out_once(sizes):
    hold_outs = leave_one_group_out(SizeLaw, sizes, "mix", **FEW)
    assert [each.name for each in hold_outs] == ["mix a", "mix b", "mix c"]
    assert [each.unseen.rows.tolist() for each in hold_outs] == [
        [*range(i, i + 4)] for i in (1, 5, 9)
    ]
    assert all(each.fit.num_runs == 8 for each in hold_outs)
    by_number = leave_one_group_out(SizeLaw, sizes, "width", **FEW)
    assert by_number[2].name == "width 3"
    assert by_number[2].unseen.rows.tolist() == [3, 6, 9, 12]


def test_rows_of_a_sub_law_are_held_out_with_their_group():
    columns = taught_columns()
    group = np.where(np.arange(30) % 2, "odd", "even")
    hold_outs = leave_one_group_out(TaughtLaw, Runs.read(columns | {"g": group}), "g", **FEW)
    assert [len(each.unseen) for each in hold_outs] == [9, 9]
    assert [each.fit.stages["alone"].num_runs for each in hold_outs] == [6, 6]


def test_folds_are_of_equal_size_and_cover_the_runs(sizes):
    hold_outs = k_fold(SizeLaw, sizes, 5, seed=3, **FEW)
    assert sorted(len(each.unseen) for each in hold_outs) == [2, 2, 2, 3, 3]
    rows = np.concatenate([each.unseen.rows for each in hold_outs])
    assert sorted(rows.tolist()) == list(range(1, 13))
    assert sorted(pooled_errors(hold_outs)["law"].shape) == [12]
    again = k_fold(SizeLaw, sizes, 5, seed=3, **FEW)
    assert [e.unseen.rows.tolist() for e in hold_outs] == [e.unseen.rows.tolist() for e in again]
    other = k_fold(SizeLaw, sizes, 5, seed=4, **FEW)
    assert [e.unseen.rows.tolist() for e in hold_outs] != [e.unseen.rows.tolist() for e in other]


def test_leaving_out_one_run_after_another_is_the_jackknife(sizes):
    """With as many folds as runs, each fit has eleven runs."""
    hold_outs = k_fold(SizeLaw, sizes, 12, **FEW)
    for each in hold_outs:
        (row,) = each.unseen.rows
        size, loss = SIZES[row - 1], size_columns()["loss"][row - 1]
        law = each.fit.law
        predicted = law.E + law.A / size**law.alpha
        assert each.errors["law"] == pytest.approx(100 * (predicted / loss - 1), abs=1e-9)


@pytest.mark.parametrize("by", ["flops", "num_params", "num_tokens"])
def test_each_window_is_larger_and_all_larger_runs_are_predicted(by):
    columns = {name: cells[::4] for name, cells in simulated_columns(0.0).items()}
    extents = columns | {"flops": 6 * columns["num_params"] * columns["num_tokens"]}
    runs = Runs.read(columns)
    rolled = roll_out(Chinchilla, runs, by, num_windows=3, **FEW)
    assert len(rolled.hold_outs) == 3
    assert np.all(np.diff(rolled.frontiers) > 0)
    for each, frontier, decades in zip(
        rolled.hold_outs, rolled.frontiers, rolled.decades, strict=True
    ):
        beyond = extents[by] > frontier
        assert each.unseen.rows.tolist() == (1 + np.flatnonzero(beyond)).tolist()
        assert each.fit.num_runs == (~beyond).sum() >= 0.4 * 53
        assert frontier == pytest.approx(extents[by][~beyond].max(), rel=1e-12)
        np.testing.assert_allclose(decades, np.log10(extents[by][beyond] / frontier), rtol=1e-9)
        # A perfect law extrapolates perfectly.
        assert np.abs(each.errors["law"]).max() < 1e-4


def test_the_error_of_a_wrong_law_grows_with_extrapolation():
    """A law that is wrong for large runs: its error grows with the extrapolation."""
    size = np.geomspace(1e6, 1e10, 40)
    loss = 1.0 + 400 / size**0.34 + 0.02 * np.log10(size / 1e6) ** 3
    runs = Runs.read({"num_params": size, "loss": loss}, law_type=SizeLaw)
    rolled = roll_out(SizeLaw, runs, "num_params", num_windows=4, **FEW)
    steps = rolled.by_distance()
    assert [step["decades"] for step in steps] == [[i / 2, i / 2 + 0.5] for i in range(len(steps))]
    means = [step["mean"] for step in steps]
    assert all(a < b for a, b in itertools.pairwise(means))
    assert sum(step["num_predictions"] for step in steps) == sum(map(len, rolled.decades))
    decades, errors = rolled.against_distance()
    assert steps[0]["worst"] == pytest.approx(np.abs(errors[decades <= 0.5]).max())
    assert steps[-1]["median"] == pytest.approx(
        np.median(np.abs(errors[decades > steps[-1]["decades"][0]]))
    )


def test_windows_with_the_same_runs_count_once_and_some_runs_are_always_unseen():
    size = np.repeat([1e6, 1e7, 1e8, 1e9], 5)
    runs = Runs.read({"num_params": size, "loss": 1.5 + 400 / size**0.34 + 1e-4 * np.arange(20)})
    rolled = roll_out(SizeLaw, runs, "num_params", num_windows=9, least=0.5, **FEW)
    assert rolled.frontiers.tolist() == [1e7, 1e8]


def test_a_roll_out_by_compute_uses_the_compute_of_each_kind_of_run():
    tokens, student_tokens = np.tile([1e9, 9e9, 3e9], 4), np.tile([9e9, 1e9, 3e9], 6)
    columns = taught_columns() | {"num_tokens": [*tokens, *[None] * 18]}
    columns |= {"num_student_tokens": [*[None] * 12, *student_tokens]}
    rolled = roll_out(TaughtLaw, Runs.read(columns), "flops", num_windows=1, **FEW)
    (frontier,), (each,) = rolled.frontiers, rolled.hold_outs
    sizes = np.tile(np.geomspace(2e6, 5e8, 6), 3)
    beyond = 6 * sizes * student_tokens > frontier
    assert each.unseen.rows.tolist() == (13 + np.flatnonzero(beyond)).tolist()
    own_beyond = 6 * SIZES * tokens > frontier
    assert each.fit.stages["alone"].num_runs == np.sum(~own_beyond) < 12


def test_one_figure_shows_every_prediction(sizes):
    rolled = roll_out(SizeLaw, sizes, "num_params", num_windows=2, **FEW)
    figure = roll_out_errors(rolled, title="size")
    (axes,) = figure.axes
    drawn = np.concatenate([np.asarray(each.get_offsets()) for each in axes.collections])
    decades, errors = rolled.against_distance()
    np.testing.assert_allclose(np.log10(np.sort(drawn[:, 0])), decades)
    np.testing.assert_allclose(np.sort(drawn[:, 1]), np.sort(np.abs(errors)))
    texts = axes.get_legend_handles_labels()[1]
    assert any(text.startswith("5 runs fitted, parameters > ") for text in texts)
    assert "median, constant loss" in texts


def test_errors_name_the_reason(sizes):
    for call, message in (
        (lambda: leave_one_group_out(SizeLaw, sizes, "mixture"), "did you mean 'mix'"),
        (lambda: leave_one_group_out(SizeLaw, sizes.where(sizes.loss < 2), "mix"), "one value c"),
        (lambda: k_fold(SizeLaw, sizes, 1), "2 to 12 folds"),
        (lambda: k_fold(SizeLaw, sizes, 13), "2 to 12 folds"),
        (lambda: roll_out(SizeLaw, sizes, "flops"), "no column num_tokens"),
        (lambda: roll_out(SizeLaw, sizes, "loss"), "one of flops"),
        (lambda: roll_out(SizeLaw, sizes, "num_params", least=1.0), "least between"),
        (lambda: roll_out(SizeLaw, sizes, "num_params", num_windows=0), "at least one window"),
        (lambda: roll_out(SizeLaw, sizes, "num_params", least=0.1), "too few for the 3"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    gaps = Runs.read(size_columns() | {"mix": ["a", None, *"bbbbbbbbbb"]})
    with pytest.raises(ValueError, match="column 'mix' is empty in row 2"):
        leave_one_group_out(SizeLaw, gaps, "mix")
    one = Runs.read({"num_params": SIZES, "num_tokens": [1e9] * 12, "loss": chinchilla(
        {name: getattr(TRUTH, name) for name in ("E", "A", "alpha", "B", "beta")}, SIZES, 1e9
    )}, law_type=SizeLaw)  # fmt: skip
    with pytest.raises(ValueError, match="all runs have the num_tokens 1B"):
        roll_out(SizeLaw, one, "num_tokens")
