"""Rows that are checkpoints of runs, and rows with equal inputs."""

import numpy as np
import pytest
from plain_tables import columns, loss_of, write_csv

from fitting import Runs, TableNote, TableWarning, read_table
from jaxlaws.foundations.errors import DataError


def checkpoints(tmp_path, **changes):
    steps = np.tile([1000.0, 2000.0, 4000.0, 8000.0], 6)
    run = np.repeat(np.arange(6), 4)
    sizes = np.repeat(np.geomspace(1e8, 1e9, 6), 4)
    tokens = steps * 5e5 * (1 + run)
    cells = {
        "run": [f"r{i}" for i in run], "step": steps, "num_params": sizes, "num_tokens": tokens,
        "loss": loss_of(sizes, tokens),
    }  # fmt: skip
    return write_csv(tmp_path / "runs.csv", cells | changes)


def test_of_checkpoints_the_last_of_each_run_is_read(tmp_path):
    path = checkpoints(tmp_path)
    with pytest.warns(TableNote, match=r"24 rows are checkpoints of 6 runs \(columns run, step\)"):
        runs = Runs.read(path)
    assert runs.rows.tolist() == [5, 9, 13, 17, 21, 25]
    with pytest.warns(TableNote, match="--cluster run"):
        assert len(Runs.read(path, checkpoints="all")) == 24
    with pytest.raises(ValueError, match="expected checkpoints of last, all"):
        Runs.read(path, checkpoints="first")


def unnamed_log(tmp_path, chosen=slice(None), without=("run",)):
    """A log of 8 runs, two of each of 4 sizes, at 10 steps each."""
    run, steps = np.repeat(np.arange(8), 10), np.tile(100.0 * np.arange(1, 11), 8)
    sizes, tokens = 1e8 * 2.0 ** (run // 2), steps * 1.37**run * 1e6
    cells = {"run": run, "step": steps, "params": sizes, "tokens": tokens}
    cells["name"] = np.repeat(["gpt"], 80)  # names no run
    cells = {n: c[chosen] for n, c in (cells | {"loss": loss_of(sizes, tokens)}).items()}
    return write_csv(
        tmp_path / "log.csv", {n: c for n, c in cells.items() if n not in without}
    ), np.sort(tokens[steps == 1000])


@pytest.mark.parametrize(
    ("chosen", "without"),
    [
        (slice(None), ("run",)),
        (slice(None), ("run", "step")),
        (np.random.default_rng(0).permutation(80), ("run",)),
    ],
)
def test_of_checkpoints_without_names_the_last_of_each_run_is_read(chosen, without, tmp_path):
    path, tokens = unnamed_log(tmp_path, chosen, without)
    with pytest.warns(TableNote, match="80 rows are checkpoints of 8 runs, which no column names"):
        runs = Runs.read(path)
    assert np.sort(runs.inputs["num_tokens"]).tolist() == tokens.tolist()
    with pytest.warns(TableNote, match="they are not independent"):
        assert len(Runs.read(path, checkpoints="all")) == 80


def test_checkpoints_of_runs_that_are_not_clear_are_refused(tmp_path):
    path, _ = unnamed_log(tmp_path, without=("run", "tokens"))
    cells = {**read_table(path).columns, "params": 1e8 + 1e6 * np.arange(80), "tokens": [1e9] * 80}
    with pytest.raises(DataError, match=r"not clear. Add a column 'run'.*--checkpoints all"):
        Runs.read(write_csv(path, cells))


def test_rows_whose_steps_do_not_rise_within_a_run_are_runs(tmp_path, recwarn):
    assert len(Runs.read(checkpoints(tmp_path, step=np.full(24, 1000.0)))) == 24
    assert not [each for each in recwarn if each.category is TableNote]


@pytest.mark.parametrize("names", [{"run": "model"}, {"step": "steps"}])
def test_runs_of_several_lengths_of_one_model_are_runs(names, tmp_path, recwarn):
    cells = read_table(checkpoints(tmp_path)).columns
    path = write_csv(tmp_path / "lengths.csv", {names.get(n, n): c for n, c in cells.items()})
    assert len(Runs.read(path)) == 24
    may_be = [each for each in recwarn if "24 rows may be checkpoints" in str(each.message)]
    assert len(may_be) == ("run" in names)
    assert not [each for each in recwarn if each.category is TableNote]


def test_the_column_that_separates_equal_inputs_is_named(tmp_path):
    cells = {name: np.tile(values, 2) for name, values in columns().items()}
    cells["corpus"] = ["web"] * 12 + ["code"] * 12
    cells["seed"] = np.arange(24) % 3
    cells["loss"][12:] *= 0.6
    path = write_csv(tmp_path / "runs.csv", cells)
    with pytest.warns(
        TableWarning, match=r"67% apart.*'corpus' separates them.*'corpus == \"web\"'"
    ):
        Runs.read(path)
    with pytest.warns(TableNote, match="rows left out: 12"):
        assert len(Runs.read(path, where="corpus == 'web'")) == 12
