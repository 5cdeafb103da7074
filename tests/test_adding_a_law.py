"""The page `docs/adding_a_law.md`, done as a reader does it: its files, sessions and commands."""

import doctest
import importlib
import re
import shlex
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from jaxlaws.cli.main import main

PAGE = (Path(__file__).parents[1] / "docs" / "adding_a_law.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```$", PAGE, re.M | re.S)


@pytest.mark.filterwarnings("ignore::fitting.data.design_checks.WeakDesignWarning")
def test_the_page_works_from_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    files = {title: text for _, title, text in BLOCKS if title}
    assert set(files) == {"my_laws.py", "test_my_laws.py"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    try:
        run_session("".join(text for kind, title, text in BLOCKS if kind == "python" and not title))
        for command in "".join(text for kind, _, text in BLOCKS if kind == "bash").splitlines():
            run_command(command)
        tests = importlib.import_module("test_my_laws")
        for name in [name for name in vars(tests) if name.startswith("test_")]:
            getattr(tests, name)()
    finally:
        for name in ("my_laws", "test_my_laws"):
            sys.modules.pop(name, None)


def run_session(text):
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    session = doctest.DocTestParser().get_doctest(text, {}, "adding_a_law", None, None)
    reported = []
    failed, tried = doctest.DocTestRunner(optionflags=options).run(session, out=reported.append)
    assert tried > 20
    assert not failed, "".join(reported)


def run_command(command):
    name, *arguments = shlex.split(command)
    assert name == "jaxlaws"
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, f"{command}\n{done.output}"
