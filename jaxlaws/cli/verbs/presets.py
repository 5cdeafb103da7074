"""What the package knows: `jaxlaws presets`, the published laws; `jaxlaws explain`, the terms."""

import textwrap

import click

from jaxlaws.cli.options.common_options import json_option, verb


@verb("presets", example="jaxlaws presets besiroglu2024")
@click.argument("name", required=False)
@json_option
def command(name: str | None, as_json: bool) -> None:
    """List the published laws, or describe the law NAME: its coefficients, source and data."""
    from jaxlaws.cli.answers.published_laws import show_all, show_one

    show_all(as_json=as_json) if name is None else show_one(name, as_json=as_json)


@verb("explain", example="jaxlaws explain ON_BOUND")
@click.argument("term")
def explain(term: str) -> None:
    """Print the entry of the glossary on TERM: a status, a scenario or another term."""
    from jaxlaws.foundations.text.glossary import entries_of

    entries = entries_of(term)
    for entry in entries:
        where = f"{entry.section}. " if len(entries) > 1 else ""
        click.echo(textwrap.fill(f"{where}{entry.text}", 80))
