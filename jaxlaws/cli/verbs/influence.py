"""`jaxlaws influence`: which runs decide a plan."""

import click

from jaxlaws.cli.compilation_cache import keep_compiled
from jaxlaws.cli.options.common_options import json_option, output_option, verb
from jaxlaws.cli.options.law_modules import law_module_option
from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.options.reading_options import TableOptions, table_options
from jaxlaws.cli.options.restraint_options import pairs
from jaxlaws.cli.output.destinations import PICTURES, TABLES
from jaxlaws.cli.output.progress import patience


@verb(
    "influence",
    example='jaxlaws influence fit.json --table my_runs.csv --on "plan train flops=1e24 : '
    'num_params"',
)
@click.argument("fit", type=click.Path())
@click.option("--table", required=True, type=click.Path(), help="Table of the runs of the fit.")
@click.option(
    "--on",
    "question",
    required=True,
    metavar="QUESTION",
    help="The quantity: a verb with its options, a colon, and the name of a number in its JSON, "
    'such as "plan train flops=1e24 : num_params", "predict params=1B tokens=1T : loss" or "plan '
    'compare flops=1e23 student=1B : overtrain.loss - distil.loss". Sizes, tokens and FLOPs are '
    "taken as logarithms.",
)
@click.option(
    "--stage",
    "stages",
    multiple=True,
    metavar="NAME=TABLE",
    help="Table of the runs of a fit that was frozen, such as supervised=pretraining.csv. "
    "Repeatable. Default: the frozen fit does not move.",
)
@click.option(
    "--refits",
    "num_refits",
    default=1000,
    show_default=True,
    type=click.IntRange(0),
    help="For how many runs, those of the largest influence, the law is fitted again without the "
    "run. The others have the change to first order.",
)
@table_options
@law_module_option
@output_option(
    {**TABLES, **PICTURES},
    only_these=True,
    help="File to write: a table .csv or .parquet with all runs, or a picture .svg, .png or .pdf. "
    "Default: no file.",
)
@json_option
def command(
    fit: str,
    table: str,
    question: str,
    stages: tuple[str, ...],
    num_refits: int,
    reading: TableOptions,
    output: str | None,
    as_json: bool,
) -> None:
    """Compute how much each run moves a plan or a prediction of the fit in FIT.

    For each run: the change of the quantity if the law is fitted without the run, and the change
    for 1% of the run's loss.
    """
    keep_compiled()
    import fitting
    from jaxlaws.cli.answers.fits.run_influence import show
    from jaxlaws.cli.verbs.question_text import read_question

    result = fitting.FitResult.load(fit)
    runs = reading.after(result.reading).read(table, type(result.law))
    others = {}
    for name, path in pairs("--stage", stages).items():
        if name not in result.stages:
            known = ", ".join(result.stages) or "none"
            raise click.UsageError(f"--stage {name}: the stages of the fit are {known}")
        stage = result.stages[name]
        own = TableOptions.of_stored(stage.reading)
        others[name] = own.read(path, type(stage.law))
    source = Source.of_fit(result, fit)
    quantity = read_question(question, source)
    with patience(f"computing the influence of {len(runs)} runs …", at_once=True, expected=20):
        found = fitting.influence(
            result, runs, quantity.function, num_refits=num_refits, stages=others
        )
    show(found, quantity, source, output, as_json=as_json)
