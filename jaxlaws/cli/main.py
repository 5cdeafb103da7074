"""The console script `jaxlaws`: the verbs, and how errors are reported."""

import os
import sys
import warnings

import click

from jaxlaws.cli.options.common_options import ARGUMENTS
from jaxlaws.cli.output.notices import show_notice
from jaxlaws.cli.output.printing import in_lines
from jaxlaws.cli.verbs import (
    demo,
    explore,
    fit,
    influence,
    next_runs,
    predict,
    presets,
    replan,
    report,
    validate,
)
from jaxlaws.cli.verbs.plans import group as plan
from jaxlaws.foundations.annotations import Tree


class Failure(click.ClickException):
    """An error in the input: one message, and exit status 2."""

    exit_code = 2

    def format_message(self) -> str:
        """The message, in lines of the terminal; it may contain text from files."""
        return in_lines(self.message, err=True, before="Error: ")


class Verbs(click.Group):
    """A group that reports errors in one message; JAXLAWS_DEBUG=1 shows the traceback instead."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Tree,
    ) -> click.Context:
        """Keep the words of the command line, which saved plans contain."""
        words = [*args]
        context = super().make_context(info_name, args, parent, **extra)
        context.meta[ARGUMENTS] = words
        return context

    def invoke(self, ctx: click.Context) -> object:
        """Run a verb."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            if type(error) is not click.UsageError:  # click words its own errors itself
                raise
            raise click.UsageError(
                in_lines(error.message, err=True, before="Error: "), error.ctx
            ) from None
        except (
            ValueError, TypeError, OSError, ModuleNotFoundError, ArithmeticError, MemoryError,
            RecursionError,
        ) as error:  # fmt: skip
            if isinstance(error, BrokenPipeError) or os.environ.get("JAXLAWS_DEBUG"):
                raise
            is_of_file = isinstance(error, OSError) and error.filename and error.strerror
            words = f"{error.filename}: {error.strerror}" if is_of_file else str(error)
            raise Failure(words or type(error).__name__) from None


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    kind = "Note" if type(message).__name__ == "TableNote" else "Warning"
    show_notice(str(message), kind)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="jaxlaws")
def main() -> None:
    """Fit scaling laws of language models to runs, predict losses, and plan with the laws.

    Quantities are written as 1e22, 3.5e9, 1B or 20T. Verbs print tables; with --json most of
    them print one JSON object.
    """
    warnings.showwarning = _show_warning
    if not sys.warnoptions:
        warnings.simplefilter("default", UserWarning)


for _verb in (
    presets, predict, fit, validate, influence, next_runs, plan, replan, explore, report, demo,
):  # fmt: skip
    main.add_command(_verb.command)
main.add_command(presets.explain)
