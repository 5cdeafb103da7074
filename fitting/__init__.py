"""From observed runs to the coefficients of a law, and what the runs leave open."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fitting.data.bundled_table import bundled_runs
from fitting.data.design_checks import WeakDesignWarning
from fitting.data.runs import Runs
from fitting.estimation.grouped_fit import fit_groups
from fitting.estimation.options import FitOptions
from fitting.estimation.results import FitResult
from fitting.estimation.single_fit import fit
from fitting.minimiser.status import Status
from fitting.problem.objectives import AsymmetricHuber, Huber, LogSquares, Squares, StudentT
from fitting.problem.priors import LogNormal, Normal, Prior
from fitting.validation.hold_outs import HoldOut, hold_out

if TYPE_CHECKING:
    from fitting.estimation.downstream import fit_error, predict_error
    from fitting.estimation.error_curves import ExponentialError, SigmoidError
    from fitting.reporting.tables import scaling_table
    from fitting.scaling.envelope import scaling_of_envelope
    from fitting.scaling.isoflop import isoflop_profiles, scaling_of_profiles
    from fitting.scaling.optimal_scaling import scaling_of_fit
    from fitting.uncertainty.laplace_approximation import laplace
    from fitting.uncertainty.profile_likelihood import profile
    from fitting.validation.cross_validation import k_fold, leave_one_group_out, roll_out
    from fitting.validation.model_comparison import compare_laws

# Imported when first asked for: a fit needs none of them, and they bring the planner along.
_LATER = {
    "ExponentialError": "estimation.error_curves",
    "SigmoidError": "estimation.error_curves",
    "compare_laws": "validation.model_comparison",
    "fit_error": "estimation.downstream",
    "isoflop_profiles": "scaling.isoflop",
    "k_fold": "validation.cross_validation",
    "laplace": "uncertainty.laplace_approximation",
    "leave_one_group_out": "validation.cross_validation",
    "predict_error": "estimation.downstream",
    "profile": "uncertainty.profile_likelihood",
    "roll_out": "validation.cross_validation",
    "scaling_of_envelope": "scaling.envelope",
    "scaling_of_fit": "scaling.optimal_scaling",
    "scaling_of_profiles": "scaling.isoflop",
    "scaling_table": "reporting.tables",
}

__all__ = [
    "AsymmetricHuber",
    "ExponentialError",
    "FitOptions",
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
