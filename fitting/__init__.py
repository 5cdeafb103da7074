"""From observed runs to the coefficients of a law, and what the runs leave open."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fitting.estimation import fit
from fitting.grouped import fit_groups
from fitting.objectives import AsymmetricHuber, Huber, LogSquares, Squares, StudentT
from fitting.priors import LogNormal, Normal, Prior
from fitting.results import FitResult
from fitting.runs import Runs, bundled_runs
from fitting.status import Status
from fitting.validation import HoldOut, hold_out
from fitting.weak_design import WeakDesignWarning

if TYPE_CHECKING:
    from fitting.cross_validation import k_fold, leave_one_group_out, roll_out
    from fitting.curvature import laplace
    from fitting.downstream import fit_error, predict_error
    from fitting.envelope import scaling_of_envelope
    from fitting.isoflop import isoflop_profiles, scaling_of_profiles
    from fitting.metrics import ExponentialError, SigmoidError
    from fitting.model_comparison import compare_laws
    from fitting.optimal_scaling import scaling_of_fit, scaling_table
    from fitting.profile_likelihood import profile

# Imported when first asked for: a fit needs none of them, and they bring the planner along.
_LATER = {
    "ExponentialError": "metrics",
    "SigmoidError": "metrics",
    "compare_laws": "model_comparison",
    "fit_error": "downstream",
    "isoflop_profiles": "isoflop",
    "k_fold": "cross_validation",
    "laplace": "curvature",
    "leave_one_group_out": "cross_validation",
    "predict_error": "downstream",
    "profile": "profile_likelihood",
    "roll_out": "cross_validation",
    "scaling_of_envelope": "envelope",
    "scaling_of_fit": "optimal_scaling",
    "scaling_of_profiles": "isoflop",
    "scaling_table": "optimal_scaling",
}

__all__ = [
    "AsymmetricHuber",
    "ExponentialError",
    "FitResult",
    "HoldOut",
    "Huber",
    "LogNormal",
    "LogSquares",
    "Normal",
    "Prior",
    "Runs",
    "SigmoidError",
    "Squares",
    "Status",
    "StudentT",
    "WeakDesignWarning",
    "bundled_runs",
    "compare_laws",
    "fit",
    "fit_error",
    "fit_groups",
    "hold_out",
    "isoflop_profiles",
    "k_fold",
    "laplace",
    "leave_one_group_out",
    "predict_error",
    "profile",
    "roll_out",
    "scaling_of_envelope",
    "scaling_of_fit",
    "scaling_of_profiles",
    "scaling_table",
]


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'fitting' has no attribute {name!r}")
    return getattr(import_module(f"fitting.{_LATER[name]}"), name)
