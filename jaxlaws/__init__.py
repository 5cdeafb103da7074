"""Differentiable scaling laws: fit them to your runs, plan with them, and decide."""

from jaxlaws.foundations.errors import DataError, NotSolvedError
from jaxlaws.foundations.law import Law, fix_inputs
from jaxlaws.saving import load, save

__all__ = ["DataError", "Law", "NotSolvedError", "fix_inputs", "load", "save"]
__version__ = "0.1.0"
