"""`jaxlaws fit`: from a table of runs to a law's coefficients."""

from typing import Any

import click

from jaxlaws.cli.compilation import keep_compiled
from jaxlaws.cli.options import json_option
from jaxlaws.cli.output import print_json, print_table


def _pairs(option: str, texts: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise click.UsageError(f"{option} takes NAME=VALUE, got {text!r}")
        pairs[name.strip()] = value.strip()
    return pairs


def _frozen(texts: tuple[str, ...]) -> dict[str, Any]:
    """`E=1.69` as a number, `supervised=NAME` as a law (or a fit, with its draws)."""
    from pathlib import Path

    from fitting import FitResult
    from jaxlaws import presets, saving

    frozen: dict[str, Any] = {}
    for name, value in _pairs("--freeze", texts).items():
        try:
            frozen[name] = float(value)
        except ValueError:
            if value not in presets.names() and Path(value).exists():
                is_fit = "fit" in saving.read_json(value)
                frozen[name] = FitResult.load(value) if is_fit else saving.load(value)
            else:
                frozen[name] = presets.load(value)
            if name == "supervised" and hasattr(frozen[name], "supervised"):
                frozen[name] = frozen[name].supervised
    return frozen


@click.command("fit")
@click.argument("table", type=click.Path())
@click.option(
    "--law",
    "law_name",
    metavar="LAW",
    help="A law's module name, such as chinchilla. Without: distillation_limit where there is a "
    "column teacher_loss, else supervised.",
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="OURS=THEIRS",
    help="Map a column, such as loss=student_loss. Repeatable.",
)
@click.option(
    "--freeze",
    multiple=True,
    metavar="NAME=VALUE",
    help="Hold a coefficient (E=1.69) or a sub-law (supervised=PRESET or FILE). Repeatable.",
)
@click.option(
    "--delta",
    type=click.FloatRange(0, min_open=True),
    default=1e-3,
    show_default=True,
    help="Huber's delta.",
)
@click.option("--starts", default=256, show_default=True, type=click.IntRange(1), help="Starts.")
@click.option("--bootstrap", default=0, show_default=True, type=click.IntRange(0), help="Draws.")
@click.option("--level", default=0.9, show_default=True, type=click.FloatRange(0.01, 0.999))
@click.option("--seed", default=0, show_default=True)
@click.option("-o", "--output", type=click.Path(), help="Save the fit, for --law of other verbs.")
@json_option
def command(
    table: str,
    law_name: str | None,
    columns: tuple[str, ...],
    freeze: tuple[str, ...],
    delta: float,
    starts: int,
    bootstrap: int,
    level: float,
    seed: int,
    output: str | None,
    as_json: bool,
) -> None:
    """Fit a law to the runs in TABLE (CSV, Parquet or JSON Lines)."""
    keep_compiled()
    from difflib import get_close_matches

    from fitting import Huber, Runs, fit
    from jaxlaws import laws

    mapped = _pairs("--column", columns)
    types = laws.law_types()
    if law_name is not None and law_name not in types:
        close = get_close_matches(law_name, types, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise click.UsageError(f"no law {law_name!r}; {hint}there are {', '.join(types)}")
    frozen = _frozen(freeze)
    runs = Runs.read(table, columns=mapped, law_type=types.get(law_name or ""))
    if law_name is None:
        law_name = "distillation_limit" if "teacher_loss" in runs.inputs else "supervised"
    click.echo(f"fitting {law_name} to {table} …", err=True)
    result = fit(
        types[law_name],
        runs,
        objective=Huber(delta),
        num_starts=starts,
        bootstrap=bootstrap,
        freeze=frozen,
        seed=seed,
    )
    if output:
        result.save(output)
    summary = result.summary(level)
    if as_json:
        print_json(summary)
        return
    rows = [
        (
            name,
            f"{each['value']:.6g}",
            "" if each["low"] is None else f"{each['low']:.6g}",
            "" if each["high"] is None else f"{each['high']:.6g}",
        )
        for name, each in summary["coefficients"].items()
    ]
    print_table(
        f"{law_name}: {summary['num_runs']} runs, objective {summary['objective']:.6g}, "
        f"{summary['status']}, {summary['starts_agreeing']:.0%} of {starts} starts agree",
        ["coefficient", "value", f"low ({level:.0%})", "high"],
        rows,
    )
    for note in result.identifiability.notes:
        click.echo(note)
    for warning in result.warnings:
        click.echo(f"Warning: {warning}", err=True)
    if output:
        click.echo(f"saved to {output}")
