"""Options of several verbs, and the declaration of a verb with its example."""

import os
import re
from collections.abc import Callable, Iterator

import click

from jaxlaws.cli.options.law_modules import LAW_FILES, law_module_option
from jaxlaws.cli.options.parameter_types import FiniteRange
from jaxlaws.cli.output.destinations import (
    Suffixes,
    check_data_set,
    check_destination,
    check_suffix,
    is_data_set,
)
from jaxlaws.foundations.annotations import Tree

ARGUMENTS = "jaxlaws.arguments"  # key of `click.Context.meta`: the words of the command line
_FORCE = "jaxlaws.force"


class OutputOption(click.Option):
    """An option that names a file to write; the verb checks the file before it does anything.

    Attributes:
        suffixes: the suffixes of the files that the verb writes, and what such a file contains.
        only_these: whether the file must have one of these suffixes.
        folders: whether a folder, for a data set, may be named instead.
    """

    suffixes: Suffixes
    only_these: bool
    folders: bool


def output_option(
    suffixes: Suffixes,
    *names: str,
    only_these: bool = False,
    folders: bool = False,
    **settings: Tree,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add an option that names a file to write, `-o` if not named otherwise, and `--force`."""

    class Declared(OutputOption):
        """The option, with the files that its verb writes."""

    Declared.suffixes, Declared.only_these, Declared.folders = suffixes, only_these, folders
    return click.option(*(names or ("-o", "--output")), cls=Declared, type=click.Path(), **settings)


class Verb(click.Command):
    """A verb that checks where it will write before it does anything."""

    def __init__(self, *arguments: Tree, **settings: Tree) -> None:
        super().__init__(*arguments, **settings)
        if any(isinstance(each, OutputOption) for each in self.params):
            self.params.append(_force_option())

    def get_short_help_str(self, limit: int = 0) -> str:
        """The whole first sentence of the help, which lists of verbs wrap."""
        first = " ".join((self.help or "").split("\n\n")[0].split())
        return re.split(r"(?<=\.) ", first)[0]

    def invoke(self, ctx: click.Context) -> object:
        """Check the files to write, then run the verb."""
        outputs = [each for each in self.params if isinstance(each, OutputOption)]
        written = {each.name for each in outputs}
        inputs = [
            name
            for key, value in ctx.params.items()
            if key not in written
            for name in _files_named(value)
        ]
        inputs += ctx.meta.get(LAW_FILES, [])
        for option in outputs:
            path = ctx.params[option.name]
            if path is None:
                continue
            try:
                if option.folders and is_data_set(path):
                    check_data_set(path)
                    continue
                if option.only_these:
                    check_suffix(path, option.suffixes, folders=option.folders)
                force = ctx.meta.get(_FORCE, False)
                check_destination(path, option.suffixes, inputs, force=force)
            except (ValueError, OSError) as error:
                raise click.BadParameter(str(error), ctx, option) from None
        return super().invoke(ctx)


def _files_named(value: object) -> Iterator[str]:
    """The files among the values of an option, also in texts such as `E=FILE` and `FILE:Law`."""
    if isinstance(value, tuple):
        for each in value:
            yield from _files_named(each)
    if isinstance(value, str):
        for text in (value, value.partition("=")[2], value.rpartition(":")[0]):
            # Path.is_file raises OSError for a text that is too long for a name; isfile does not.
            if text and os.path.isfile(text):  # noqa: PTH113
                yield text


def _force_option() -> click.Option:
    def keep(ctx: click.Context, _: click.Parameter, force: bool) -> None:
        ctx.meta[_FORCE] = force

    return click.Option(
        ["--force"],
        is_flag=True,
        expose_value=False,
        callback=keep,
        help="Replace an existing file of another kind, or a read-only file. An input is never "
        "replaced.",
    )


def verb(name: str, *, example: str) -> Callable[[Callable[..., None]], click.Command]:
    r"""Declare a verb of the command line.

    Args:
        name: of the verb.
        example: a command that works, the last lines of the verb's help. Lines that are too long
            are continued after a backslash.
    """
    return click.command(name, cls=Verb, epilog="\b\nExample:\n  " + example.replace("\n", "\n  "))


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object instead of a table."
)


def is_given(parameter: str) -> bool:
    """Whether the user gave an option of the verb, by the name of its parameter."""
    source = click.get_current_context().get_parameter_source(parameter)
    return source is not click.core.ParameterSource.DEFAULT


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
    type=FiniteRange(0.01, 0.999),
    help="Level of the intervals, a fraction.",
)
MOST_DRAWS = 1_000_000
seed_option = click.option(
    "--seed",
    default=0,
    show_default=True,
    type=click.IntRange(0, 2**31 - 1),
    help="Seed of all random numbers, an integer.",
)
