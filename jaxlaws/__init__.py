"""Differentiable scaling laws: fit them to your runs, plan with them, and decide."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from jaxlaws.foundations.installation import check_fitting

if TYPE_CHECKING:
    from jaxlaws.foundations.errors import DataError, NotSolvedError
    from jaxlaws.foundations.law import Law, fix_inputs
    from jaxlaws.saving import load, save

# Imported when first used, so that `jaxlaws --help` does not wait for JAX.
_MODULE_OF = {
    "DataError": "foundations.errors",
    "Law": "foundations.law",
    "NotSolvedError": "foundations.errors",
    "fix_inputs": "foundations.law",
    "load": "saving",
    "save": "saving",
}

__all__ = ["DataError", "Law", "NotSolvedError", "fix_inputs", "load", "save"]
__version__ = "0.1.0"

check_fitting(Path(__file__).resolve().parents[1])


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'jaxlaws' has no attribute {name!r}")
    return getattr(import_module(f"jaxlaws.{_MODULE_OF[name]}"), name)
