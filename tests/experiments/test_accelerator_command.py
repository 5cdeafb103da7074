"""`python -m experiments.benchmarks.accelerator`: what it writes, also of what it leaves out."""

import json

import pytest
from click.testing import CliRunner

from experiments.benchmarks.accelerator import __main__ as command
from experiments.benchmarks.accelerator.measurements import MEASUREMENTS
from experiments.benchmarks.accelerator.rows import Row


def measured(tmp_path, *arguments):
    ran = CliRunner().invoke(command.main, [*arguments, "-o", str(tmp_path)])
    assert ran.exit_code == 0, ran.output
    document = json.loads((tmp_path / "accelerator_cpu.json").read_text())
    table = (tmp_path / "accelerator_cpu.md").read_text()
    assert document["device"] in table
    for row in document["rows"]:
        assert row["what"] in table
    return {row["what"]: row["value"] for row in document["rows"]}


def test_without_time_it_names_all_that_is_missing(tmp_path):
    rows = measured(tmp_path, "--seconds", "0")
    assert rows == dict.fromkeys(MEASUREMENTS, "not measured: no time left")
    for missing in ("distill, jit(vmap), float32", "draws and budgets", "host CPU: fit, bootstrap"):
        assert missing in rows


def test_losses_of_all_presets_are_those_of_the_cpu(tmp_path):
    rows = measured(tmp_path, "--only", "laws against the CPU")
    (found,) = (value for what, value in rows.items() if what.startswith("losses of 1"))
    assert found == 0  # the device is the CPU


@pytest.mark.parametrize("error", [ModuleNotFoundError("no optimistix"), RuntimeError("no memory")])
def test_after_an_error_the_rows_before_it_stay_and_the_next_measurement_runs(
    tmp_path, monkeypatch, error
):
    def fails(limits):
        yield Row("first", 1.0, "s")
        written = json.loads((tmp_path / "accelerator_cpu.json").read_text())
        assert [row["what"] for row in written["rows"]] == ["first"]  # a kill would lose nothing
        raise error

    def works(limits):
        yield Row("second", limits.largest)

    monkeypatch.setattr(command, "MEASUREMENTS", {"one": fails, "two": works})
    rows = measured(tmp_path, "--largest", "5")
    assert rows["first"] == 1.0
    assert rows["second"] == 5
    assert f"not measured: {type(error).__name__}: {error}" in rows["one: further rows"]
