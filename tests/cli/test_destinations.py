"""What a command may write: never its input, and no file of another kind without --force."""

import os
import signal
import stat
import subprocess
import sys
import time

import numpy as np
import pytest

import jaxlaws
from fitting import Runs, fit
from jaxlaws import presets
from jaxlaws.cli.output.destinations import LAWS, PICTURES, check_destination
from jaxlaws.laws.chinchilla import Chinchilla

ROWS = "num_params,num_tokens,loss\n" + "".join(
    f"{n:g},{d:g},{1.8 + 420 / n**0.34 + 900 / d**0.32:.5f}\n"
    for n in (1e8, 4e8, 2e9)
    for d in (2e9, 2e10, 1e11)
)
TEACHERS = "name,num_teacher_params,teacher_loss\na,7B,2.1\nb,30B,2.0\n"
LAW_CODE = """
from jaxlaws.inputs import prediction
from jaxlaws.pytree import positive, pytree

@pytree
class Plain:
    E: float = positive()

    @prediction
    def loss(self, *, num_params, num_tokens):
        return self.E + 0 * num_params
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with an input of each kind, which is the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs.csv").write_text(ROWS)
    (tmp_path / "teachers.csv").write_text(TEACHERS)
    (tmp_path / "plain_law_of_tests.py").write_text(LAW_CODE)
    jaxlaws.save(presets.load("besiroglu2024"), tmp_path / "law.json")
    fit(Chinchilla, Runs.read("runs.csv"), num_starts=16).save("fit.json")
    return tmp_path


TRAIN = ("plan", "train", "--flops", "1e20:1e22:3")
RANK = ("plan", "distill", "--student", "1B", "--flops", "1e21", "--teachers")
WRITES_ITS_INPUT = [
    (("fit", "runs.csv", "-o"), "runs.csv"),
    (("fit", "runs.csv", "--freeze", "supervised=law.json", "-o"), "law.json"),
    (("fit", "runs.csv", "--law-module", "plain_law_of_tests.py", "-o"), "plain_law_of_tests.py"),
    (("fit", "runs.csv", "--law", "plain_law_of_tests.py:Plain", "-o"), "plain_law_of_tests.py"),
    (("report", "fit.json", "-o"), "fit.json"),
    (("report", "fit.json", "--table", "runs.csv", "-o"), "runs.csv"),
    ((*RANK, "teachers.csv", "-o"), "teachers.csv"),
    (("plan", "train", "--law", "law.csv", "--flops", "1e21", "-o"), "law.csv"),
    (("validate", "runs.svg", "--roll-out", "flops", "--figure"), "runs.svg"),
]


@pytest.mark.parametrize(("arguments", "path"), WRITES_ITS_INPUT)
def test_a_command_never_writes_to_its_input(refused, folder, arguments, path):
    if not (folder / path).exists():
        (folder / path).write_text(ROWS)
    os.link(path, folder / f"hard_{path}")
    (folder / f"soft_{path}").symlink_to(path)
    (folder / "sub").mkdir()
    before = (folder / path).read_bytes()
    for name in (path, f"./sub/../{path}", folder / path, f"hard_{path}", f"soft_{path}"):
        for force in ((), ("--force",)):
            assert "the command reads" in refused(*arguments, name, *force)
    assert (folder / path).read_bytes() == before
    assert (folder / f"soft_{path}").is_symlink()


@pytest.mark.parametrize(
    ("arguments", "content", "message"),
    [
        ((*TRAIN, "-o", "old.svg"), ROWS, "is a table, but the command writes an SVG picture"),
        ((*TRAIN, "-o", "old.csv"), "<svg></svg>", "is an SVG picture"),
        ((*TRAIN, "-o", "old.png"), "<!doctype html>", "is an HTML page"),
        (("fit", "runs.csv", "-o", "old.json"), '{"name": "package"}', "is JSON other than"),
        (("fit", "runs.csv", "-o", "old.csv"), ROWS, "is a table, but the command writes a saved"),
        (("fit", "runs.csv", "-o", "old.txt"), "A letter.", "a file that this command does not"),
        (
            ("report", "fit.json", "-o", "old.md"),
            "# Notes",
            "writes a report in Markdown",
        ),
        (("report", "fit.json", "-o", "old.html"), "\0\1\2", "a file that this command does not"),
    ],
)
def test_a_file_of_another_kind_is_kept(refused, folder, arguments, content, message):
    old = folder / arguments[-1]
    old.write_text(content)
    reported = refused(*arguments)
    assert message in reported
    assert "--force" in reported
    assert old.read_text() == content


def test_force_replaces_a_file_of_another_kind(run, folder):
    (folder / "plans.svg").write_text(ROWS)
    (folder / "plans.svg").chmod(0o444)
    assert run(*TRAIN, "-o", "plans.svg", "--force").code == 0
    assert "<svg" in (folder / "plans.svg").read_text()


def test_a_file_of_the_same_kind_is_replaced_and_keeps_its_permissions(run, folder):
    (folder / "plans.csv").write_text(ROWS)
    (folder / "plans.csv").chmod(0o600)
    assert run(*TRAIN, "-o", "plans.csv").code == 0
    assert "asked.flops" in (folder / "plans.csv").read_text()
    assert stat.S_IMODE((folder / "plans.csv").stat().st_mode) == 0o600


def test_the_target_of_a_link_is_written_and_the_link_stays(run, folder):
    (folder / "other").mkdir()
    (folder / "plans.csv").symlink_to("other/target.csv")
    for _ in range(2):  # the target does not exist, then it does
        assert run(*TRAIN, "-o", "plans.csv").code == 0
        assert (folder / "plans.csv").is_symlink()
        assert "asked.flops" in (folder / "other" / "target.csv").read_text()


@pytest.mark.parametrize(
    ("arguments", "option", "name"),
    [
        (("fit", "runs.csv"), "-o", "fit2.json"),
        (("report", "fit.json"), "-o", "page.html"),
        (TRAIN, "-o", "plans.csv"),
        (("validate", "runs.csv", "--roll-out", "flops"), "--figure", "roll.png"),
    ],
)
def test_a_folder_that_cannot_be_written_to_is_reported_before_any_work(
    refused, folder, monkeypatch, arguments, option, name
):
    monkeypatch.setattr("fitting.fit", None)
    monkeypatch.setattr("fitting.roll_out", None)
    monkeypatch.setattr("jaxlaws.cli.answers.pipeline.find", None)
    monkeypatch.setattr("fitting.FitResult.load", None)
    assert "there is no folder" in refused(*arguments, option, f"gone/{name}")
    (folder / "a_file").write_text("x")
    assert "there is no folder" in refused(*arguments, option, f"a_file/{name}")
    assert "cannot be written to" in refused(*arguments, option, f"/proc/{name}")
    (folder / name).mkdir()
    assert "is not a file" in refused(*arguments, option, name)


def test_a_text_that_is_too_long_for_the_name_of_a_file_is_not_an_input(refused, tmp_path):
    asked = ("fit", tmp_path / "runs.csv", "--law", "x" * 300, "-o", tmp_path / "fit.json")
    assert "no law 'xxx" in refused(*asked)


def test_a_device_is_not_replaced():
    with pytest.raises(OSError, match="is not a file"):
        check_destination("/dev/null", LAWS, [])


def test_a_read_only_file_is_kept(tmp_path):
    path = tmp_path / "a.svg"
    path.write_text("<svg></svg>")
    path.chmod(0o444)
    with pytest.raises(OSError, match="read-only"):
        check_destination(str(path), PICTURES, [])
    check_destination(str(path), PICTURES, [], force=True)


def test_the_demo_keeps_files_of_others(refused, tmp_path):
    (tmp_path / "report.md").write_text("# My report\n")
    assert "report.md" in refused("demo", "-o", tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["report.md"]
    (tmp_path / "file").write_text("")
    assert "file" in refused("demo", "-o", tmp_path / "file")


_WRITER = """
import sys
from jaxlaws.cli.output.files import write_text
text = sys.argv[2] * 40_000_000
print("ready", flush=True)
while True:
    write_text(sys.argv[1], text)
"""


def test_a_killed_writer_leaves_a_whole_file(tmp_path):
    path = tmp_path / "page.html"
    for wait in np.linspace(0.01, 0.2, 5):
        path.write_text("old")
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER, path, "n"], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(wait)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        assert len(path.read_text()) in (3, 40_000_000)
