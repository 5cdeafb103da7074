"""`jaxlaws fit`: the coefficients of a fitted law and their intervals."""

from collections.abc import Mapping

import click

from fitting import FitResult, Runs, profile
from jaxlaws.annotations import Json, Tree
from jaxlaws.cli.output.printing import Table, print_json, print_table


def summary_of(
    result: FitResult, runs: Runs, level: float, method: str, settings: Mapping[str, Tree]
) -> dict[str, Json]:
    """The fit as a JSON object.

    Args:
        result: the fit.
        runs: the fitted runs.
        level: of the intervals.
        method: "percentile", "bca" or "profile".
        settings: the keywords of the fit.
    """
    if method != "profile":
        return result.summary(level, method)
    summary = result.summary(level)
    coefficients = summary["coefficients"]
    same = {name: settings[name] for name in ("objective", "weights")}
    for name in result.identifiability.names:
        click.echo(f"profiling {name} …", err=True)
        low, high = profile(result, runs, name, level=level, **same).interval
        coefficients[name] |= {"low": low, "high": high}
    for name, other in result.restraints.tie.items():
        if other in result.identifiability.names:
            coefficients[name] = coefficients[other]
    return summary


def print_fit(
    name: str, result: FitResult, summary: Mapping[str, Json], level: float, *, as_json: bool
) -> None:
    """Print the summary of a fit as JSON or as a table, with the warnings of the fit."""
    if as_json:
        print_json(summary)
        return
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
