"""The outputs that pages show in excerpts are those of the commands above them."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from jaxlaws.cli.main import main

DOCS = Path(__file__).parents[2] / "docs"
EXCERPT = re.compile(r"^```text\n\$ jaxlaws ((?:.*\\\n)*.*)\n((?:.+\n)+)```$", re.M)
EXCERPTS = [
    pytest.param(*found, id=f"{page.stem}-{found[0].split(chr(10))[0][:60]}")
    for page in sorted(DOCS.rglob("*.md"))
    for found in EXCERPT.findall(page.read_text(encoding="utf-8"))
]


@pytest.mark.slow
@pytest.mark.parametrize(("command", "shown"), EXCERPTS)
def test_an_excerpt_is_in_the_output(command, shown):
    ran = CliRunner().invoke(main, shlex.split(command.replace("\\\n", " ")), env={"COLUMNS": "80"})
    assert ran.exit_code == 0, ran.output
    output = " ".join(ran.output.split())
    assert [each for each in shown.splitlines() if " ".join(each.split()) not in output] == []


def test_there_are_excerpts():
    assert len(EXCERPTS) > 5
