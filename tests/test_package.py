"""What importing the package does, and does not do."""

import subprocess
import sys

import pytest

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
