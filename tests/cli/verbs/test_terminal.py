"""What a terminal of 80 columns shows: whole numbers, units, and statuses that matter."""

import re
import time

import pytest

from jaxlaws.cli.output import progress, waiting_times

SWEEP = ["plan", "train", "--law", "besiroglu2024", "--flops"]
EXAMPLES = [  # of the README
    ["presets", "busbridge2025"],
    ["predict", "--law", "busbridge2025", "--student", "1B", "--tokens", "20B",
     "--teacher-loss", "2.2"],
    [*SWEEP, "1e20:1e24:9"],
    ["plan", "compare", "--law", "busbridge2025", "--flops", "1e21", "--student", "300M"],
]  # fmt: skip


@pytest.mark.parametrize("arguments", EXAMPLES, ids=" ".join)
def test_every_number_is_whole_in_80_columns(run, monkeypatch, arguments):
    piped = run(*arguments).out
    monkeypatch.setenv("COLUMNS", "80")
    shown = run(*arguments).out
    assert max(map(len, shown.splitlines())) <= 80
    numbers = re.compile(r"\d[\d.]*(?:e\d+)?[KMBT%]?")
    assert set(numbers.findall(piped)) == set(numbers.findall(shown))


def test_notes_and_errors_take_several_lines_in_a_terminal(run, monkeypatch, tmp_path):
    table = tmp_path / "runs.csv"
    table.write_text("params,tokens,loss\n1e8,2e9,3.1\n2e8,nan,2.9\n4e8,8e9,2.7\n")
    wrong = ["fit", str(table), "--law", "chinchilla"]
    usage = ["plan", "compare", "--flops", "1e20", "--teacher", "1B"]
    long = [run(*each).err for each in (wrong, usage)]
    monkeypatch.setenv("COLUMNS", "80")
    short = [run(*each).err for each in (wrong, usage)]
    assert all(max(map(len, each.splitlines())) > 80 for each in long)
    for one, other in zip(long, short, strict=True):
        broken = [each for each in other.splitlines() if len(each) > 80]
        assert all(" " not in each.removeprefix("Error: ") for each in broken)  # such as a path
        assert other.split() == one.split()


@pytest.mark.parametrize("words", [["--help"], ["plan", "--help"]])
def test_no_sentence_of_a_list_of_verbs_is_cut(run, words):
    listed = run(*words).out.partition("Commands:")[2]
    assert "..." not in listed
    assert listed.count(".") >= 6


def test_a_file_that_is_missing_is_named_without_the_number_of_the_error(refused):
    message = refused("fit", "nofile.csv")
    assert message.endswith("Error: nofile.csv: No such file or directory\n")


def test_a_loss_has_its_unit(run):
    assert "loss (nats)" in run(*SWEEP, "1e20:1e24:9").out
    assert re.search(r"loss \(nats\) +\d\.\d{4}", run(*SWEEP, "5.76e23").out)


def test_a_status_is_shown_where_a_plan_is_no_solution(run):
    assert "status" not in run(*SWEEP, "1e20:1e24:9").out
    out = run(*SWEEP, "1e3:1e21:2").out
    assert "status" in out
    assert "INFEASIBLE" in out


def test_a_message_follows_what_takes_long(monkeypatch, capsys):
    monkeypatch.setattr(progress, "_SECONDS", 0.01)
    with progress.patience("thinking …"):
        time.sleep(0.1)
    assert re.fullmatch(r"thinking … 0 s\n", capsys.readouterr().err)
    monkeypatch.setattr(progress, "_SECONDS", 60)
    with progress.patience("thinking …"):
        pass
    with progress.patience("fitting …", at_once=True):
        pass
    assert capsys.readouterr().err == "fitting …\n"


def test_expected_times_follow_what_was_measured_on_this_machine(monkeypatch, tmp_path):
    monkeypatch.setenv("JAXLAWS_CACHE", str(tmp_path))
    message = "fitting chinchilla to runs.csv …"
    assert waiting_times.corrected(message, 10.0) == 10.0
    waiting_times.measured(message, 10.0, 40.0)
    assert waiting_times.corrected("[2/5] fitting chinchilla again …", 5.0) == pytest.approx(20.0)
    waiting_times.measured(message, 10.0, 10.0)
    assert waiting_times.corrected(message, 10.0) == pytest.approx(20.0)
    assert waiting_times.corrected("planning with 5 draws …", 10.0) == 10.0
    for broken in ("[1]", "nonsense", '{"fitting chinchilla": "x"}', '{"fitting chinchilla": 1e9}'):
        (tmp_path / "waiting_times.json").write_text(broken)
        assert waiting_times.corrected(message, 10.0) == 10.0


def test_a_wait_is_measured_and_no_cache_keeps_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("JAXLAWS_CACHE", str(tmp_path))
    with progress.patience("sleeping a little …", expected=1000.0):
        pass
    assert waiting_times.corrected("sleeping a little …", 1000.0) == pytest.approx(10.0)
    monkeypatch.setenv("JAXLAWS_CACHE", "")
    waiting_times.measured("sleeping a little …", 1.0, 50.0)
    assert waiting_times.corrected("sleeping a little …", 1000.0) == 1000.0
