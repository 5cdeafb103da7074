"""The fuzzer finds each kind of fault."""

from pathlib import Path

import click
import pytest

from experiments.fuzz import watch


@pytest.fixture
def inputs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = Path("runs.csv")
    path.write_bytes(b"a,b\n")
    return {path: b"a,b\n"}


def fails(message):
    click.echo(message, err=True)
    raise SystemExit(2)


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        (lambda: click.echo("fine"), None),
        (lambda: fails("Error: the table is empty"), None),
        (lambda: 1 / 0, "traceback ZeroDivisionError"),
        (lambda: Path("runs.csv").write_text(""), "an input was changed"),
        (lambda: Path("runs.csv").unlink(), "an input was changed"),
        (lambda: Path(".out.csv.abc.tmp").touch(), "a temporary file is left"),
        (lambda: fails("no message"), "not one message"),
        (lambda: fails("Error: one\nError: two"), "not one message"),
        (lambda: (click.echo("half a table"), fails("Error: one")), "output beside an error"),
        (lambda: click.echo("divide by zero encountered in log", err=True), "a message for"),
        (lambda: exec("raise SystemExit(3)"), "exit status 3"),
    ],
)
def test_each_fault_is_found(inputs, monkeypatch, behaviour, kind):
    monkeypatch.setattr(watch, "main", lambda _: behaviour())
    fault = watch.run([], inputs)
    assert fault is None if kind is None else fault is not None and fault.kind.startswith(kind)


def test_a_slow_command_counts_only_if_it_is_slow_again(inputs, monkeypatch):
    monkeypatch.setattr(watch, "MOST_SECONDS", -1.0)
    monkeypatch.setattr(watch, "main", lambda _: None)
    fault = watch.run([], inputs)
    assert fault is not None
    assert fault.kind == "slow"
