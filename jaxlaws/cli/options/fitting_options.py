"""Options of the verbs that fit: the table of runs, the law, and how the law is fitted."""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from jaxlaws.cli.compilation_cache import keep_compiled
from jaxlaws.cli.options.common_options import is_given, seed_option
from jaxlaws.cli.options.law_modules import law_class_named, law_module_option
from jaxlaws.cli.options.parameter_types import FiniteRange
from jaxlaws.cli.options.reading_options import TableOptions, table_options
from jaxlaws.cli.options.restraint_options import (
    RESTRAINT_OPTIONS,
    bounds_of,
    objective_of,
    pairs,
    priors_of,
)
from jaxlaws.foundations.annotations import Tree
from jaxlaws.foundations.errors import DataError

if TYPE_CHECKING:
    from fitting import FitChanges, FitOptions, Runs, Starts
    from jaxlaws.foundations.law import Law


@dataclasses.dataclass(frozen=True)
class FitInputs:
    """The table of runs, the law and the options of a fit.

    Attributes:
        table: path of the table.
        law_name: name of the law's module, or None.
        like: the file of a fit whose law, columns and options are used where none are given.
        reading: the options of the table.
        others: the other options by the names of their parameters.
    """

    table: str
    law_name: str | None
    reading: TableOptions
    others: Mapping[str, Tree]
    like: str | None = None

    def options(self) -> "FitOptions":
        """The options of the fit.

        Raises:
            UsageError: the text of an option is not written as the option requires.
        """
        keep_compiled()
        from fitting import FitOptions, FitResult

        starts, num_starts = _starts(self.others["starts"])
        given = FitOptions(
            objective=objective_of(self.others["objective_text"], self.others["delta"]),
            num_starts=num_starts,
            starts=starts,
            weights=self.others["weights"],
            freeze=_frozen(self.others["freeze"]),
            tie=pairs("--tie", self.others["ties"]),
            bounds=bounds_of(pairs("--bound", self.others["bounds"])),
            priors=priors_of(pairs("--prior", self.others["priors"])),
            seed=self.others["seed"],
        )
        if self.like is None:
            return given
        like = FitResult.load(self.like).options
        changes: FitChanges = {}
        for parameter, fields in _FIELDS.items():
            for field in fields if is_given(parameter) else ():
                value = getattr(given, field)
                old = getattr(like, field)
                changes[field] = {**old, **value} if isinstance(old, Mapping) else value
        return like.replaced(**changes)

    def read(self) -> "tuple[str, type[Law], Runs, TableOptions]":
        """The name of the law's module, its class, the runs in the table, and how they were read.

        If the law is named by the file of a fit, its class and the columns of its table are used.

        Raises:
            UsageError: no law has this name.
        """
        from difflib import get_close_matches

        from fitting import FitResult
        from jaxlaws import laws
        from jaxlaws.saving import law_class_name

        name, types = self.law_name or self.like, laws.law_types()
        reading = self.reading
        if self.like is not None and name != self.like:
            reading = reading.after(FitResult.load(self.like).reading)
        if name is not None and Path(name).suffix == ".json" and Path(name).is_file():
            fitted = FitResult.load(name)
            reading, name = reading.after(fitted.reading), law_class_name(type(fitted.law))
            types = types | {name: type(fitted.law)}
        elif name is not None and ":" in name:
            types = types | {name: law_class_named(name)}
        if name is not None and name not in types:
            close = get_close_matches(name, types, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise click.UsageError(
                f"no law {name!r}; {hint}the laws are {', '.join(types)}. A law of your own is "
                "named by its file and class, my_laws.py:MyLaw"
            )
        runs = reading.read(self.table, types.get(name or ""))
        if name is None:
            name = "distillation_limit" if "teacher_loss" in runs.inputs else "supervised"
            lacking = {"num_params", "num_tokens"} - set(runs.inputs)
            if len(lacking) == 1:
                (other,) = lacking
                what, alone = {
                    "num_tokens": ("tokens", "the size"), "num_params": ("sizes", "the tokens")
                }[other]  # fmt: skip
                raise DataError(
                    f"{self.table} has no column of {what}, which the law {name} needs: name it "
                    f"with --column {other}=THEIR_NAME. A law of {alone} alone is --law "
                    "compute_floor"
                )
        return name, types[name], runs, reading


_OPTIONS = (
    click.argument("table", type=click.Path()),
    click.option(
        "--law",
        "law_name",
        metavar="LAW",
        help="Name of a law's module, such as chinchilla, the class of a law of your own, such as "
        "my_laws.py:MyLaw, or the file of a fit, whose law and columns are used. Default: "
        "distillation_limit if the table has a column teacher_loss, else supervised.",
    ),
    law_module_option,
    click.option(
        "--like",
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False),
        help="File of a fit: use its law, its columns and its options, except for those that are "
        "given. Default: no file.",
    ),
    click.option(
        "--freeze",
        multiple=True,
        metavar="NAME=VALUE",
        help="Keep a coefficient at a value (E=1.69, w[0]=1, or w=1,2,3 for an array), or a "
        "sub-law at a preset or a saved law or fit (supervised=FILE). Repeatable.",
    ),
    click.option(
        "--delta",
        type=FiniteRange(0, min_open=True),
        default=1e-3,
        show_default=True,
        help="Width of Huber's loss, in units of log loss.",
    ),
    click.option(
        "--starts",
        default="256",
        show_default=True,
        metavar="[METHOD:]NUMBER",
        help="Number of starting points, and how they are chosen: random, quasi-random:256 or "
        "grid:256.",
    ),
    seed_option,
    *RESTRAINT_OPTIONS,
)


