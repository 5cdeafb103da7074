"""The run lab from its command line, as a user runs it, on a text of a few hundred kilobytes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from experiments.runlab import plan, table
from experiments.runlab.__main__ import main

ROOT = Path(__file__).parents[3]


def runlab(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command; its own processes carry none of the tests' JAX settings."""
    return subprocess.run(
        [sys.executable, "-m", "experiments.runlab", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )


def within(*arguments: object) -> str:
    """Run a verb that trains nothing, in this process; give its output."""
    result = CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> tuple[Path, Path]:
    """A folder with prepared text and a finished smoke sweep, and its table."""
    folder = tmp_path_factory.mktemp("runlab")
    text = folder / "text"
    text.mkdir()
    for index, source in enumerate(sorted((ROOT / "experiments").rglob("*.py")) * 4):
        (text / f"{index}.txt").write_bytes(source.read_bytes())
    within("prepare", "--source", text, "--held-out", 30_000, "--out", folder)
    path = folder / "runs.csv"
    runlab("sweep", "smoke", "--workers", 1, "--out", folder, "--table", path)
    return folder, path


@pytest.mark.slow
def test_every_planned_run_has_a_row(lab):
    rows = table.read(lab[1])
    planned = [run for job in plan.smoke() for run in job]
    assert sorted(row["run"] for row in rows) == sorted(run.name for run in planned)
    assert {row["status"] for row in rows} == {"ok"}
    assert all(1 < float(row["loss"]) < 5 for row in rows)


@pytest.mark.slow
def test_the_table_is_consistent(lab):
    rows = {row["run"]: row for row in table.read(lab[1])}
    for row in rows.values():
        steps, batch = int(row["steps"]), int(row["batch_tokens"])
        if row["kind"] == "supervised":
            assert int(row["num_tokens"]) == steps * batch
            assert not row["num_student_params"]
            assert not row["teacher_loss"]
        else:
            teacher = rows[row["teacher"]]
            assert int(row["num_student_tokens"]) == steps * batch
            assert row["teacher_loss"] == teacher["loss"]
            assert row["num_teacher_params"] == teacher["num_params"]
            assert row["num_teacher_tokens"] == teacher["num_tokens"]
            assert (row["half"], teacher["half"]) == ("student", "teacher")
            assert not row["num_params"]
        facts = json.loads((lab[0] / "corpus" / "corpus.json").read_text())
        assert row["corpus_sha256"] == facts["sha256"]


@pytest.mark.slow
def test_a_sweep_resumes_and_gives_the_same_losses(lab, tmp_path):
    folder, path = lab
    lines = path.read_text().splitlines(keepends=True)
    partial = tmp_path / "runs.csv"
    partial.write_text("".join(lines[:-1]))
    dry = within("sweep", "smoke", "--dry-run", "--out", folder, "--table", partial)
    assert "1 to do" in dry
    assert partial.read_text() == "".join(lines[:-1])

    runlab("sweep", "smoke", "--workers", 1, "--out", folder, "--table", partial)
    before = {row["run"]: float(row["loss"]) for row in table.read(path)}
    after = {row["run"]: float(row["loss"]) for row in table.read(partial)}
    assert before.keys() == after.keys()
    for name, loss in before.items():
        # one run of a group may be trained alone: another program, the same sums up to rounding
        assert after[name] == pytest.approx(loss, abs=1e-4)


@pytest.mark.slow
def test_a_row_is_trained_again_from_its_settings(lab):
    folder, path = lab
    name = "s-d16-20-from-t-d8-30"
    (folder / "weights" / "t-d8-30.npz").unlink()  # the teacher is trained again too
    said = runlab("retrain", name, "--out", folder, "--table", path).stdout.splitlines()
    assert [line.split(":")[0] for line in said] == ["t-d8-30", name]
    assert all(abs(float(line.split()[-1])) < 1e-4 for line in said)


def test_the_bundled_table_takes_no_smoke():
    result = CliRunner().invoke(main, ["sweep", "smoke"])
    assert result.exit_code == 2
    assert "write them to another --table" in result.output
