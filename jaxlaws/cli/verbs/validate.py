"""`jaxlaws validate`: how well a law predicts runs that its fit did not see."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jaxlaws.cli.compilation_cache import keep_compiled
from jaxlaws.cli.options.fitting_options import arguments_of_fit, fit_options, read_runs
from jaxlaws.cli.options.parameter_types import json_option
from jaxlaws.cli.output.printing import print_json, print_table

if TYPE_CHECKING:
    from fitting import RunSize

_MEASURES = ("mean", "median", "worst")


def _chosen_rule(rules: dict[str, Any]) -> str:
    given = [name for name, value in rules.items() if value]
    if len(given) != 1:
        raise click.UsageError(
            f"say what the fit is not to see, by one of {', '.join(rules)}; "
            f"got {' and '.join(given) or 'none'}"
        )
    return given[0]


def _check_figure(path: str | None, rule: str) -> None:
    if path is None:
        return
    if rule != "--roll-out":
        raise click.UsageError("--figure draws a roll-out: give --roll-out")
    if Path(path).suffix not in (".png", ".svg", ".pdf"):
        raise click.UsageError(f"cannot draw {path!r}: name a file .png, .svg or .pdf")
    if not Path(path).parent.is_dir():
        raise click.UsageError(f"cannot draw {path!r}: there is no folder {Path(path).parent}")


def _rows(held: Sequence[Any]) -> list[tuple[str, ...]]:
    rows = []
    for each in held:
        told = each.summary()
        first = (told["name"], str(told["num_unseen"]), str(told["num_fitted"]))
        for name, errors in told["errors"].items():
            numbers = (f"{errors[key]:.2f}" for key in _MEASURES)
            rows.append((*first, name, *numbers))
            first = ("", "", "")
    return rows


@click.command("validate")
@click.argument("table", type=click.Path())
@fit_options
@click.option(
    "--hold-out",
    "expression",
    metavar="EXPRESSION",
    help='Hold out the runs of which this is true: "loss < 2.3", "flops > 1e21 and '
    'num_params < 1B", "mix == \'code\'".',
)
@click.option("--group", metavar="COLUMN", help="Hold out each value of a column in turn.")
@click.option("--folds", type=click.IntRange(2), help="Hold out each of so many random parts.")
@click.option(
    "--roll-out",
    type=click.Choice(["flops", "num_params", "num_tokens"]),
    help="Fit the smallest runs, predict all larger ones, and again with ever more fitted.",
)
@click.option(
    "--windows",
    default=5,
    show_default=True,
    type=click.IntRange(1),
    help="Fits of a roll-out.",
)
@click.option("--figure", type=click.Path(), help="Draw a roll-out: a file .png, .svg or .pdf.")
@json_option
def command(
    table: str,
    law_name: str | None,
    expression: str | None,
    group: str | None,
    folds: int | None,
    roll_out: "RunSize | None",
    windows: int,
    figure: str | None,
    columns: tuple[str, ...],
    as_json: bool,
    **of_fit: Any,
) -> None:
    """Fit a law to some runs in TABLE and predict the others.

    Errors are absolute, in per cent of the measured losses, beside those of predictors that know
    less: the mean loss of the fitted runs and, for distilled runs, the supervised law alone.
    """
    rule = _chosen_rule(
        {"--hold-out": expression, "--group": group, "--folds": folds, "--roll-out": roll_out}
    )
    _check_figure(figure, rule)
    keep_compiled()
    from fitting import Status, hold_out
    from fitting.validation import cross_validation

    options = arguments_of_fit(of_fit)
    name, law_type, runs = read_runs(table, columns, law_name)
    click.echo(f"fitting {name} to parts of {table} …", err=True)
    asked, rolled = (law_type, runs), None
    if expression is not None:
        held = [hold_out(*asked, expression, **options)]
    elif group is not None:
        held = cross_validation.leave_one_group_out(*asked, group, **options)
    elif folds is not None:
        held = cross_validation.k_fold(*asked, folds, **options)
    else:
        rolled = cross_validation.roll_out(
            *asked, roll_out or "flops", num_windows=windows, **options
        )
        held = list(rolled.hold_outs)
        if figure is not None:
            from fitting.reporting.fit_figures import roll_out_errors

            roll_out_errors(rolled, title=f"{name}, {table}").savefig(figure)
    for each in held:
        if each.fit.status > Status.CONVERGED:
            click.echo(f"Warning: without {each.name}: {each.fit.status.name}", err=True)
    if as_json:
        print_json(_document(name, table, held, rolled))
    else:
        _print(name, table, held, rolled)
        if figure is not None:
            click.echo(f"drawn in {figure}")


def _document(law_name: str, table: str, held: Sequence[Any], rolled: Any) -> dict[str, Any]:
    from fitting.validation.cross_validation import pooled_errors
    from fitting.validation.hold_outs import error_summary

    document: dict[str, Any] = {
        "law": law_name,
        "table": table,
        "held_out": [each.summary() for each in held],
        "errors": {name: error_summary(errors) for name, errors in pooled_errors(held).items()},
    }
    if rolled is not None:
        document["by"] = rolled.by
        document["by_distance"] = {
            name: rolled.by_distance(name) for name in rolled.hold_outs[0].errors
        }
    return document


def _print(law_name: str, table: str, held: Sequence[Any], rolled: Any) -> None:
    from fitting.validation.cross_validation import pooled_errors
    from fitting.validation.hold_outs import error_summary

    rows = _rows(held)
    if len(held) > 1:
        first = ("all", str(sum(len(each.unseen) for each in held)), "")
        for name, errors in pooled_errors(held).items():
            told = error_summary(errors)
            rows.append((*first, name, *(f"{told[key]:.2f}" for key in _MEASURES)))
            first = ("", "", "")
    columns = ["held out", "runs", "fitted", "predicted by", *(f"{key} %" for key in _MEASURES)]
    print_table(f"{law_name}: errors on runs of {table} that the fit did not see", columns, rows)
    if rolled is None:
        return
    print_table(
        f"errors of the law by distance beyond the largest {rolled.by} fitted",
        ["decades", "predictions", *(f"{key} %" for key in _MEASURES)],
        [
            (
                "{:g} to {:g}".format(*step["decades"]),
                str(step["num_predictions"]),
                *(f"{step[key]:.2f}" for key in _MEASURES),
            )
            for step in rolled.by_distance()
        ],
    )
