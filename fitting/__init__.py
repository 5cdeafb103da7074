"""From observed runs to the coefficients of a law, with their uncertainty.

`docs/api.md` describes every name, grouped by room.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from fitting.data.bundled_table import bundled_runs
from fitting.data.design_checks import WeakDesignWarning
from fitting.data.predictions import predict, relative_errors
from fitting.data.preparation.reading import (
    Checkpoints,
    LossUnit,
    ReadingOptions,
    TableNote,
    TableWarning,
)
from fitting.data.runs import Runs
from fitting.data.table_files import read_table
from fitting.estimation.downstream import ErrorFit, fit_error, predict_error
from fitting.estimation.error_curves import ErrorCurve, ExponentialError, SigmoidError
from fitting.estimation.grouped_fit import fit_groups
from fitting.estimation.interval_ends import IntervalMethod
from fitting.estimation.options import FitChanges, FitOptions
from fitting.estimation.resampling import Resampling
from fitting.estimation.results import FitResult
from fitting.estimation.single_fit import fit, fit_limit_form
from fitting.minimiser.division import fits_on_devices
from fitting.minimiser.identifiability import Identifiability
from fitting.minimiser.local_optima import Optimum
from fitting.minimiser.starts import Starts
from fitting.minimiser.status import Status
from fitting.problem.objectives import (
    AsymmetricHuber,
    Huber,
    LogSquares,
    Objective,
    Squares,
    StudentT,
)
from fitting.problem.priors import LogNormal, Normal, Prior
from fitting.problem.restraints import Restraints
from fitting.uncertainty.caveats import caveats_of, coefficients_on_bounds
from fitting.uncertainty.laplace_approximation import laplace
from fitting.uncertainty.profile_likelihood import Profile, profile
from fitting.validation.cross_validation import (
    RollOut,
    RunSize,
    k_fold,
    leave_one_group_out,
    pooled_errors,
    roll_out,
)
from fitting.validation.hold_outs import HoldOut, best_teachers, hold_out, lowest_losses
from fitting.validation.model_comparison import ComparedLaw, compare_laws

if TYPE_CHECKING:
    from fitting.design.data_function import FitAsFunction, fit_as_function
    from fitting.design.further_runs import next_runs
    from fitting.design.next_runs_answer import NextRuns
    from fitting.design.plan_regret import Regret
    from fitting.design.pool.choice import choose_runs
    from fitting.design.pool.few_runs import fit_pool
    from fitting.design.run_influence import Influence, influence
    from fitting.reporting.fit_figures import (
        fit_and_residuals,
        roll_out_errors,
        student_against_teacher,
    )
    from fitting.reporting.fit_sections import fit_report
    from fitting.reporting.isoflop_sections import isoflop_report
    from fitting.reporting.markdown import markdown_table
    from fitting.reporting.pages import Picture, to_markdown, to_page, write_report
    from fitting.reporting.run_figures import loss_against_tokens_and_compute
    from fitting.reporting.tables import comparison_table, error_table, scaling_table
    from fitting.scaling.envelope import scaling_of_envelope
    from fitting.scaling.isoflop import IsoflopProfile, isoflop_profiles, scaling_of_profiles
    from fitting.scaling.optimal_scaling import OptimalScaling, PowerLine, scaling_of_fit

# Imported when first used: these modules import the planner or matplotlib, which a fit does not
# need.
_MODULE_OF = {
    "FitAsFunction": "design.data_function",
    "Influence": "design.run_influence",
    "IsoflopProfile": "scaling.isoflop",
    "NextRuns": "design.next_runs_answer",
    "OptimalScaling": "scaling.optimal_scaling",
    "Picture": "reporting.pages",
    "PowerLine": "scaling.optimal_scaling",
    "Regret": "design.plan_regret",
    "choose_runs": "design.pool.choice",
    "comparison_table": "reporting.tables",
    "error_table": "reporting.tables",
    "fit_and_residuals": "reporting.fit_figures",
    "fit_as_function": "design.data_function",
    "fit_pool": "design.pool.few_runs",
    "fit_report": "reporting.fit_sections",
    "influence": "design.run_influence",
    "isoflop_profiles": "scaling.isoflop",
    "isoflop_report": "reporting.isoflop_sections",
    "loss_against_tokens_and_compute": "reporting.run_figures",
    "markdown_table": "reporting.markdown",
    "next_runs": "design.further_runs",
    "roll_out_errors": "reporting.fit_figures",
    "scaling_of_envelope": "scaling.envelope",
    "scaling_of_fit": "scaling.optimal_scaling",
    "scaling_of_profiles": "scaling.isoflop",
    "scaling_table": "reporting.tables",
    "student_against_teacher": "reporting.fit_figures",
    "to_markdown": "reporting.pages",
    "to_page": "reporting.pages",
    "write_report": "reporting.pages",
}

__all__ = [
    "AsymmetricHuber",
    "Checkpoints",
    "ComparedLaw",
    "ErrorCurve",
    "ErrorFit",
    "ExponentialError",
    "FitAsFunction",
    "FitChanges",
    "FitOptions",
    "FitResult",
    "HoldOut",
    "Huber",
    "Identifiability",
    "Influence",
    "IntervalMethod",
    "IsoflopProfile",
    "LogNormal",
    "LogSquares",
    "LossUnit",
    "NextRuns",
    "Normal",
    "Objective",
    "OptimalScaling",
    "Optimum",
    "Picture",
    "PowerLine",
    "Prior",
    "Profile",
    "ReadingOptions",
    "Regret",
    "Resampling",
    "Restraints",
    "RollOut",
    "RunSize",
    "Runs",
    "SigmoidError",
    "Squares",
    "Starts",
    "Status",
    "StudentT",
    "TableNote",
    "TableWarning",
    "WeakDesignWarning",
    "best_teachers",
    "bundled_runs",
    "caveats_of",
    "choose_runs",
    "coefficients_on_bounds",
    "compare_laws",
    "comparison_table",
    "error_table",
    "fit",
    "fit_and_residuals",
    "fit_as_function",
    "fit_error",
    "fit_groups",
    "fit_limit_form",
    "fit_pool",
    "fit_report",
    "fits_on_devices",
    "hold_out",
    "influence",
    "isoflop_profiles",
    "isoflop_report",
    "k_fold",
    "laplace",
    "leave_one_group_out",
    "loss_against_tokens_and_compute",
    "lowest_losses",
    "markdown_table",
    "next_runs",
    "pooled_errors",
    "predict",
    "predict_error",
    "profile",
    "read_table",
    "relative_errors",
    "roll_out",
    "roll_out_errors",
    "scaling_of_envelope",
    "scaling_of_fit",
    "scaling_of_profiles",
    "scaling_table",
    "student_against_teacher",
    "to_markdown",
    "to_page",
    "write_report",
]


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'fitting' has no attribute {name!r}")
    return getattr(import_module(f"fitting.{_MODULE_OF[name]}"), name)
