"""From observed runs to the coefficients of a law, and what the runs leave open."""

from fitting.estimation import fit
from fitting.grouped import fit_groups
from fitting.objectives import AsymmetricHuber, Huber, LogSquares, Squares, StudentT
from fitting.priors import LogNormal, Normal, Prior
from fitting.results import FitResult
from fitting.runs import Runs, bundled_runs
from fitting.status import Status
from fitting.validation import HoldOut, hold_out
from fitting.weak_design import WeakDesignWarning

__all__ = [
    "AsymmetricHuber",
    "FitResult",
    "HoldOut",
    "Huber",
    "LogNormal",
    "LogSquares",
    "Normal",
    "Prior",
    "Runs",
    "Squares",
    "Status",
    "StudentT",
    "WeakDesignWarning",
    "bundled_runs",
    "fit",
    "fit_groups",
    "hold_out",
]
