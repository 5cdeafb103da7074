"""`--help` of every verb: options that are described, and an example that works."""

import csv
import shlex
import subprocess
import sys

import click
import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.cli.main import main


def verbs(group, path=()):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from verbs(command, (*path, name))
        else:
            yield pytest.param(command, id=" ".join((*path, name)))


VERBS = list(verbs(main))


def example(command):
    head, text = command.epilog.split("Example:\n")
    assert head.strip("\b\n") == ""
    program, *arguments = shlex.split(text)
    assert program == "jaxlaws"
    return arguments


@pytest.mark.parametrize("command", VERBS)
def test_every_option_is_described(command):
    assert command.help.split("\n\n")[0].endswith(".")
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert (parameter.help or "").endswith("."), parameter.name


@pytest.mark.parametrize("command", VERBS)
def test_the_example_is_the_last_of_the_help_and_its_options_exist(command, run):
    arguments = example(command)
    group, own = main, list(arguments)
    while isinstance(group, click.Group):
        group = group.commands[own.pop(0)]
    assert group is command
    command.make_context(command.name, list(own))
    path = arguments[: len(arguments) - len(own)]
    shown = shlex.split(run(*path, "--help").out.rpartition("Example:")[2])
    assert shown == ["jaxlaws", *arguments]


@pytest.mark.slow
def test_the_examples_work(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    law = presets.load("besiroglu2024")
    sizes, tokens = np.meshgrid(np.geomspace(1e8, 1e10, 6), np.geomspace(2e9, 2e11, 5))
    losses = np.asarray(law.loss(num_params=sizes, num_tokens=tokens))
    losses = losses * np.exp(5e-4 * np.random.default_rng(1).normal(size=losses.shape))
    for name in ("loss", "final_loss"):
        with (tmp_path / f"{name}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["num_params", "num_tokens", name])
            writer.writerows(zip(sizes.ravel(), tokens.ravel(), losses.ravel(), strict=True))
    for parameters in VERBS:
        (command,) = parameters.values
        if command.name == "explore":  # it serves until it is stopped: tests/cli/explorer
            continue
        of_fit = ("fit", "influence", "next-runs", "replan", "report")
        name = "final_loss" if command.name in of_fit else "loss"
        for table in ("my_runs.csv", "runs.csv"):
            (tmp_path / table).write_text((tmp_path / f"{name}.csv").read_text())
        if command.name == "replan":
            plan = run("plan", "train", "--law", "fit.json", "--flops", "1e21", "--json").out
            (tmp_path / "plan.json").write_text(plan)
        assert run(*example(command)).code == 0, command.name


def test_help_does_not_import_jax():
    program = (
        "import sys; from jaxlaws.cli.main import main; main(['--help'], standalone_mode=False)"
    )
    program += "; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True).returncode == 0
