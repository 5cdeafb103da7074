"""`jaxlaws plan`: what its questions have in common."""

from collections.abc import Callable
from typing import Any

import click

from jaxlaws.cli.options.parameter_types import (
    QUANTITY,
    SWEEP,
    Quantity,
    flops_model_option,
    json_option,
    law_option,
)
from jaxlaws.cli.output.files import check_output_path

SCENARIOS = {
    "free": "FREE_TEACHER",
    "inference": "TEACHER_INFERENCE",
    "pretraining": "TEACHER_PRETRAINING",
    "full": "TEACHER_PRETRAINING_AND_INFERENCE",
}


def _table_path(_: click.Context, parameter: click.Parameter, path: str | None) -> str | None:
    if path is not None:
        try:
            check_output_path(path)
        except (ValueError, OSError) as error:
            raise click.BadParameter(str(error), param=parameter) from None
    return path


flops_option = click.option(
    "--flops", type=SWEEP, required=True, help="The whole budget, or low:high:count for a sweep."
)
inference_option = click.option(
    "--inference-tokens",
    type=Quantity(zero=True),
    default=0.0,
    help="Tokens that the model will serve, paid from the budget.",
)
scenario_option = click.option(
    "--scenario",
    type=click.Choice(list(SCENARIOS)),
    default="full",
    show_default=True,
    help="What of the teacher is paid for: nothing, its logits, its training, or both.",
)
students_option = click.option(
    "--students",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Students that share the teacher, all paid from the budget.",
)
output_option = click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    callback=_table_path,
    help="Write the plans to a table .csv or .parquet, or draw a sweep of --flops as .svg, .png or "
    ".pdf.",
)

within_option = click.option(
    "--within",
    type=QUANTITY,
    metavar="LOSS",
    help="Also tell how freely sizes and tokens may be chosen: the ranges that lose at most so "
    "much, such as 0.01. With a sweep of --flops, -o draws the first of them.",
)

_teacher_option = click.option(
    "--teacher",
    type=QUANTITY,
    help="Parameters of a teacher that exists; the scenario says whether its logits are paid for.",
)
_teacher_loss_option = click.option(
    "--teacher-loss", type=QUANTITY, help="The validation loss of that teacher."
)


def teacher_options(verb: Callable[..., Any]) -> Callable[..., Any]:
    """The options for a teacher that exists: both or none."""
    return _teacher_option(_teacher_loss_option(verb))


def teacher_asked(teacher: float | None, teacher_loss: float | None) -> dict[str, float]:
    """The inputs of a teacher that exists, none without one.

    Raises:
        UsageError: only one of size and loss is given.
    """
    if teacher is None and teacher_loss is None:
        return {}
    if teacher is None or teacher_loss is None:
        raise click.UsageError(
            "a teacher that exists is given by --teacher, its size, and --teacher-loss: "
            f"{'--teacher' if teacher is None else '--teacher-loss'} is missing"
        )
    return {"num_teacher_params": teacher, "teacher_loss": teacher_loss}


def crossed(**values: Any) -> dict[str, Any]:
    """Sweeps crossed with one another, as arrays of one length; numbers alone stay numbers."""
    import numpy as np

    if all(np.ndim(value) == 0 for value in values.values()):
        return values
    grid = np.meshgrid(*(np.atleast_1d(value) for value in values.values()), indexing="ij")
    return {name: axis.ravel() for name, axis in zip(values, grid, strict=True)}


@click.group("plan")
def group() -> None:
    """Plan with a law: how large, how long, distilled or not, and from which teacher."""


def common_options(verb: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a question about one budget."""
    for option in (json_option, output_option, flops_model_option, inference_option):
        verb = option(verb)
    return law_option(flops_option(verb))
