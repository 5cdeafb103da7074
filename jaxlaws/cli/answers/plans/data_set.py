"""Plans of a large sweep as a Parquet data set, instead of a table."""

import copy
import functools
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from jaxlaws.cli.answers.draws import no_draws
from jaxlaws.cli.answers.presentation import Answered, Presentation
from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.options.plan_options import PlanOptions, in_order
from jaxlaws.cli.output.notices import show_notice
from jaxlaws.cli.output.printing import print_json
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning import write_plans
from jaxlaws.planning.plan_dict import arrays_of

_SECONDS = 10.0  # between messages on the progress


def write_data_set(
    kind: Presentation,
    question: functools.partial[Tree],
    inputs: Mapping[str, Array | None],
    source: Source,
    options: PlanOptions,
) -> None:
    """Write the share of this process in a data set, or what is missing of it.

    Args:
        kind: what the answer is.
        question: a function of `jaxlaws.planning` with its settings.
        inputs: its inputs. Axes are crossed; None is left out.
        source: the law.
        options: the options of the verb.

    Raises:
        DataError: the folder has the data set of another question, or other files.
        ValueError: nothing is swept, or the law has no draws.
    """
    if getattr(kind, "within", None) is not None:
        raise click.UsageError("--within does not work with a data set: leave it out")
    law = source.ensemble if options.with_draws else source.law
    if law is None:
        raise ValueError(f"--draws: {no_draws(source)}")
    _check_determined(source, options)
    given, verb = in_order(inputs), click.get_current_context().command_path

    def rows(law: Tree, **inputs: Array) -> dict[str, Array]:
        there = copy.copy(source)
        there.law = law
        found = Answered(kind, question, inputs, there, kind.ask(question, there, inputs))
        decades = {"extrapolation_decades": kind.decades(found)}
        return {**arrays_of(found.result), **decades}

    try:
        written = write_plans(
            rows,
            law,
            given,
            options.output or "",
            block_size=options.block_size,
            identity={"verb": verb, "question": question},
            on_part=_progress(),
        )
    except KeyboardInterrupt:
        count = len(list(Path(options.output or "").glob("part-*.parquet")))
        words = f"Stopped: {options.output} has {count:,} part(s). The same command continues."
        click.echo(words, err=True)
        raise
    if options.as_json:
        print_json({"folder": options.output, **vars(written)})
    click.echo(
        f"{options.output}: {written.num_rows:,} rows in {written.total:,} parts; this process "
        f"wrote {written.written:,}, and found {written.found:,} of its parts",
        err=True,
    )


def _check_determined(source: Source, options: PlanOptions) -> None:
    """Check that the runs of the fit determine the sizes of plans; draws show how far they do.

    Raises:
        ValueError: they do not. A table has ranges instead, which a data set has not.
    """
    for caveat in source.caveats:
        show_notice(caveat, "Caveat")
    if source.open_splits and not options.with_draws:
        raise ValueError(
            "the runs do not determine how compute is split between size and tokens, so these "
            "numbers of a plan have no value. Write a table, which has ranges (-o plans.parquet), "
            "or the draws (--draws)"
        )


def _progress() -> Callable[[int, int], None]:
    """What is called after each part: it prints how many are done, every few seconds."""
    due = time.monotonic() + _SECONDS

    def show(done: int, total: int) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + _SECONDS
            click.echo(f"{done:,} of the {total:,} parts of this process are written", err=True)

    return show
