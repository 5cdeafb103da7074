"""Options of several verbs, and the declaration of a verb with its example."""

from collections.abc import Callable

import click

from jaxlaws.cli.options.law_modules import law_module_option


def verb(name: str, *, example: str) -> Callable[[Callable[..., None]], click.Command]:
    r"""Declare a verb of the command line.

    Args:
        name: of the verb.
        example: a command that works, the last lines of the verb's help. Lines that are too long
            are continued after a backslash.
    """
    return click.command(name, epilog="\b\nExample:\n  " + example.replace("\n", "\n  "))


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object instead of a table."
)
_law_option = click.option(
    "--law",
    "law_name",
    metavar="PRESET|FILE",
    default="busbridge2025_refit",
    show_default=True,
    help="The law: the name of a preset, or the file of a saved law or fit.",
)


def law_option(verb: Callable[..., None]) -> Callable[..., None]:
    """Add the options for a law: a preset or a file, and the modules of laws of the user's own."""
    return _law_option(law_module_option(verb))


level_option = click.option(
    "--level",
    default=0.9,
    show_default=True,
    type=click.FloatRange(0.01, 0.999),
    help="Level of the intervals, a fraction.",
)
seed_option = click.option(
    "--seed", default=0, show_default=True, help="Seed of all random numbers, an integer."
)
