"""`jaxlaws presets`: the published laws, or one of them in detail."""

import click

from jaxlaws.cli.options.common_options import json_option, verb


@verb("presets", example="jaxlaws presets besiroglu2024")
@click.argument("name", required=False)
@json_option
def command(name: str | None, as_json: bool) -> None:
    """List the published laws, or describe the law NAME: its coefficients, source and data."""
    from jaxlaws.cli.answers.published_laws import show_all, show_one

    show_all(as_json=as_json) if name is None else show_one(name, as_json=as_json)
