"""`jaxlaws replan`: fit and plan again with the settings of a plan, after runs have been added."""

import dataclasses
import shlex
from pathlib import Path

import click

from jaxlaws.cli.compilation_cache import keep_compiled
from jaxlaws.cli.options.common_options import json_option, output_option, verb
from jaxlaws.cli.options.law_modules import law_module_option
from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.options.reading_options import TableOptions, table_options
from jaxlaws.cli.output.printing import plain_json
from jaxlaws.cli.output.progress import patience, seconds_of_fits
from jaxlaws.foundations.errors import DataError

CHANGED = 3  # exit status: the decision changed


@verb("replan", example="jaxlaws replan plan.json --runs runs.csv -o new_plan.json")
@click.argument("plan", type=click.Path())
@click.option(
    "--runs", "table", required=True, type=click.Path(), help="Table of all runs, old and new."
)
@click.option(
    "--fit",
    "fit_path",
    type=click.Path(exists=True, dir_okay=False),
    help="File of the fit of the plan. It is needed only where the fit used another fit "
    "(--freeze supervised=FILE). Default: the file beside the plan.",
)
@table_options
@law_module_option
@output_option(
    {".json": "json"},
    help="File to write: the new plan as JSON, for the next replan. Default: no file.",
)
@json_option
def command(
    plan: str,
    table: str,
    fit_path: str | None,
    reading: TableOptions,
    output: str | None,
    as_json: bool,
) -> None:
    """Fit and plan again with the settings of the JSON file PLAN, and report what changed.

    `jaxlaws plan ... --json > plan.json` writes such a file. Each change is shown as a multiple
    of the earlier interval. The decision changed if a strategy, a teacher or an active bound is
    another one, or if a planned size or budget lies outside its earlier interval; without an
    interval, if it changed by more than 10%. The exit status is then 3, and 0 if the decision
    stands.
    """
    keep_compiled()
    import fitting
    from jaxlaws.cli.answers.caveats import add_caveats
    from jaxlaws.cli.answers.fits import replanning
    from jaxlaws.cli.answers.fits.plan_changes import compare
    from jaxlaws.cli.answers.pipeline import COMMAND, find
    from jaxlaws.cli.answers.plan_provenance import provenance_of
    from jaxlaws.cli.answers.report.saved_plans import without_modules
    from jaxlaws.cli.verbs.question_text import question_of
    from jaxlaws.saving import law_class, write_json

    before = replanning.read_plan(plan)
    made = before["provenance"]
    law_type = law_class(made["law"]["type"])
    options = replanning.options_of(made, fit_path or Path(plan).with_name(made["law"]["name"]))
    try:
        runs = reading.after(made["fit"]["reading"]).read(table, law_type)
    except DataError as error:
        raise DataError(
            f"{error}\n  The table is read with the settings of the plan. Where columns have new "
            "names, give them with --column OURS=THEIRS"
        ) from None
    name = made["law"]["type"]
    expected = seconds_of_fits(1, options.bootstrap)
    with patience(f"fitting {name} to {table} …", at_once=True, expected=expected):
        result = fitting.fit(law_type, runs, options=options)
    stored = reading.after(made["fit"]["reading"]).stored()
    source = Source.of_fit(dataclasses.replace(result, reading=stored), made["law"]["name"])
    kind, question, inputs = question_of(without_modules(shlex.split(before[COMMAND])), source)
    if kind is None:
        raise DataError(f"{plan}: the command {before[COMMAND]!r:.80} is not one of plan")
    found = find(kind, question, inputs, source)
    document = add_caveats(found, kind.document(found))
    document |= {
        COMMAND: before[COMMAND],
        "provenance": provenance_of(source) | {"law": made["law"]},
    }
    changes = compare(before, document)
    if output is not None:
        write_json(output, plain_json(document))
        click.echo(f"wrote {output}", err=True)
    replanning.show(changes, result, document, as_json=as_json)
    if changes.decision_changed:
        click.get_current_context().exit(CHANGED)
