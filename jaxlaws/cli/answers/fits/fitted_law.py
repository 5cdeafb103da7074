"""`jaxlaws fit`: the coefficients of a fitted law and their intervals."""

from collections.abc import Mapping

import click
import numpy as np

from fitting import (
    FitResult,
    IntervalMethod,
    Runs,
    Squares,
    Status,
    coefficients_on_bounds,
    predict,
    profile,
    relative_errors,
)
from jaxlaws.cli.output.notices import show_notice
from jaxlaws.cli.output.printing import print_table
from jaxlaws.foundations.annotations import Json
from jaxlaws.foundations.law import coefficients, outcome_of, outcomes_of
from jaxlaws.foundations.text.tables import Table

_NORMAL = 1.4826  # the standard deviation of a normal distribution, in median absolute deviations
_FAR, _FAR_SPREADS = 5.0, 5.0  # per cent, and in units of the spread
_MOST_FAR = 10


def summary_of(
    result: FitResult, runs: Runs, level: float, method: IntervalMethod
) -> dict[str, Json]:
    """The fit as a JSON object, with its errors on the runs.

    Intervals of the method "profile" are computed here. So are those of coefficients on a bound,
    whose draws do not give a valid interval.
    """
    is_profile = method == "profile"
    summary = result.to_dict(level, "percentile" if is_profile else method)
    summary |= errors_of(result, runs)
    summary |= {"roll_out": dict(result.roll_out)} if result.roll_out else {}
    coefficients = summary["coefficients"]
    profiled = result.identifiability.names if is_profile else ()
    if not is_profile and result.ensemble is not None:
        profiled = coefficients_on_bounds(result, level)
    for name in profiled:
        click.echo(f"profiling {name} …", err=True)
        try:
            low, high = profile(result, runs, name, level=level).interval
            kind = "profile"
        except TypeError:  # the objective has no likelihood
            if is_profile:
                raise
            low, high, kind = None, None, "none"
        coefficients[name] |= {"low": low, "high": high, "interval": kind}
    for name, other in result.restraints.tie.items():
        if other in result.identifiability.names:
            coefficients[name] = coefficients[other]
    return summary


def errors_of(result: FitResult, runs: Runs) -> dict[str, Json]:
    """The errors of a fit on its runs, and the runs that are far from the fit, in per cent.

    An error is that of the measured outcome against the predicted one. A run is far if its error is
    above 5% and above five times the spread of the errors.
    """
    called = runs.for_law(type(result.law))
    if called.loss.ndim > 1:
        return {}
    predicted = predict(result.law, called.inputs)
    errors = -relative_errors(predicted, called)
    if np.all(called.loss > 0) and np.all(predicted > 0):
        errors = 100 * (called.loss / predicted - 1)
    off = np.abs(errors)
    spread = _NORMAL * float(np.median(np.abs(errors - np.median(errors))))
    far = np.flatnonzero(off > max(_FAR, _FAR_SPREADS * spread))
    far = far[np.argsort(-off[far])][:_MOST_FAR]
    return {
        "errors": {"mean": float(off.mean()), "worst": float(off.max()), "spread": spread},
        "far_runs": [{"row": int(called.rows[i]), "error": float(errors[i])} for i in far],
    }


def _percent(value: float) -> str:
    return f"{value:.0f}%" if value >= 10 else f"{value:.2g}%"


def _notes(summary: Mapping[str, Json]) -> list[str]:
    notes, coefficients = [], summary["coefficients"]
    replaced = {name: each["interval"] for name, each in coefficients.items() if "interval" in each}
    if 0 < len(replaced) < len(coefficients):
        kinds = sorted(set(replaced.values()))
        what = {"none": "no interval", "profile": "a profile interval"}
        notes += [
            f"{', '.join(n for n in replaced if replaced[n] == kind)}: {what[kind]}, because the "
            "fit or its draws are on a bound, where the draws give no valid interval."
            for kind in kinds
        ]
    if "errors" not in summary:
        return notes
    errors = summary["errors"]
    notes += [
        f"Errors on the fitted runs: mean {_percent(errors['mean'])}, worst "
        f"{_percent(errors['worst'])}, spread {_percent(errors['spread'])} (the robust standard "
        "deviation)."
    ]
    if summary["far_runs"]:
        listed = ", ".join(f"row {r['row']} ({r['error']:+.3g}%)" for r in summary["far_runs"])
        notes.append(
            f"Runs far from the fit, measured against predicted: {listed}. Check whether these "
            "runs failed; --where leaves rows out."
        )
    return notes


def _units(result: FitResult) -> str:
    """The unit of the irreducible loss and of the objective."""
    objective = result.options.objective
    of, unit = "log residuals", "no unit"
    if isinstance(objective, Squares):
        of, unit = "residuals", "the unit of the loss, squared"
    text = f"Objective: the sum of {objective!r} of {of}; {unit}."
    losses = [name for name in coefficients(result.law) if name.rpartition(".")[2] == "E"]
    if losses and outcome_of(result.law) is None and not outcomes_of(result.law):
        text = f"{', '.join(losses)}: nats per token, as the losses. {text}"
    return text


def print_fit(name: str, result: FitResult, summary: Mapping[str, Json], level: float) -> None:
    """Print the summary of a fit as a table, and the notes and warnings of the fit."""
    held, coefficients = summary["held"], summary["coefficients"]
    ends = ["low", "high"] * any(each["low"] is not None for each in coefficients.values())
    rows = [
        [
            coefficient,
            *("" if each[end] is None else f"{each[end]:.6g}" for end in ("value", *ends)),
            held.get(coefficient, ""),
        ]
        for coefficient, each in coefficients.items()
    ]
    heads = ["coefficient", "value", *[f"low ({level:.0%})", "high"][: len(ends)]]
    heads += ["held"] * bool(held)
    is_good = result.status == Status.CONVERGED
    status = "" if is_good else f"{summary['status']}, "
    title = (
        f"{name}: {summary['num_runs']} runs, {status}objective {summary['objective']:.6g}, "
        f"{summary['starts_agreeing']:.0%} of {len(result.objective_by_start)} starts agree"
    )
    table = Table(heads, [row[: len(heads)] for row in rows])
    print_table(title, table, [_units(result), *_notes(summary)])
    for warning in (*result.warnings, *result.identifiability.notes):
        show_notice(warning)
