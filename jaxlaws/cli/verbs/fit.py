"""`jaxlaws fit`: from a table of runs to the coefficients of a law."""

import dataclasses
import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jaxlaws.cli.options.common_options import (
    MOST_DRAWS,
    is_given,
    json_option,
    level_option,
    output_option,
    verb,
)
from jaxlaws.cli.options.fitting_options import FitInputs, fit_options
from jaxlaws.cli.output.destinations import LAWS
from jaxlaws.cli.output.printing import in_lines, print_json
from jaxlaws.cli.output.progress import patience, seconds_of_fits

if TYPE_CHECKING:
    from fitting import FitChanges, IntervalMethod, Resampling, RunSize


@verb(
    "fit", example="jaxlaws fit my_runs.csv --column loss=final_loss --bootstrap 1000 -o fit.json"
)
@fit_options
@click.option(
    "--bootstrap",
    default=0,
    show_default=True,
    type=click.IntRange(0, MOST_DRAWS),
    help="Number of bootstrap draws.",
)
@click.option(
    "--resample",
    default="pairs",
    show_default=True,
    type=click.Choice(["pairs", "wild", "residuals", "parametric"]),
    help="How the bootstrap makes the table of a draw.",
)
@click.option(
    "--cluster",
    metavar="COLUMN",
    help="Resample whole groups of runs, those with the same value in a column. Default: single "
    "runs.",
)
@click.option(
    "--interval",
    "method",
    default="percentile",
    show_default=True,
    type=click.Choice(["percentile", "bca", "profile"]),
    help="How intervals are computed: percentile and bca need bootstrap draws, profile computes "
    "profile likelihoods and needs no draws.",
)
@level_option
@click.option(
    "--roll-out",
    type=click.Choice(["flops", "num_params", "num_tokens"]),
    help="Also fit the smallest runs by this quantity and predict all larger runs, as validate "
    "does. The file of the fit holds the errors, and predictions and plans give the error at "
    "their distance from the runs. Default: no roll-out.",
)
@output_option(
    LAWS,
    help="Save the fit here; pass this file as --law to other commands. Default: no file.",
)
@json_option
def command(
    inputs: FitInputs,
    bootstrap: int,
    resample: "Resampling",
    cluster: str | None,
    method: "IntervalMethod",
    level: float,
    roll_out: "RunSize | None",
    output: str | None,
    as_json: bool,
) -> None:
    """Fit the coefficients of a law to the runs in TABLE.

    TABLE is CSV, TSV, JSON, JSON Lines, Markdown, Parquet or Excel, also compressed with gzip; - is
    standard input.
    """
    options = inputs.options()
    changes: FitChanges = {}
    for name, value in {"bootstrap": bootstrap, "resample": resample, "cluster": cluster}.items():
        if inputs.like is None or is_given(name):
            changes[name] = value
    options = options.replaced(**changes)
    if inputs.like is None or is_given("method") or not options.bootstrap:
        options = options.replaced(jackknife=options.bootstrap > 0 and method == "bca")
    bootstrap = options.bootstrap
    import fitting
    from fitting.data.preparation.repeated_rows import checkpoints_of_runs
    from fitting.reporting.fit_summary import verdict
    from jaxlaws.cli.answers.fits.fitted_law import print_fit, summary_of
    from jaxlaws.cli.answers.fits.hold_outs import print_by_distance
    from jaxlaws.saving import law_class_name

    name, law_type, runs, reading = inputs.read()
    if options.cluster is None and bootstrap and reading.others.get("checkpoints") == "all":
        found = checkpoints_of_runs(runs.inputs, runs.others)
        options = options if found is None else options.replaced(cluster=found.run)
    expected = seconds_of_fits(1, bootstrap)
    with patience(f"fitting {name} to {inputs.table} …", at_once=True, expected=expected):
        result = fitting.fit(law_type, runs, options=options)
    if (
        inputs.law_name is inputs.like is None
        and (limit := fitting.fit_limit_form(result, runs)) is not None
    ):
        law_type, result = type(limit.law), limit
        name = law_class_name(law_type)
    if roll_out is not None:
        once = options.replaced(bootstrap=0, jackknife=False)
        message = f"fitting {name} to the smallest runs by {roll_out} …"
        with patience(message, at_once=True, expected=seconds_of_fits(8)):
            rolled = fitting.roll_out(law_type, runs, roll_out, options=once)
        result = dataclasses.replace(result, roll_out=rolled.to_json())
    if output:
        today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
        about = {"table": Path(inputs.table).name, "date": today}
        dataclasses.replace(result, reading=reading.stored() | about).save(output)
    summary = summary_of(result, runs, level, method)
    print_json(summary) if as_json else print_fit(name, result, summary, level)
    if result.roll_out and not as_json:
        print_by_distance(result.roll_out["by"], result.roll_out["steps"])
    if not as_json:
        click.echo(f"\n{in_lines(verdict(result, level))}")
    if output:
        click.echo(f"saved to {output}", err=as_json)
