"""Runs with other batches: their plan, their rows, and the parts of the tables."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.low_losses.foreseen import JUDGED_COLUMNS, judged
from experiments.low_losses.judgement import longer, small_batches, together, with_embedding
from experiments.low_losses.plan import PREDICTIONS, RUNS, decisive, jobs
from experiments.predictions.judgement import measured
from experiments.runlab import table
from experiments.runlab.__main__ import TABLE as BUNDLED
from experiments.runlab.model import init
from experiments.runlab.runs import BATCH_TOKENS, SHAPES, Run, from_row
from experiments.runlab.sweep import settings
from fitting import bundled_runs, markdown_table


def test_a_run_with_other_steps_reads_as_much_text_and_comes_back_from_its_row():
    runs = [run for job in jobs() for run in job]
    assert len({run.name for run in runs}) == len(runs)
    lengths = {500, 548, 600, 750, 1000, 1629, 2000, 4000, 8000, 32_000}
    assert {run.tokens / BATCH_TOKENS for run in runs} == lengths
    done = set()
    for job in jobs():
        assert {run.teacher for run in job} - {None} <= done
        assert len({(run.steps, run.seed, run.batch) for run in job}) == 1
        done.update(job)
    cells = [
        settings(run, {}) | {"teacher": run.teacher.name if run.teacher else ""} for run in runs
    ]
    rows = {row["run"]: {name: str(cell) for name, cell in row.items()} for row in cells}
    for run in runs:
        assert from_row(run.name, rows) == run


def test_the_table_of_runs_is_that_of_the_package():
    for kind in ("supervised", "distilled"):
        ours, theirs = table.runs(kind, BUNDLED), bundled_runs(kind)
        np.testing.assert_array_equal(ours.loss, theirs.loss)
        for name, values in ours.inputs.items():
            np.testing.assert_array_equal(values, theirs.inputs[name])


@pytest.mark.filterwarnings("ignore::fitting.WeakDesignWarning")
def test_parts_of_the_tables(tmp_path):
    names = {"s-d16-500": 128 * 16_000, "s-d16-2000-b1": 128 * 2_000, "s-d16-1000-b2": 256 * 1_000}
    rows = []
    for name, tokens in names.items():
        batch = 512 if "-b" not in name else 128 * int(name[-1])
        shape = {"num_params": 6800, "num_tokens": tokens, "flops": 1e10, "width": 16}
        training = {"batch_tokens": batch, "steps": tokens // batch, "learning_rate": 0.01}
        rows.append({"run": name, "kind": "supervised", "status": "ok", "loss": 2.0})
        rows[-1] |= shape | training
    rows.append(rows[0] | {"run": "lost", "status": "diverged", "loss": ""})
    table.append(tmp_path / "runs.csv", rows)
    runs = table.runs("supervised", tmp_path / "runs.csv")
    assert list(runs.others["run"]) == list(names)
    assert list(longer(runs).others["run"]) == ["s-d16-500"]
    assert list(small_batches(runs).others["run"]) == ["s-d16-2000-b1"]
    assert len(together(runs, runs)) == 6
    weights = init(np.array([0, 0], np.uint32), SHAPES[16])
    whole = sum(leaf.size for leaf in weights.values() if not isinstance(leaf, dict))
    whole += sum(leaf.size for leaf in weights["layers"].values())
    assert set(with_embedding(runs).inputs["num_params"]) == {whole}
    assert Run(SHAPES[16], 1).params == runs.inputs["num_params"][0]


def test_every_run_but_the_first_and_the_teachers_has_a_prediction():
    made = {row["run"] for row in table.read(PREDICTIONS)}
    rows = {row["run"]: row for row in table.read(RUNS)}
    assert len(decisive()) == 11
    assert {replace(run, seed=1).name for run in decisive()} <= made
    planned = [run for job in jobs() for run in job]
    assert made <= {run.name for run in planned}
    assert {run.name for run in planned if run.teacher is not None} <= made
    assert all(from_row(name, rows) in planned for name in rows)


def test_the_committed_tables_give_the_numbers_of_the_pages():
    readme, page = ((RUNS.parent / name).read_text() for name in ("README.md", "results.md"))
    lines = judged(measured(RUNS))
    assert markdown_table(JUDGED_COLUMNS, lines) in page
    changes = {line[0]: float(line[-1]) for line in lines if line[-1]}
    again = [changes[replace(run, seed=1).name] for run in decisive()]
    assert f"{-max(again)} to {-min(again)}% below" in readme
    students = {
        run.name: run.tokens for job in jobs() for run in job if run.teacher and run.seed < 2
    }
    short = [changes[name] for name, tokens in students.items() if tokens == 512_000]
    assert len(short) == 12
    assert (
        f"the mean change is below -2% if steps limit them | **yes**: {np.mean(short):.1f}%"
        in readme
    )
    assert max(short) < -1
    longer = [changes[name] for name, tokens in students.items() if tokens > 2e6]
    assert f"{min(longer):+.1f} to {max(longer):+.1f}%" in readme
    assert all(
        line[5] == "no" for line in lines if "-from-" in line[0] and "-16000-" not in line[0]
    )
