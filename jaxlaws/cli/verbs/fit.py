"""`jaxlaws fit`: from a table of runs to a law's coefficients."""

from typing import TYPE_CHECKING, Any

import click

from jaxlaws.cli.compilation_cache import keep_compiled
from jaxlaws.cli.options.fitting_options import arguments_of_fit, fit_options, read_runs
from jaxlaws.cli.options.parameter_types import json_option
from jaxlaws.cli.output.printing import print_json, print_table

if TYPE_CHECKING:
    from fitting import IntervalMethod, Resampling


@click.command("fit")
@click.argument("table", type=click.Path())
@fit_options
@click.option("--bootstrap", default=0, show_default=True, type=click.IntRange(0), help="Draws.")
@click.option(
    "--resample",
    default="pairs",
    show_default=True,
    type=click.Choice(["pairs", "wild", "residuals", "parametric"]),
    help="How the bootstrap makes its tables.",
)
@click.option("--cluster", metavar="COLUMN", help="Resample whole groups of runs, by a column.")
@click.option(
    "--interval",
    "method",
    default="percentile",
    show_default=True,
    type=click.Choice(["percentile", "bca", "profile"]),
    help="How intervals are made: of the draws, or by profile likelihood, which needs none.",
)
@click.option("--level", default=0.9, show_default=True, type=click.FloatRange(0.01, 0.999))
@click.option("-o", "--output", type=click.Path(), help="Save the fit, for --law of other verbs.")
@json_option
def command(
    table: str,
    law_name: str | None,
    columns: tuple[str, ...],
    bootstrap: int,
    resample: "Resampling",
    cluster: str | None,
    method: "IntervalMethod",
    level: float,
    output: str | None,
    as_json: bool,
    **of_fit: Any,
) -> None:
    """Fit a law to the runs in TABLE (CSV, Parquet or JSON Lines)."""
    keep_compiled()
    from fitting import fit

    options = arguments_of_fit(of_fit)
    name, law_type, runs = read_runs(table, columns, law_name)
    click.echo(f"fitting {name} to {table} …", err=True)
    result = fit(
        law_type,
        runs,
        bootstrap=bootstrap,
        resample=resample,
        cluster=cluster,
        jackknife=bootstrap > 0 and method == "bca",
        **options,
    )
    if output:
        result.save(output)
    by_profile = method == "profile"
    summary = result.summary(level, "percentile" if by_profile else method)
    if by_profile:
        summary["coefficients"] |= _profiled(result, runs, summary["coefficients"], level)
    if as_json:
        print_json(summary)
        return
    rows = [
        (
            coefficient,
            f"{each['value']:.6g}",
            "" if each["low"] is None else f"{each['low']:.6g}",
            "" if each["high"] is None else f"{each['high']:.6g}",
            *([summary["held"].get(coefficient, "")] if summary["held"] else []),
        )
        for coefficient, each in summary["coefficients"].items()
    ]
    print_table(
        f"{name}: {summary['num_runs']} runs, objective {summary['objective']:.6g}, "
        f"{summary['status']}, {summary['starts_agreeing']:.0%} of "
        f"{len(result.objective_by_start)} starts agree",
        ["coefficient", "value", f"low ({level:.0%})", "high", *["held"] * bool(summary["held"])],
        rows,
    )
    for note in result.identifiability.notes:
        click.echo(note)
    for warning in result.warnings:
        click.echo(f"Warning: {warning}", err=True)
    if output:
        click.echo(f"saved to {output}")


def _profiled(result: Any, runs: Any, coefficients: dict[str, Any], level: float) -> dict[str, Any]:
    """Free coefficients with the ends of their profile's interval."""
    from fitting import profile

    told = {}
    for name in result.identifiability.names:
        click.echo(f"profiling {name} …", err=True)
        low, high = profile(result, runs, name, level=level).interval
        told[name] = coefficients[name] | {"low": low, "high": high}
    return told | {name: told[of] for name, of in result.restraints.tie.items() if of in told}
