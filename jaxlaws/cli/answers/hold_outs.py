"""`jaxlaws validate`: errors on the runs that a fit did not see."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import click

from fitting import HoldOut, Status
from fitting.validation.cross_validation import RollOut, pooled
from fitting.validation.hold_outs import sizes_of
from jaxlaws.annotations import Json
from jaxlaws.cli.output.printing import Table, print_json, print_table

_MEASURES = ("mean", "median", "worst")
_HEADS = [f"{measure} %" for measure in _MEASURES]


@dataclasses.dataclass(frozen=True)
class Validation:
    """The hold-outs of a law.

    Attributes:
        law_name: name of the law's module.
        table: path of the table of runs.
        held: the hold-outs.
        rolled: the roll-out that they are of, if any.
    """

    law_name: str
    table: str
    held: Sequence[HoldOut]
    rolled: RollOut | None

    def show(self, figure: str | None, *, as_json: bool) -> None:
        """Print the errors, as tables or as JSON, and draw a roll-out where `figure` is given."""
        if figure is not None and self.rolled is not None:
            from fitting.reporting.fit_figures import roll_out_errors

            title = f"{self.law_name}, {self.table}"
            roll_out_errors(self.rolled, title=title).savefig(figure)
        for each in self.held:
            if each.fit.status > Status.CONVERGED:
                click.echo(f"Warning: without {each.name}: {each.fit.status.name}", err=True)
        if as_json:
            print_json(self.document())
            return
        title = f"{self.law_name}: errors on runs of {self.table} that the fit did not see"
        print_table(title, self._errors())
        if self.rolled is not None:
            print_table(*_errors_by_distance(self.rolled))
        if figure is not None:
            click.echo(f"drawn in {figure}")

    def document(self) -> dict[str, Json]:
        """The errors as a JSON object."""
        document: dict[str, Json] = {
            "law": self.law_name,
            "table": self.table,
            "held_out": [each.summary() for each in self.held],
            "errors": {name: sizes_of(errors) for name, errors in pooled(self.held).items()},
        }
        if self.rolled is not None:
            by_distance = {name: self.rolled.by_distance(name) for name in self.held[0].errors}
            document |= {"by": self.rolled.by, "by_distance": by_distance}
        return document

    def _errors(self) -> Table:
        rows = []
        for each in self.held:
            summary = each.summary()
            first = [summary["name"], str(summary["num_unseen"]), str(summary["num_fitted"])]
            rows += _rows(first, summary["errors"])
        if len(self.held) > 1:
            total = str(sum(len(each.unseen) for each in self.held))
            rows += _rows(["all", total, ""], self.document()["errors"])
        return Table(["held out", "runs", "fitted", "predicted by", *_HEADS], rows)


def _rows(first: Sequence[str], errors: Mapping[str, Mapping[str, float]]) -> Iterable[list[str]]:
    """A row for each predictor; the first cells are in the first row only."""
    for name, sizes in errors.items():
        yield [*first, name, *(f"{sizes[measure]:.2f}" for measure in _MEASURES)]
        first = ["", "", ""]


def _errors_by_distance(rolled: RollOut) -> tuple[str, Table]:
    rows = [
        [
            "{:g} to {:g}".format(*step["decades"]),
            str(step["num_predictions"]),
            *(f"{step[measure]:.2f}" for measure in _MEASURES),
        ]
        for step in rolled.by_distance()
    ]
    title = f"errors of the law by distance beyond the largest {rolled.by} fitted"
    return title, Table(["decades", "predictions", *_HEADS], rows)
