"""Options of the verbs that read a table of runs: its columns, units and rows."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import click

from jaxlaws.cli.options.restraint_options import pairs
from jaxlaws.foundations.annotations import Json, Tree

if TYPE_CHECKING:
    from fitting import Runs
    from jaxlaws.foundations.law import Law

ABOUT = ("table", "date")  # what a saved fit says about its table, besides these options
_NAMES = ("columns", "units", "outcome", "where", "checkpoints", "best_of", "allow")
column_option = click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="OURS=THEIRS",
    help="Name of a column in the table for one of our names, such as loss=student_loss. Usual "
    "names are found without it. Repeatable.",
)
_OPTIONS = (
    column_option,
    click.option(
        "--unit",
        "units",
        multiple=True,
        metavar="NAME=UNIT",
        help="Unit of a column: K, M, B, T, P, E, Z, PF-days or a number, such as num_tokens=B; "
        "log10 or ln where it holds logarithms. "
        "Default: the unit in the header, such as Tokens (B). Repeatable.",
    ),
    click.option(
        "--outcome",
        type=click.Choice(["nats", "bits", "perplexity"]),
        help="What the outcome is; bits and perplexity are converted to nats. Default: nats.",
    ),
    click.option(
        "--where",
        metavar="EXPRESSION",
        help="Read only the rows for which this is true, such as \"state == 'finished'\" or "
        '"loss < 5". Default: all rows.',
    ),
    click.option(
        "--checkpoints",
        type=click.Choice(["last", "all"]),
        help="Where rows are checkpoints of runs: read the last row of each run, or all rows. "
        "Default: last.",
    ),
    click.option(
        "--best-of",
        is_flag=True,
        help="Of rows with equal inputs, read only the one with the lowest outcome. Default: all "
        "rows.",
    ),
    click.option(
        "--allow",
        multiple=True,
        metavar="CHECK",
        help="Read the table although this check finds its numbers implausible; the message of "
        "the check gives its name. Repeatable.",
    ),
)


@dataclasses.dataclass(frozen=True)
class TableOptions:
    """How a table of runs is read.

    Attributes:
        columns: title of each column by the name of an input.
        others: the options of `Runs.read` that were given.
    """

    columns: Mapping[str, str]
    others: Mapping[str, Json]

    @classmethod
    def of(cls, given: Mapping[str, Tree]) -> "TableOptions":
        """The options of a command line, by the names of their parameters.

        Raises:
            UsageError: an option is not written as NAME=VALUE.
        """
        others = {name: given[name] for name in ("outcome", "where", "checkpoints", "best_of")}
        others["loss_unit"] = others.pop("outcome")
        others |= {"units": pairs("--unit", given["units"]), "allow": list(given["allow"])}
        others = {name: value for name, value in others.items() if value}
        return cls(pairs("--column", given["columns"]), others)

    @classmethod
    def of_stored(cls, stored: Mapping[str, Json]) -> "TableOptions":
        """The options in the file of a fit."""
        return cls({}, {}).after(stored)

    def stored(self) -> dict[str, Json]:
        """The options as the file of a fit stores them."""
        return {"columns": dict(self.columns), **self.others}

    def as_words(self) -> list[str]:
        """The options as words of a command line."""
        pairs_of = {"--column": self.columns, "--unit": self.others.get("units", {})}
        words = [
            word
            for option, pairs in pairs_of.items()
            for name, value in pairs.items()
            for word in (option, f"{name}={value}")
        ]
        for name in ("loss_unit", "where", "checkpoints"):
            if self.others.get(name):
                option = "--outcome" if name == "loss_unit" else f"--{name}"
                words += [option, str(self.others[name])]
        words += ["--best-of"] if self.others.get("best_of") else []
        return words + [word for each in self.others.get("allow", ()) for word in ("--allow", each)]

    def after(self, stored: Mapping[str, Json]) -> "TableOptions":
        """These options, and those of the file of a fit that are not given."""
        given = self.stored()
        merged = {n: {**stored.get(n, {}), **given.get(n, {})} for n in ("columns", "units")}
        others = {**stored, **given, **merged}
        others = {name: value for name, value in others.items() if name not in ABOUT}
        return TableOptions(others.pop("columns"), others)

    def read(self, path: str, law_type: "type[Law] | None") -> "Runs":
        """The runs in a table.

        Raises:
            DataError: the table is not one of runs; the message gives the remedy.
            OSError: the file cannot be opened.
        """
        from fitting import Runs

        return Runs.read(path, self.columns, law_type, **self.others)


def table_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a table of runs; the verb receives one `TableOptions`, `reading`."""

    @functools.wraps(verb)
    def with_options(**given: Tree) -> None:
        own = {name: given.pop(name) for name in _NAMES}
        verb(reading=TableOptions.of(own), **given)

    for option in reversed(_OPTIONS):
        with_options = option(with_options)
    return with_options
