"""From a question to what the command line shows: one sequence of steps for every kind of plan."""

import functools
import shlex
from collections.abc import Mapping

import click
import numpy as np

from jaxlaws.cli.answers.caveats import NOT_IN_TABLES, add_caveats
from jaxlaws.cli.answers.plan_provenance import provenance_of
from jaxlaws.cli.answers.plans.data_set import write_data_set
from jaxlaws.cli.answers.presentation import Answered, Presentation
from jaxlaws.cli.answers.refining import refined
from jaxlaws.cli.options.common_options import ARGUMENTS
from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.options.plan_options import RECEIVER, PlanOptions, crossed
from jaxlaws.cli.output.destinations import is_data_set, is_picture
from jaxlaws.cli.output.files import write_picture, write_table
from jaxlaws.cli.output.notices import show_notice
from jaxlaws.cli.output.printing import print_json, print_table, with_loss_unit, without_flops
from jaxlaws.cli.output.question_marks import NOTE, any_failed
from jaxlaws.cli.output.wording import why_infeasible
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.text.table_columns import flat

COMMAND = "command"  # key of a JSON document: the command that prints it


def find(
    kind: Presentation,
    question: functools.partial[Tree],
    inputs: Mapping[str, Array],
    source: Source,
) -> Answered:
    """Call a planning function.

    Raises:
        ValueError: no plan exists for single inputs. The message names the remedy.
    """
    result = kind.ask(question, source, inputs)
    found = Answered(kind, question, inputs, source, result)
    if not found.swept and kind.is_infeasible(result):
        raise ValueError(why_infeasible(inputs, question.keywords))
    return found


def answer(
    kind: Presentation,
    question: functools.partial[Tree],
    inputs: Mapping[str, Array | None],
    source: Source,
    options: PlanOptions,
) -> None:
    """Call a planning function, and print or write what it returns.

    Args:
        kind: what to show.
        question: a function of `jaxlaws.planning` with its settings.
        inputs: its inputs. Arrays are sweeps, which are crossed; None is left out.
        source: the law.
        options: the options of the verb: where to write, and whether to print JSON.

    Raises:
        ValueError: no plan exists for single inputs, or there is no picture of the answer.
    """
    context = click.get_current_context()
    if (receive := context.meta.get(RECEIVER)) is not None:
        receive(kind, question, crossed(inputs), source)
        return
    if is_data_set(options.output):
        write_data_set(kind, question, inputs, source, options)
        return
    if options.with_draws or options.distributed:
        option = "--draws" if options.with_draws else "--distributed"
        raise click.UsageError(f"{option} is for a data set: write to a folder, as -o plans/")
    given = crossed(inputs)
    if is_picture(options.output) and "cost" in question.keywords:
        raise ValueError(
            f"cannot draw {options.output!r}: pictures show budgets in FLOPs; leave out --price, "
            "or write a table .csv or .parquet"
        )
    _check_picture(kind, given, options.output)
    found = find(kind, question, given, source)
    document = add_caveats(found, kind.document(found))
    caveats = document.get("caveats", [])
    if options.output is not None:
        if is_picture(options.output):
            from jaxlaws.figures.style import with_lines_below

            write_picture(options.output, with_lines_below(kind.picture(refined(found)), caveats))
        else:
            in_file = {name: document[name] for name in document if name not in NOT_IN_TABLES}
            write_table(options.output, kind.file_columns(found, in_file))
        click.echo(f"wrote {options.output}", err=True)
    if options.as_json:
        words = context.meta.get(ARGUMENTS)
        command = {COMMAND: shlex.join(["jaxlaws", *words])} if words else {}
        print_json(document | command | {"provenance": provenance_of(source)})
    else:
        notes = kind.notes(found, document) + [NOTE] * any_failed(flat(document))
        notes += [f"Caveat: {each}" for each in caveats]
        table = with_loss_unit(kind.table(found, document), source.loss_unit)
        table = table if found.cost is None else without_flops(table)
        if options.output is not None and not is_picture(options.output):
            table = table._replace(note=table.note.replace("; -o writes all", ""))
        print_table(kind.heading(found), table, notes, lead=kind.lead(found, document))
    if warnings := kind.warnings(found):
        for warning in warnings:
            show_notice(warning)
        context.exit(1)


def has_picture(kind: Presentation, inputs: Mapping[str, Array]) -> bool:
    """Whether there is a picture of an answer for these inputs."""
    if kind.picture_of in ("nothing", "every answer"):
        return kind.picture_of == "every answer"
    swept = [name for name, values in inputs.items() if np.ndim(values)]
    if kind.picture_of == "one plan or a sweep of --flops" and not swept:
        return True
    return [name for name in swept if len(np.unique(inputs[name])) > 1] == ["flops"]


def _check_picture(kind: Presentation, inputs: Mapping[str, Array], path: str | None) -> None:
    if not is_picture(path):
        return
    if kind.picture_of == "nothing":
        raise ValueError(
            f"cannot draw {path!r}: there is no picture of {kind.title}; write a table .csv or "
            ".parquet"
        )
    if not has_picture(kind, inputs):
        raise ValueError(
            f"cannot draw {path!r}: a picture shows plans against the budget; sweep --flops, as "
            "1e19:1e24:20, and nothing else, or write a table .csv or .parquet"
        )
