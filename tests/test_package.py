"""What importing the package does, and does not do."""

import subprocess
import sys
from pathlib import Path

import pytest

from jaxlaws.foundations.installation import check_fitting

ROOT = Path(__file__).resolve().parents[1]
QUIET = """
import jax, sys
flags = dict(jax.config.values)
import {module}
assert dict(jax.config.values) == flags, "a JAX flag was changed"
heavy = {{"matplotlib", "pandas", "polars", "pyarrow", "narwhals", "rich", "click"}}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""


def test_fitting_gives_what_it_names_and_leaves_the_planner_for_later():
    code = """
import sys, types
import fitting
assert "jaxlaws.planning" not in sys.modules
for name in fitting.__all__:
    assert not isinstance(getattr(fitting, name), types.ModuleType), name
assert not hasattr(fitting, "no_such_name")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", ["jaxlaws", "jaxlaws.presets", "jaxlaws.planning", "fitting"])
def test_import_changes_no_flag_and_loads_nothing_heavy(module):
    code = QUIET.format(module=module)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_another_package_named_fitting_is_named_at_import(tmp_path):
    (tmp_path / "fitting").mkdir()
    (tmp_path / "fitting" / "__init__.py").touch()
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import jaxlaws"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"'fitting' is found at {tmp_path / 'fitting' / '__init__.py'}" in done.stderr
    assert "pip uninstall fitting" in done.stderr


def test_another_package_named_fitting_in_the_same_folder_is_named(tmp_path):
    (tmp_path / "fitting-1.0.6.dist-info").mkdir()
    with pytest.raises(ImportError, match=r"package fitting 1\.0\.6 is installed in"):
        check_fitting(tmp_path)
    check_fitting(ROOT)


def test_the_package_runs_as_a_module():
    command = [sys.executable, "-m", "jaxlaws", "presets", "besiroglu2024"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "482.01" in done.stdout
