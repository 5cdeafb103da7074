"""`jaxlaws report`: a saved fit as a page."""

from pathlib import Path

import click

from jaxlaws.cli.compilation_cache import keep_compiled
from jaxlaws.cli.options.common_options import level_option, output_option, verb
from jaxlaws.cli.options.law_modules import law_module_option
from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.options.reading_options import TableOptions, table_options
from jaxlaws.cli.output.destinations import PAGES
from jaxlaws.cli.output.files import write_text
from jaxlaws.foundations.text.escaping import markdown_text


@verb("report", example="jaxlaws report fit.json -o report.html")
@click.argument("fit_file", metavar="FIT", type=click.Path())
@output_option(PAGES, default="report.html", show_default=True, help="HTML file to write.")
@click.option(
    "--table",
    type=click.Path(),
    help="Table of the fitted runs, for the errors of the fit. Default: no errors are reported.",
)
@table_options
@law_module_option
@level_option
def command(
    fit_file: str, output: str, table: str | None, reading: TableOptions, level: float
) -> None:
    """Write a page on the saved fit FIT: coefficients, intervals, warnings, pictures, plans."""
    keep_compiled()
    from fitting import FitResult, fit_report, to_page
    from fitting.reporting.plan_sections import plan_section

    result = FitResult.load(fit_file)
    runs = None if table is None else reading.after(result.reading).read(table, type(result.law))
    title = f"{type(result.law).__name__}: {Path(fit_file).name}"
    parts = [f"# {markdown_text(title)}"]
    for stage in result.stages.values():
        parts += fit_report(stage, level=level)
    parts += fit_report(result, runs=runs, level=level)
    source = Source(fit_file).for_supervised_runs()
    parts += plan_section(
        source.law,
        fitted_range=source.fitted_range,
        ensemble=source.ensemble,
        rolled=source.roll_out,
    )
    write_text(output, to_page(parts, title))
    click.echo(f"wrote {output}")
