"""`jaxlaws predict`: the loss of a run that a law foretells."""

from typing import Any

import click

from jaxlaws.cli.options import SWEEP, Source, json_option, law_option
from jaxlaws.cli.output import print_json, print_table

# The command line has one word for a size and one for its tokens, whoever is trained.
_OPTION_OF = {
    "num_params": "--params",
    "num_tokens": "--tokens",
    "num_student_params": "--student",
    "num_student_tokens": "--tokens",
    "teacher_loss": "--teacher-loss",
}


@click.command("predict")
@law_option
@click.option("--params", type=SWEEP, help="Parameters N.")
@click.option("--tokens", type=SWEEP, help="Tokens that the model, or the student, is trained on.")
@click.option("--student", type=SWEEP, help="Parameters of the student.")
@click.option("--teacher-loss", type=SWEEP, help="The teacher's validation loss.")
@json_option
def command(law_name: str, as_json: bool, **given: Any) -> None:
    """Predict a loss. Each input may be a sweep, low:high:count; sweeps are crossed.

    A distillation law given --params in place of --student answers with its supervised law.
    """
    import numpy as np

    from jaxlaws.planning import extrapolation_decades
    from jaxlaws.precision import float64
    from jaxlaws.quantities import format_quantity

    source = Source(law_name)
    law = source.law
    if hasattr(law, "supervised") and given["params"] is not None and given["student"] is None:
        law = law.supervised
    options = {name: _OPTION_OF[name] for name in law.input_names}
    keys = {name: option[2:].replace("-", "_") for name, option in options.items()}
    missing = [options[name] for name in keys if given[keys[name]] is None]
    extra = [f"--{key.replace('_', '-')}" for key in given if given[key] is not None]
    extra = [option for option in extra if option not in options.values()]
    if missing or extra:
        what = f"lacks {', '.join(missing)}" if missing else f"does not take {', '.join(extra)}"
        raise click.UsageError(f"{law_name} {what}; its inputs are {', '.join(options.values())}")
    axes = np.meshgrid(*(np.atleast_1d(given[key]) for key in keys.values()), indexing="ij")
    inputs = {name: axis.ravel() for name, axis in zip(keys, axes, strict=True)}
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
            *(format_quantity(values[row]) for values in inputs.values()),
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
