"""`docs/api.md` documents the public names, and only those."""

import importlib
import re
from pathlib import Path

import pytest

API = Path(__file__).parents[1] / "docs" / "api.md"


def documented(package):
    """The names in the tables of the section of a package; None if there is no such section."""
    sections = re.split(r"^## ", API.read_text(), flags=re.MULTILINE)
    for section in sections:
        if section.startswith(f"`{package}`"):
            return re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)
    return None


@pytest.mark.parametrize("package", ["fitting", "jaxlaws.planning"])
def test_the_documented_names_are_the_public_ones(package):
    names, public = documented(package), importlib.import_module(package).__all__
    if names is None:
        pytest.skip(f"docs/api.md has no section `{package}` yet; this check begins with it")
    assert len(names) == len(set(names))
    assert sorted(names) == sorted(public)


@pytest.mark.parametrize("package", ["fitting", "jaxlaws.planning"])
def test_every_public_name_can_be_imported(package):
    module = importlib.import_module(package)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
