"""Notes and warnings on standard error, each once."""

import click

from jaxlaws.cli.output.printing import in_lines

_SHOWN = "jaxlaws.shown"  # key of `click.Context.meta`


def show_notice(text: str, kind: str = "Warning") -> None:
    """Print a note or a warning, unless this command has printed the same sentence.

    A sentence about a table is printed after the name of the table; without the name it counts as
    the same.
    """
    context = click.get_current_context(silent=True)
    shown: list[str] = [] if context is None else context.meta.setdefault(_SHOWN, [])
    if any(each.endswith(text) for each in shown):
        return
    shown.append(text)
    click.echo(in_lines(f"{kind}: {text}", err=True), err=True)
