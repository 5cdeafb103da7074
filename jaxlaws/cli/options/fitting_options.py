"""What the verbs that fit have in common: the law, the columns, what is frozen, Huber's delta."""

from collections.abc import Callable
from typing import Any

import click

from jaxlaws.cli.options.law_modules import law_class_named, law_module_option
from jaxlaws.cli.options.restraint_options import (
    RESTRAINT_OPTIONS,
    bounds_of,
    objective_of,
    priors_of,
)

column_option = click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="OURS=THEIRS",
    help="Map a column, such as loss=student_loss. Repeatable.",
)
_OPTIONS = (
    click.option(
        "--law",
        "law_name",
        metavar="LAW",
        help="Name of a law's module, such as chinchilla, or the class of a law of your own, such "
        "as my_laws.py:MyLaw. Default: distillation_limit if the table has a column teacher_loss, "
        "else supervised.",
    ),
    law_module_option,
    column_option,
    click.option(
        "--freeze",
        multiple=True,
        metavar="NAME=VALUE",
        help="Hold a coefficient (E=1.69) or a sub-law (supervised=PRESET or FILE). Repeatable.",
    ),
    click.option(
        "--delta",
        type=click.FloatRange(0, min_open=True),
        default=1e-3,
        show_default=True,
        help="Huber's delta.",
    ),
    click.option(
        "--starts",
        default="256",
        show_default=True,
        metavar="[HOW:]NUMBER",
        help="Starts, and how they are spread: random (256), quasi-random:256 or grid:256.",
    ),
    click.option("--seed", default=0, show_default=True),
    *RESTRAINT_OPTIONS,
)


def fit_options(verb: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a verb that fits."""
    for option in reversed(_OPTIONS):
        verb = option(verb)
    return verb


def _pairs(option: str, texts: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise click.UsageError(f"{option} takes NAME=VALUE, got {text!r}")
        pairs[name.strip()] = value.strip()
    return pairs


def arguments_of_fit(given: dict[str, Any]) -> dict[str, Any]:
    """The keywords of `fitting.fit` that the options stand for, other than the law and runs."""
    return {
        "objective": objective_of(given["objective_text"], given["delta"]),
        **_starts(given["starts"]),
        "weights": given["weights"],
        "freeze": frozen(given["freeze"]),
        "tie": _pairs("--tie", given["ties"]),
        "bounds": bounds_of(_pairs("--bound", given["bounds"])),
        "priors": priors_of(_pairs("--prior", given["priors"])),
        "seed": given["seed"],
    }


def _starts(text: str) -> dict[str, Any]:
    """`256` as so many random starts, `grid:256` as a grid of no more; a way alone has 256.

    Raises:
        UsageError: the text is neither.
    """
    from fitting.minimiser.starts import STARTS

    how, _, number = text.rpartition(":")
    if number in STARTS and not how:
        how, number = number, "256"
    how = how or "random"
    if how not in STARTS or not number.isdecimal() or int(number) < 1:
        raise click.UsageError(
            f"--starts takes a number above zero, alone or after one of {', '.join(STARTS)} "
            f"(grid:256), got {text!r}"
        )
    return {"num_starts": int(number), "starts": how}


def mapped(columns: tuple[str, ...]) -> dict[str, str]:
    """`loss=student_loss` as the table's name for one of ours."""
    return _pairs("--column", columns)


def frozen(texts: tuple[str, ...]) -> dict[str, Any]:
    """`E=1.69` as a number, `supervised=NAME` as a law (or a fit, with its draws)."""
    from pathlib import Path

    from fitting import FitResult
    from jaxlaws import presets, saving

    held: dict[str, Any] = {}
    for name, value in _pairs("--freeze", texts).items():
        try:
            held[name] = float(value)
        except ValueError:
            if value not in presets.names() and Path(value).exists():
                is_fit = "fit" in saving.read_json(value)
                held[name] = FitResult.load(value) if is_fit else saving.load(value)
            else:
                held[name] = presets.load(value)
            if name == "supervised" and hasattr(held[name], "supervised"):
                held[name] = held[name].supervised
    return held


def read_runs(
    table: str, columns: tuple[str, ...], law_name: str | None
) -> tuple[str, type[Any], Any]:
    """A law's module name, its class, and the runs in a table.

    Raises:
        UsageError: there is no such law.
    """
    from difflib import get_close_matches

    from fitting import Runs
    from jaxlaws import laws

    types = laws.law_types()
    if law_name is not None and ":" in law_name:
        types = types | {law_name: law_class_named(law_name)}
    if law_name is not None and law_name not in types:
        close = get_close_matches(law_name, types, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise click.UsageError(
            f"no law {law_name!r}; {hint}there are {', '.join(types)}. A law of your own is named "
            "by its file and class, my_laws.py:MyLaw"
        )
    runs = Runs.read(table, columns=mapped(columns), law_type=types.get(law_name or ""))
    if law_name is None:
        law_name = "distillation_limit" if "teacher_loss" in runs.inputs else "supervised"
    return law_name, types[law_name], runs
