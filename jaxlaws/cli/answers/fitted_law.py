"""`jaxlaws fit`: the coefficients of a fitted law and their intervals."""

from collections.abc import Mapping

import click

from fitting import FitResult, IntervalMethod, Runs, profile
from jaxlaws.cli.output.printing import Table, print_table
from jaxlaws.foundations.annotations import Json


def summary_of(
    result: FitResult, runs: Runs, level: float, method: IntervalMethod
) -> dict[str, Json]:
    """The fit as a JSON object; with the method "profile" the intervals are computed here."""
    if method != "profile":
        return result.summary(level, method)
    summary = result.summary(level)
    coefficients = summary["coefficients"]
    for name in result.identifiability.names:
        click.echo(f"profiling {name} …", err=True)
        low, high = profile(result, runs, name, level=level).interval
        coefficients[name] |= {"low": low, "high": high}
    for name, other in result.restraints.tie.items():
        if other in result.identifiability.names:
            coefficients[name] = coefficients[other]
    return summary


def print_fit(name: str, result: FitResult, summary: Mapping[str, Json], level: float) -> None:
    """Print the summary of a fit as a table, and the notes and warnings of the fit."""
    held = summary["held"]
    rows = [
        [
            coefficient,
            *("" if each[end] is None else f"{each[end]:.6g}" for end in ("value", "low", "high")),
            held.get(coefficient, ""),
        ]
        for coefficient, each in summary["coefficients"].items()
    ]
    heads = ["coefficient", "value", f"low ({level:.0%})", "high", *["held"] * bool(held)]
    title = (
        f"{name}: {summary['num_runs']} runs, objective {summary['objective']:.6g}, "
        f"{summary['status']}, {summary['starts_agreeing']:.0%} of "
        f"{len(result.objective_by_start)} starts agree"
    )
    table = Table(heads, [row[: len(heads)] for row in rows])
    print_table(title, table, result.identifiability.notes)
    for warning in result.warnings:
        click.echo(f"Warning: {warning}", err=True)
