"""Differentiable scaling laws: fit them to your runs, plan with them, and decide."""

from jaxlaws.saving import load, save

__all__ = ["load", "save"]
__version__ = "0.1.0"
