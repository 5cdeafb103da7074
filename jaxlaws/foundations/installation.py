"""A check of the installation: another package named `fitting` must not be in the way."""

from importlib.util import find_spec
from pathlib import Path

_REMEDY = (
    "jaxlaws has a package of its own with this name, so both cannot be installed in one "
    "environment. Use an environment of its own for jaxlaws, or run: "
    "pip uninstall fitting, and then pip install --force-reinstall --no-deps jaxlaws"
)


def check_fitting(folder: Path) -> None:
    """Check that `import fitting` gives the package of jaxlaws.

    PyPI has an unrelated project named `fitting`.

    Args:
        folder: the folder in which `jaxlaws` and `fitting` are installed.

    Raises:
        ImportError: another package is found first, or is installed into the same folder.
    """
    for each in folder.glob("fitting-*.*-info"):
        name = each.name.rpartition(".")[0].replace("-", " ")
        raise ImportError(f"the unrelated package {name} is installed in {folder}: {_REMEDY}")
    found = find_spec("fitting")
    if found is not None and found.origin and Path(found.origin).parent != folder / "fitting":
        raise ImportError(f"an unrelated package 'fitting' is found at {found.origin}: {_REMEDY}")
