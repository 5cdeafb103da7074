"""`jaxlaws report`: a law, its fit and its plans as a page."""

import click

from jaxlaws.cli.compilation_cache import keep_compiled
from jaxlaws.cli.options import plan_options as plan
from jaxlaws.cli.options.common_options import level_option, output_option, verb
from jaxlaws.cli.options.law_modules import law_module_option
from jaxlaws.cli.options.parameter_types import QUANTITY, SWEEP
from jaxlaws.cli.options.reading_options import TableOptions, table_options
from jaxlaws.cli.output.destinations import REPORTS
from jaxlaws.cli.output.printing import in_lines
from jaxlaws.foundations.annotations import Array


@verb("report", example="jaxlaws report fit.json --table my_runs.csv --flops 1e22 -o report.html")
@click.argument("subject", metavar="FIT_PLAN_OR_RUNS")
@output_option(
    REPORTS,
    default="report.html",
    show_default=True,
    help="File to write: a page .html that contains its pictures, or Markdown .md with the "
    "pictures as files beside it.",
)
@click.option(
    "--table",
    type=click.Path(),
    help="Table of the fitted runs, for pictures and errors. Default: the report has none.",
)
@click.option(
    "--law",
    "law_name",
    help="The law to fit, if a table of runs is given. Default: as of jaxlaws fit.",
)
@click.option(
    "--bootstrap",
    default=100,
    show_default=True,
    type=click.IntRange(0, 10**5),
    help="Number of bootstrap draws, if a table of runs is given.",
)
@click.option(
    "--flops",
    type=SWEEP,
    help="The budget to plan for in FLOPs, or low:high:count for a sweep. Default: the largest "
    "compute of the fitted runs.",
)
@click.option(
    "--student",
    type=QUANTITY,
    help="Parameters of the student to decide on. Default: the largest fitted student.",
)
@plan.inference_tokens
@table_options
@law_module_option
@level_option
def command(
    subject: str,
    output: str,
    table: str | None,
    law_name: str | None,
    bootstrap: int,
    flops: Array | None,
    student: float | None,
    num_inference_tokens: float,
    reading: TableOptions,
    level: float,
) -> None:
    """Write a report: the answer, the fit and how far to trust it, plans, and how to reproduce it.

    FIT_PLAN_OR_RUNS is the file of a fit; what a verb of plan prints with --json, a plan, a sweep
    or a comparison; a table of runs that is then fitted; or the name of a preset. The report
    decides what to do with a budget: with a law of distillation, whether to train, overtrain or
    distil, in four scenarios of what the teacher costs. A saved plan is the answer of its report:
    for a teacher that exists, save jaxlaws plan compare --teacher ... --json.
    """
    keep_compiled()
    from jaxlaws.cli.answers.report.writing import Request, write

    request = Request(
        subject=subject,
        table=table,
        law_name=law_name,
        bootstrap=bootstrap,
        flops=flops,
        student=student,
        num_inference_tokens=num_inference_tokens,
        reading=reading,
        level=level,
        output=output,
    )
    click.echo(in_lines(write(request)))
    click.echo(f"wrote {output}")
