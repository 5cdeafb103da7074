"""`jaxlaws predict`: the loss of a run, as a law predicts it."""

from typing import TYPE_CHECKING

import click

from jaxlaws.cli.options.common_options import json_option, law_option, verb
from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.options.parameter_types import SWEEP, SWEEP_OR_NEGATIVE, SWEEP_OR_ZERO
from jaxlaws.cli.options.plan_options import LAW
from jaxlaws.foundations.annotations import Array

if TYPE_CHECKING:
    from jaxlaws.foundations.law import Law

# A size and its tokens have one option each, for a model, a student and a teacher alike.
OPTION_OF = {
    "num_params": "--params",
    "num_tokens": "--tokens",
    "num_student_params": "--student",
    "num_student_tokens": "--tokens",
    "teacher_loss": "--teacher-loss",
}


@verb("predict", example="jaxlaws predict --student 1B --tokens 20B --teacher-loss 2.2")
@law_option
@click.option("--params", type=SWEEP, help="Parameters of the model.")
@click.option("--tokens", type=SWEEP, help="Tokens that the model, or the student, is trained on.")
@click.option("--student", type=SWEEP, help="Parameters of the student.")
@click.option(
    "--teacher-loss", type=SWEEP, help="Validation loss of the teacher, in the unit of the law."
)
@click.option(
    "--input",
    "others",
    multiple=True,
    metavar="NAME=VALUE",
    help="Any other input of the law. Repeatable.",
)
@json_option
def command(law_name: str, as_json: bool, others: tuple[str, ...], **given: Array | None) -> None:
    """Predict the loss of a run from its size, its tokens and the other inputs of a law.

    Each input may be a sweep, low:high:count; sweeps are crossed. A distillation law that gets
    --params instead of --student predicts with its supervised law.
    """
    from jaxlaws.cli.answers.predictions import show

    source = click.get_current_context().meta.get(LAW) or Source(law_name)
    if given["params"] is not None and given["student"] is None:
        source = source.for_supervised_runs()
    names = source.law.input_names
    options = {name: OPTION_OF.get(name, f"--input {name}=…") for name in names}
    values = {f"--{key.replace('_', '-')}": value for key, value in given.items()}
    values |= dict(_other(text, source.law) for text in others)
    values = {option: value for option, value in values.items() if value is not None}
    missing = [option for option in options.values() if option not in values]
    extra = [option for option in values if option not in options.values()]
    if missing or extra:
        what = f"lacks {', '.join(missing)}" if missing else f"does not take {', '.join(extra)}"
        raise click.UsageError(f"{law_name} {what}; its inputs are {', '.join(options.values())}")
    show({name: values[option] for name, option in options.items()}, source, as_json=as_json)


def _other(text: str, law: "Law") -> tuple[str, Array]:
    """An input written NAME=VALUE, with the option that gives this input."""
    name, equals, value = text.partition("=")
    if not equals or name in OPTION_OF:
        known = f": write {OPTION_OF[name]}" if name in OPTION_OF else ""
        raise click.UsageError(f"--input takes NAME=VALUE, got {text!r}{known}")
    from jaxlaws.inputs import inputs_of

    kind = SWEEP
    if name in law.input_names:
        declared = inputs_of(law)[name]
        kind = SWEEP_OR_ZERO if declared.may_be_zero else SWEEP
        kind = SWEEP_OR_NEGATIVE if declared.may_be_negative else kind
    return f"--input {name}=…", kind.convert(value, None, None)