def fit_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Add the argument and the options of a verb that fits; the verb receives one `FitInputs`."""

    @functools.wraps(verb)
    def with_options(
        table: str, law_name: str | None, like: str | None, reading: TableOptions, **given: Tree
    ) -> None:
        others = {name: given.pop(name) for name in _FIELDS}
        verb(FitInputs(table, law_name, reading, others, like), **given)

    decorated = table_options(with_options)
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


# The fields of `FitOptions` that each option sets, by the name of the option's parameter.
_FIELDS: dict[str, tuple[str, ...]] = {
    "objective_text": ("objective",),
    "delta": ("objective",),
    "starts": ("starts", "num_starts"),
    "weights": ("weights",),
    "freeze": ("freeze",),
    "ties": ("tie",),
    "bounds": ("bounds",),
    "priors": ("priors",),
    "seed": ("seed",),
}


_MOST_STARTS = 100_000


def _starts(text: str) -> "tuple[Starts, int]":
    """How starts are spread, and their number: `256` is random starts, `grid:256` a grid.

    Raises:
        UsageError: the text is written in another way.
    """
    from fitting import Starts

    known: dict[str, Starts] = {name: name for name in get_args(Starts)}
    how, _, number = text.rpartition(":")
    if number in known and not how:
        how, number = number, "256"
    chosen = known.get(how or "random")
    count = int(number) if number.isdecimal() and len(number) < 10 else 0
    if chosen is None or not 1 <= count <= _MOST_STARTS:
        raise click.UsageError(
            f"--starts takes a number above zero, at most {_MOST_STARTS:,}, alone or after one of "
            f"{', '.join(known)} (grid:256), got {text!r}"
        )
    return chosen, count


def _frozen(texts: tuple[str, ...]) -> dict[str, Tree]:
    """`E=1.69` as a number, `supervised=NAME` as a law, or as a fit with its draws."""
    from fitting import FitResult
    from jaxlaws import presets, saving

    frozen: dict[str, Tree] = {}
    for name, value in pairs("--freeze", texts).items():
        try:
            numbers = [float(each) for each in value.split(",")]
            if not all(map(math.isfinite, numbers)):
                raise click.UsageError(f"--freeze {name}={value}: the value is not finite")
            frozen[name] = numbers if "," in value else numbers[0]
        except ValueError:
            if value not in presets.names() and Path(value).exists():
                is_fit = "fit" in saving.read_json(value)
                frozen[name] = FitResult.load(value) if is_fit else saving.load(value)
            else:
                frozen[name] = presets.load(value)
            if name == "supervised" and hasattr(frozen[name], "supervised"):
                frozen[name] = frozen[name].supervised
    return frozen
