"""From observed runs to the coefficients of a law, and what the runs leave open."""

from fitting.estimation import fit
from fitting.objectives import Huber
from fitting.results import FitResult
from fitting.runs import Runs, bundled_runs
from fitting.status import Status
from fitting.validation import HoldOut, hold_out
from fitting.weak_design import WeakDesignWarning

__all__ = [
    "FitResult",
    "HoldOut",
    "Huber",
    "Runs",
    "Status",
    "WeakDesignWarning",
    "bundled_runs",
    "fit",
    "hold_out",
]
