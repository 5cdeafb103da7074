"""`jaxlaws next-runs`: which runs to train next."""

import click

from jaxlaws.cli.compilation_cache import keep_compiled
from jaxlaws.cli.options.common_options import json_option, output_option, seed_option, verb
from jaxlaws.cli.options.law_modules import law_module_option
from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.options.parameter_types import QUANTITY
from jaxlaws.cli.options.reading_options import TableOptions, table_options
from jaxlaws.cli.options.restraint_options import bounds_of, pairs
from jaxlaws.cli.output.destinations import PICTURES
from jaxlaws.cli.output.progress import patience


@verb(
    "next-runs",
    example='jaxlaws next-runs fit.json --table my_runs.csv --flops 1e20 --for "plan train '
    'flops=1e24 : num_params" -o runs_to_train.csv',
)
@click.argument("fit", type=click.Path())
@click.option("--table", required=True, type=click.Path(), help="Table of the runs of the fit.")
@click.option("--flops", required=True, type=QUANTITY, help="Budget for the runs: 6 N D of each.")
@click.option(
    "--for",
    "question",
    required=True,
    metavar="QUESTION",
    help="The quantity that the runs are for: a verb with its options, a colon, and the name of a "
    'number in its JSON, such as "plan train flops=1e24 : num_params". Sizes, tokens and FLOPs are '
    "taken as logarithms.",
)
@click.option(
    "--plan-flops",
    type=QUANTITY,
    help="Budget of a plan to train alone. The answer then says whether the runs cost more than "
    "they are expected to save for this plan. Default: no such comparison.",
)
@click.option(
    "--runs",
    "num_runs",
    default=8,
    show_default=True,
    type=click.IntRange(1),
    help="Number of runs.",
)
@click.option("--largest-run", type=QUANTITY, help="Largest cost of a run. Default: the budget.")
@click.option(
    "--shape",
    "shapes",
    multiple=True,
    type=QUANTITY,
    help="Size of a model that exists, in parameters. Repeatable. Default: any size.",
)
@click.option(
    "--bound",
    "bounds",
    multiple=True,
    metavar="NAME=LOW:HIGH",
    help="Least and greatest value of an input of the runs, such as num_tokens=1e9:1e12. "
    "Repeatable. tokens_per_param is an input, too. Default: a factor of 3 beyond the runs of the "
    "fit.",
)
@click.option(
    "--order",
    default="joint",
    show_default=True,
    type=click.Choice(["joint", "greedy"]),
    help="Whether all runs are designed together, or one after another.",
)
@seed_option
@table_options
@law_module_option
@output_option(
    {".csv": "table", **PICTURES},
    only_these=True,
    help="File to write: the table of the runs .csv, with an empty column for their losses, or a "
    "picture .svg, .png or .pdf. Default: no file.",
)
@json_option
def command(
    fit: str,
    table: str,
    flops: float,
    question: str,
    plan_flops: float | None,
    num_runs: int,
    largest_run: float | None,
    shapes: tuple[float, ...],
    bounds: tuple[str, ...],
    order: str,
    seed: int,
    reading: TableOptions,
    output: str | None,
    as_json: bool,
) -> None:
    """Choose the runs to train next, for the narrowest interval of a plan of the fit in FIT.

    The budget is an upper limit: runs that add nothing are not made larger. When the runs are
    trained, fill in their losses and add the rows to the table of the fit.
    """
    keep_compiled()
    import fitting
    from jaxlaws.cli.answers.fits.next_runs import show
    from jaxlaws.cli.verbs.question_text import read_question

    limits = {}
    for name, (low, high) in bounds_of(pairs("--bound", bounds)).items():
        if low is None or high is None:
            raise click.UsageError(f"--bound {name}: give both ends, as in {name}=1e9:1e12")
        limits[name] = (low, high)
    result = fitting.FitResult.load(fit)
    runs = reading.after(result.reading).read(table, type(result.law))
    source = Source.of_fit(result, fit)
    quantity = read_question(question, source, option="--for")
    with patience(f"designing {num_runs} runs …", at_once=True, expected=20):
        found = fitting.next_runs(
            result,
            runs,
            flops=flops,
            quantity=quantity.function,
            plan_flops=plan_flops,
            num_runs=num_runs,
            largest_run=largest_run,
            shapes=shapes or None,
            bounds=limits,
            order="greedy" if order == "greedy" else "joint",
            seed=seed,
        )
    given = limits.keys() | ({"num_params"} if shapes else set())
    show(found, quantity, source, given, output, as_json=as_json)
