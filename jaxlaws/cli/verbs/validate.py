"""`jaxlaws validate`: how well a law predicts runs that its fit did not see."""

from typing import TYPE_CHECKING

import click

from jaxlaws.cli.options.common_options import json_option, output_option, verb
from jaxlaws.cli.options.fitting_options import FitInputs, fit_options
from jaxlaws.cli.output.destinations import PICTURES
from jaxlaws.cli.output.files import write_picture
from jaxlaws.cli.output.notices import show_notice
from jaxlaws.cli.output.printing import print_json
from jaxlaws.cli.output.progress import patience, seconds_of_fits
from jaxlaws.foundations.text.escaping import figure_text

if TYPE_CHECKING:
    from fitting import RunSize


@verb("validate", example='jaxlaws validate my_runs.csv --law chinchilla --hold-out "loss < 2.3"')
@fit_options
@click.option(
    "--hold-out",
    "expression",
    metavar="EXPRESSION",
    help='Hold out the runs for which this is true: "loss < 2.3", "flops > 1e21 and '
    'num_params < 1B", "mix == \'code\'".',
)
@click.option(
    "--group", metavar="COLUMN", help="Hold out the runs of each value of a column in turn."
)
@click.option(
    "--folds",
    type=click.IntRange(2),
    help="Number of random parts of equal size; each part is held out in turn.",
)
@click.option(
    "--roll-out",
    type=click.Choice(["flops", "num_params", "num_tokens"]),
    help="Fit the smallest runs by this quantity and predict all larger runs; then again with "
    "more runs fitted.",
)
@click.option(
    "--windows",
    default=5,
    show_default=True,
    type=click.IntRange(1, 1000),
    help="Number of fits of a roll-out.",
)
@output_option(
    PICTURES,
    "--figure",
    only_these=True,
    help="Picture of a roll-out to write: a file .png, .svg or .pdf. Default: no picture.",
)
@json_option
def command(
    inputs: FitInputs,
    expression: str | None,
    group: str | None,
    folds: int | None,
    roll_out: "RunSize | None",
    windows: int,
    figure: str | None,
    as_json: bool,
) -> None:
    """Fit a law to some runs in TABLE, and compute the errors of its predictions for the others.

    Errors are absolute, in per cent of the measured losses. For comparison the table has the
    errors of simpler predictors: the mean loss of the fitted runs and, for distilled runs, the
    supervised law alone.
    """
    rules = {"--hold-out": expression, "--group": group, "--folds": folds, "--roll-out": roll_out}
    given = [name for name, value in rules.items() if value]
    if len(given) != 1:
        raise click.UsageError(
            f"choose the runs to hold out with one of {', '.join(rules)}; "
            f"got {' and '.join(given) or 'none'}"
        )
    if figure is not None and not roll_out:
        raise click.UsageError("--figure draws a roll-out: give --roll-out")

    options = inputs.options().replaced(bootstrap=0, jackknife=False)
    import fitting
    from jaxlaws.cli.answers.fits.hold_outs import document_of, print_errors

    name, law_type, runs, _ = inputs.read()
    held, rolled = (), None
    count = folds or (windows if roll_out else 1)
    count = len(set(runs.groups(group).tolist())) if group is not None else count
    message = f"fitting {name} to parts of {inputs.table} …"
    with patience(message, at_once=True, expected=seconds_of_fits(count)):
        if expression is not None:
            held = [fitting.hold_out(law_type, runs, expression, options=options)]
        elif group is not None:
            held = fitting.leave_one_group_out(law_type, runs, group, options=options)
        elif folds is not None:
            held = fitting.k_fold(law_type, runs, folds, options=options)
        elif roll_out is not None:
            rolled = fitting.roll_out(
                law_type, runs, roll_out, num_windows=windows, options=options
            )
            held = rolled.hold_outs
    if rolled is not None and figure is not None:
        title = figure_text(f"{name}, {inputs.table}")
        write_picture(figure, fitting.roll_out_errors(rolled, title=title))
        click.echo(f"drawn in {figure}", err=as_json)
    for each in held:
        if each.fit.status > fitting.Status.CONVERGED:
            show_notice(f"without {each.name}: {each.fit.status.name}")
    document = document_of(name, inputs.table, held, rolled)
    print_json(document) if as_json else print_errors(document)
