"""Laws of the user's own: their classes, from the files and modules named on the command line."""

import importlib
import importlib.util
import sys
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from jaxlaws.foundations.law import Law


LAW_FILES = "jaxlaws.law_files"  # key of `click.Context.meta`: the files of imported modules


def import_law_module(name: str) -> ModuleType:
    """Import a file (`my_laws.py`) or a module (`my_package.my_laws`) that defines laws.

    The folder of the file, or for a module the current folder, comes last in the module search
    path, so that it hides no installed module.

    Raises:
        UsageError: there is no such file or module, its name is in use, or it is not valid Python.
    """
    path = Path(name)
    is_file = path.suffix == ".py" or len(path.parts) > 1
    if is_file and not path.is_file():
        raise click.UsageError(f"there is no file {name!r}")
    folder = str(path.parent.resolve() if is_file else Path.cwd())
    if folder not in sys.path:
        sys.path.append(folder)
    importlib.invalidate_caches()
    module_name = path.stem if is_file else name
    if is_file:
        _check_name(path, module_name)
    try:
        return importlib.import_module(module_name)
    except SyntaxError as error:
        raise click.UsageError(f"{error.filename}, line {error.lineno}: {error.msg}") from None
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise  # the module exists, and imports another module that does not
        raise click.UsageError(f"there is no module {name!r}; a file is named {name}.py") from None


def _check_name(path: Path, name: str) -> None:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None or Path(found.origin).resolve() != path.resolve():
        other = "" if found is None else f": {found.origin} has the same name"
        raise click.UsageError(f"cannot import {path} as the module {name!r}{other}. Rename it")


def law_class_named(text: str) -> "type[Law]":
    """The class of a law that is named `my_laws.py:MyLaw` or `my_package.my_laws:MyLaw`.

    Raises:
        UsageError: the file, the module or the class does not exist, or the class is not a law.
    """
    from jaxlaws.pytree import LAW_CLASSES

    module_name, _, class_name = text.rpartition(":")
    module = import_law_module(module_name)
    here = [name for name, value in vars(module).items() if value in LAW_CLASSES]
    listed = f"its laws are {', '.join(here)}" if here else "it defines no law"
    if not hasattr(module, class_name):
        close = get_close_matches(class_name, here, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise click.UsageError(f"{module_name} has no class {class_name!r}; {hint}{listed}")
    if class_name not in here:
        raise click.UsageError(
            f"{class_name!r} of {module_name} is not a law; {listed}. A law is a class under "
            "@pytree with a method `loss` under @prediction"
        )
    return getattr(module, class_name)


def _import_each(ctx: click.Context, _: click.Parameter, names: tuple[str, ...]) -> None:
    files = [import_law_module(name).__file__ for name in names]
    ctx.meta[LAW_FILES] = [file for file in files if file is not None]


law_module_option = click.option(
    "--law-module",
    multiple=True,
    metavar="FILE",
    expose_value=False,
    is_eager=True,
    callback=_import_each,
    help="Python file or module that defines your law, where --law is a fit or a preset of it. "
    "Repeatable.",
)
