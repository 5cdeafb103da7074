"""Hold-outs: the runs of the fit, the unseen runs, and the baselines computed by hand."""

import json

import numpy as np
import pytest
from by_hand import SIZES, simulated_columns, size_columns, taught_columns, values
from laws_of_tests import SizeLaw, TaughtLaw

from fitting import Runs, bundled_runs, fit, hold_out
from fitting.reporting.tables import error_table
from fitting.validation.hold_outs import baselines, best_teachers, lowest_losses
from jaxlaws.laws.chinchilla import Chinchilla
from jaxlaws.laws.distillation_limit import DistillationLimit
from jaxlaws.laws.supervised import Supervised


@pytest.fixture(scope="module")
def sizes():
    return Runs.read(size_columns(), law_type=SizeLaw)


def test_a_perfect_law_predicts_unseen_runs():
    runs = Runs.read(simulated_columns(0.0))
    result = hold_out(Chinchilla, runs, lowest_losses(runs, 0.1), name="lowest tenth")
    assert (result.fit.num_runs, len(result.unseen)) == (189, 21)
    assert np.abs(result.errors["law"]).max() < 1e-5
    assert np.abs(result.errors["constant loss"]).min() > 10


def test_errors_and_baseline_by_hand(sizes):
    """The errors are those of a fit to the other runs; the baseline is their mean loss."""
    mask = np.arange(12) >= 9
    result = hold_out(SizeLaw, sizes, mask, name="largest")
    found = values(fit(SizeLaw, sizes.where(~mask)))
    loss = size_columns()["loss"]
    predicted = found["E"] + found["A"] / SIZES[mask] ** found["alpha"]
    expected = {
        "law": 100 * (predicted - loss[mask]) / loss[mask],
        "constant loss": 100 * (loss[~mask].mean() - loss[mask]) / loss[mask],
    }
    assert list(result.errors) == list(expected)
    for name, errors in expected.items():
        np.testing.assert_allclose(result.errors[name], errors, rtol=1e-6, err_msg=name)
        summary = result.summary()["errors"][name]
        assert summary["mean"] == pytest.approx(sum(abs(errors)) / 3)
        assert summary["median"] == pytest.approx(sorted(abs(errors))[1])
        assert summary["worst"] == pytest.approx(max(abs(errors)))
    assert result.unseen.rows.tolist() == [10, 11, 12]
    json.dumps(result.summary(), allow_nan=False)


def test_runs_held_out_do_not_change_the_fit(sizes):
    mask = np.arange(12) % 4 == 0
    columns = size_columns()
    spoilt = columns | {"loss": np.where(mask, 50.0, columns["loss"])}
    before, after = (
        hold_out(SizeLaw, Runs.read(each, law_type=SizeLaw), mask) for each in (columns, spoilt)
    )
    assert values(before.fit) == values(after.fit)
    predicted = [each.unseen.loss * (1 + each.errors["law"] / 100) for each in (before, after)]
    np.testing.assert_allclose(*predicted, rtol=1e-12)


def test_fits_of_sub_laws_do_not_see_runs_held_out():
    """In a mixed table a mask holds out rows of both kinds; only distilled runs are predicted."""
    columns = taught_columns()
    runs = Runs.read(columns)
    mask = np.zeros(30, dtype=bool)
    mask[[2, 20, 25]] = True  # one run of size alone, two distilled ones
    result = hold_out(TaughtLaw, runs, mask)
    assert result.unseen.rows.tolist() == [21, 26]
    assert result.fit.num_runs == 16
    assert result.fit.stages["alone"].num_runs == 11
    # The baseline is the mean over distilled runs, not over the table.
    seen = np.array(columns["loss"])[[i for i in range(12, 30) if not mask[i]]]
    expected = 100 * (seen.mean() / np.array(columns["loss"])[[20, 25]] - 1)
    np.testing.assert_allclose(result.errors["constant loss"], expected, rtol=1e-12)


def test_the_user_can_pass_predictors(sizes):
    mask = np.arange(12) == 11
    result = hold_out(
        SizeLaw, sizes, mask, against={"last": lambda fitted, seen, unseen: seen.loss[-1]}
    )
    assert list(result.errors) == ["law", "last"]
    assert result.errors["last"] == pytest.approx(
        100 * (size_columns()["loss"][10] / size_columns()["loss"][11] - 1)
    )


