"""`jaxlaws predict`: the loss of a run that a law foretells."""

from typing import Any

import click

from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.options.parameter_types import SWEEP, Sweep, json_option, law_option
from jaxlaws.cli.output.printing import print_json, print_table
from jaxlaws.foundations.law import Law
from jaxlaws.inputs import inputs_of

# The command line has one word for a size and one for its tokens, whoever is trained.
_OPTION_OF = {
    "num_params": "--params",
    "num_tokens": "--tokens",
    "num_student_params": "--student",
    "num_student_tokens": "--tokens",
    "teacher_loss": "--teacher-loss",
}


def _other(text: str, law: Law) -> tuple[str, Any]:
    """An input written NAME=VALUE, by the option that names it."""
    name, equals, value = text.partition("=")
    if not equals or name in _OPTION_OF:
        known = f": write {_OPTION_OF[name]}" if name in _OPTION_OF else ""
        raise click.UsageError(f"--input takes NAME=VALUE, got {text!r}{known}")
    may_be_zero = name in law.input_names and inputs_of(law)[name].may_be_zero
    return f"--input {name}=…", Sweep(zero=may_be_zero).convert(value, None, None)


@click.command("predict")
@law_option
@click.option("--params", type=SWEEP, help="Parameters N.")
@click.option("--tokens", type=SWEEP, help="Tokens that the model, or the student, is trained on.")
@click.option("--student", type=SWEEP, help="Parameters of the student.")
@click.option("--teacher-loss", type=SWEEP, help="The teacher's validation loss.")
@click.option(
    "--input", "others", multiple=True, metavar="NAME=VALUE", help="Any other input of a law."
)
@json_option
def command(law_name: str, as_json: bool, others: tuple[str, ...], **given: Any) -> None:
    """Predict a loss. Each input may be a sweep, low:high:count; sweeps are crossed.

    A distillation law given --params in place of --student answers with its supervised law.
    """
    import numpy as np

    from jaxlaws.foundations.quantities import format_quantity
    from jaxlaws.planning import extrapolation_decades
    from jaxlaws.precision import float64

    source = Source(law_name)
    law = source.law
    if hasattr(law, "supervised") and given["params"] is not None and given["student"] is None:
        law = law.supervised
    options = {name: _OPTION_OF.get(name, f"--input {name}=…") for name in law.input_names}
    values = {f"--{key.replace('_', '-')}": value for key, value in given.items()}
    values |= dict(_other(text, law) for text in others)
    values = {option: value for option, value in values.items() if value is not None}
    missing = [option for option in options.values() if option not in values]
    extra = [option for option in values if option not in options.values()]
    if missing or extra:
        what = f"lacks {', '.join(missing)}" if missing else f"does not take {', '.join(extra)}"
        raise click.UsageError(f"{law_name} {what}; its inputs are {', '.join(options.values())}")
    axes = np.meshgrid(
        *(np.atleast_1d(values[option]) for option in options.values()), indexing="ij"
    )
    inputs = {name: axis.ravel() for name, axis in zip(options, axes, strict=True)}
    with float64():
        losses = np.asarray(law.loss(**inputs))
    decades = np.broadcast_to(
        extrapolation_decades(inputs, source.fitted_range or {}), losses.shape
    )
    if as_json:
        print_json({**inputs, "loss": losses, "extrapolation_decades": decades})
        return
    rows = [
        (
            *(format_quantity(column[row]) for column in inputs.values()),
            f"{losses[row]:.6f}",
            "unknown" if np.isnan(decades[row]) else f"{decades[row]:.1f}",
        )
        for row in range(losses.size)
    ]
    print_table(
        f"{law_name}: predicted loss",
        [*inputs, "loss", "decades outside the fitted range"],
        rows,
    )
