"""The console script `jaxlaws`: its verbs, and how it fails."""

import os
import sys
import warnings
from typing import Any

import click

from jaxlaws.cli.options import plan_options as plan
from jaxlaws.cli.verbs import (
    demo,
    fit,
    plan_compare,
    plan_crossover,
    plan_distill,
    plan_frontier,
    plan_serve,
    plan_train,
    predict,
    presets,
    report,
    validate,
)


class Failure(click.ClickException):
    """Bad input: one message, exit status 2."""

    exit_code = 2


class Verbs(click.Group):
    """Turns the package's errors into one message; JAXLAWS_DEBUG=1 shows the traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a verb."""
        try:
            return super().invoke(ctx)
        except (ValueError, TypeError, OSError, ModuleNotFoundError) as error:
            if isinstance(error, BrokenPipeError) or os.environ.get("JAXLAWS_DEBUG"):
                raise
            raise Failure(str(error)) from None


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    click.echo(f"Warning: {message}", err=True)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="jaxlaws")
def main() -> None:
    """Scaling laws for language models: fit them to runs, predict with them.

    Quantities read 1e22, 3.5e9, 1B, 20T. Each verb prints a table; with --json, one JSON object.
    """
    warnings.showwarning = _show_warning
    if not sys.warnoptions:
        warnings.simplefilter("default", UserWarning)


for _plan in (
    plan_train,
    plan_distill,
    plan_serve,
    plan_frontier,
    plan_compare,
    plan_crossover,
):
    plan.group.add_command(_plan.command)
for _verb in (
    presets.command,
    predict.command,
    fit.command,
    validate.command,
    plan.group,
    report.command,
    demo.command,
):
    main.add_command(_verb)
