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
@click.argument("term", required=False)
def explain(term: str | None) -> None:
    """Print the entry of the glossary on TERM: a status, a scenario or another term.

    Without TERM, it lists all terms.
    """
    from jaxlaws import presets
    from jaxlaws.foundations.text.glossary import entries_of, terms

    if term in presets.names():
        lines = [f"{term} is a preset: `jaxlaws presets {term}` describes it."]
    elif term is None:
        lines = [f"{section}: {', '.join(words)}" for section, words in terms().items()]
    else:
        entries = entries_of(term)
        several = len(entries) > 1
        lines = [f"{each.section}. {each.text}" if several else each.text for each in entries]
    for line in lines:
        click.echo(textwrap.fill(line, 80))