def test_only_a_distillation_law_has_the_supervised_law_as_a_baseline():
    assert list(baselines(Chinchilla)) == ["constant loss"]
    assert list(baselines(DistillationLimit)) == ["constant loss", "supervised law alone"]


@pytest.mark.parametrize("mask", [np.zeros(12, bool), np.ones(12, bool)])
def test_some_runs_are_held_out_but_not_all(sizes, mask):
    with pytest.raises(ValueError, match="of 12 runs: hold out some, not all"):
        hold_out(SizeLaw, sizes, mask)


@pytest.mark.parametrize("mask", [np.zeros(11, bool), np.zeros(12), [0, 1, 2]])
def test_a_mask_is_boolean_and_as_long_as_the_runs(sizes, mask):
    with pytest.raises(ValueError, match=r"boolean array of shape \(12,\)"):
        hold_out(SizeLaw, sizes, mask)


def test_an_expression_selects_rows_of_all_kinds():
    runs = Runs.read(taught_columns())
    mask = (runs.loss < 2.35) & (runs.loss > 2)
    result = hold_out(TaughtLaw, runs, "loss < 2.35 and loss > 2", num_starts=16)
    assert result.name == "loss < 2.35 and loss > 2"
    assert result.unseen.rows.tolist() == [row for row in runs.rows[mask] if row > 12]
    assert result.fit.stages["alone"].num_runs == 12 - mask[:12].sum()
    # The fit of the sub-law does not see them either if the table has the law's own rows only.
    again = hold_out(TaughtLaw, runs.for_law(TaughtLaw), result.name, num_starts=16)
    assert values(again.fit) == pytest.approx(values(result.fit), rel=1e-9)
    assert hold_out(TaughtLaw, runs, mask, name="mine", num_starts=16).name == "mine"


@pytest.mark.parametrize("expression", ["loss < 0", "loss > 0"])
def test_the_error_names_an_expression_that_holds_out_no_run_or_all_runs(sizes, expression):
    with pytest.raises(ValueError, match=f"'{expression}' holds out (0|12) of 12 runs"):
        hold_out(SizeLaw, sizes, expression)


def test_lowest_losses_are_the_lowest(sizes):
    mask = lowest_losses(sizes, 1 / 3)
    assert mask.sum() == 4
    assert sizes.loss[mask].max() < sizes.loss[~mask].min()
    for share in (0, 1, 1.5):
        with pytest.raises(ValueError, match="between 0 and 1"):
            lowest_losses(sizes, share)


def test_best_teachers_selects_all_students_of_a_teacher():
    runs = bundled_runs("distilled")
    mask = best_teachers(runs, 2)
    chosen = set(runs.others["teacher"][mask])
    assert len(chosen) == 2
    assert not chosen & set(runs.others["teacher"][~mask])
    assert runs.inputs["teacher_loss"][mask].max() < runs.inputs["teacher_loss"][~mask].min()
    with pytest.raises(ValueError, match="teachers"):
        best_teachers(runs, 1000)


def test_the_table_names_each_hold_out_once(sizes):
    result = hold_out(SizeLaw, sizes, np.arange(12) >= 9, name="largest")
    lines = error_table([result]).splitlines()
    assert len(lines) == 4
    assert lines[2].startswith("| largest | 3 | 9 | law | ")
    worst = result.summary()["errors"]["constant loss"]["worst"]
    assert lines[3].startswith("|  |  |  | constant loss | ")
    assert lines[3].endswith(f" | {worst:.2f} |")


@pytest.mark.slow
def test_the_law_beats_its_baselines_on_the_bundled_runs():
    """Students of teachers that no fit saw, and the runs with the lowest losses."""
    supervised, distilled = bundled_runs("supervised"), bundled_runs("distilled")
    low = hold_out(Supervised, supervised, lowest_losses(supervised))
    best = best_teachers(distilled, 2)
    teachers = np.isin(supervised.others["run"], distilled.others["teacher"][best])
    assert teachers.sum() == 2
    taught = [
        hold_out(DistillationLimit, distilled, mask, freeze={"supervised": fit(Supervised, first)})
        for mask, first in (
            (lowest_losses(distilled), supervised),
            (best, supervised.where(~teachers)),
        )
    ]
    for result in (low, *taught):
        summary = result.summary()
        assert summary["num_unseen"] >= 5
        mean = {name: each["mean"] for name, each in summary["errors"].items()}
        assert all(mean["law"] < 0.3 * mean[name] for name in mean if name != "law"), mean
