"""The shape of the code base: small rooms, small files, few `Any`, and names that do not clash."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("jaxlaws", "fitting")
FILES = sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
FOLDERS = sorted({path.parent for path in FILES})

# Users import `pytree` from `jaxlaws.pytree`, and the console script starts `main`. No package
# re-exports these functions, so that no import order can exchange function and module.
_SAME_NAME = {"jaxlaws/pytree.py", "jaxlaws/cli/main.py"}


def _path(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("folder", FOLDERS, ids=_path)
def test_a_folder_has_at_most_14_entries(folder):
    of_python = {"__init__.py", "__main__.py", "__pycache__", "py.typed"}
    entries = [entry for entry in folder.iterdir() if entry.name not in of_python]
    assert len(entries) <= 14, sorted(entry.name for entry in entries)


@pytest.mark.parametrize("path", FILES, ids=_path)
def test_a_file_has_at_most_300_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("path", FILES, ids=_path)
def test_no_module_has_the_name_of_a_function_that_it_contains(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert (path.stem in names) == (_path(path) in _SAME_NAME)


def test_the_init_file_of_a_room_is_one_docstring_that_says_what_the_room_may_import():
    rooms = [
        folder
        for top in ("jaxlaws/planning", "jaxlaws/cli", "fitting")
        for folder in FOLDERS
        if folder.parent == ROOT / top
    ]
    assert len(rooms) >= 18
    for room in rooms:
        tree = ast.parse((room / "__init__.py").read_text(encoding="utf-8"))
        text = ast.get_docstring(tree)
        assert "import" in (text or ""), room
        others = tree.body[1:]
        if _path(room) == "jaxlaws/planning/solver":  # the one room that re-exports names
            assert all(isinstance(node, (ast.ImportFrom, ast.Assign)) for node in others)
        else:
            assert not others, room


def test_few_lines_say_any():
    lines = [line for path in FILES for line in path.read_text(encoding="utf-8").splitlines()]
    assert sum(bool(re.search(r"\bAny\b", line)) for line in lines) <= 150


def test_tests_have_the_same_rooms():
    for top in ("planning", "fitting"):
        package = ROOT / ("jaxlaws" if top == "planning" else "") / top
        rooms = {folder.name for folder in FOLDERS if folder.parent == package}
        tested = {
            folder.name
            for folder in (ROOT / "tests" / top).iterdir()
            if folder.is_dir() and any(folder.glob("test_*.py"))
        }
        assert tested == rooms
