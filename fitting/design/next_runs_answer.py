"""The answer of `next_runs`: the runs to train, their cost, and what they are expected to give."""

import csv
import dataclasses
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from fitting.design.plan_regret import Regret
from jaxlaws.foundations.annotations import Json, Tree
from jaxlaws.foundations.atomic_files import atomic_write
from jaxlaws.foundations.quantities import format_flops
from jaxlaws.foundations.text.cards import Card, Displayed, cut
from jaxlaws.foundations.text.cells import cell, heading
from jaxlaws.foundations.text.table_columns import frame_of
from jaxlaws.foundations.text.tables import Table
from jaxlaws.inputs import OUTCOME

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COST = "training_cost"


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class NextRuns(Displayed):
    """Runs to train next, those with the largest gain per cost first; `next_runs` makes it.

    Attributes:
        inputs: of each run by name, `(num_runs,)`.
        costs: of each run, `(num_runs,)`.
        places: the places of the runs among the candidates, `(num_runs,)`; None in a free design.
        value: the quantity for the fitted law; the mean of the predicted losses for a region.
        sd: the standard deviation of the quantity before the runs; for a region, the root of the
            mean variance of the predictions, in the unit of the residuals of the fit.
        sd_after: the expected standard deviation after each run and those before it,
            `(num_runs,)`.
        quantile: half the width of the interval, in standard deviations.
        level: the share of the interval.
        noise: the standard deviation of the losses of each run, `(num_runs,)`.
        known_inputs: of the runs of the fit, by name.
        regret: what the plan is expected to lose, before and after the runs; None where no budget
            of a plan was given.
        notes: what to know before relying on the choice.
    """

    inputs: Mapping[str, np.ndarray]
    costs: np.ndarray
    places: np.ndarray | None
    value: float
    sd: float
    sd_after: np.ndarray
    quantile: float
    level: float
    noise: np.ndarray
    known_inputs: Mapping[str, np.ndarray]
    regret: Regret | None = None
    notes: tuple[str, ...] = ()

    @property
    def interval(self) -> tuple[float, float]:
        """The interval of the quantity before the runs."""
        return self.value - self.quantile * self.sd, self.value + self.quantile * self.sd

    @property
    def expected_interval(self) -> tuple[float, float]:
        """The expected interval after all runs, around the same value."""
        sd = self.sd_after[-1] if len(self.sd_after) else self.sd
        return self.value - self.quantile * sd, self.value + self.quantile * sd

    @property
    def train_no_more(self) -> bool:
        """Whether the runs cost more than they are expected to save; False if nothing says so."""
        return self.regret is not None and self.regret.train_no_more

    def sd_by_budget(self) -> np.ndarray:
        """The expected standard deviation after each 10% of the cost, from 0% to 100%, `(11,)`.

        Between two runs it is interpolated in the logarithm.
        """
        spent = np.concatenate([[0.0], np.cumsum(self.costs)])
        logs = np.log(np.concatenate([[self.sd], self.sd_after]))
        return np.exp(np.interp(np.linspace(0, 1, 11) * spent[-1], spent, logs))

    def table(self) -> Table:
        """A row for each run: its inputs, its cost, and the expected deviation after it."""
        heads = [*map(heading, self.inputs), "cost", "deviation after"]
        rows = []
        for i, (cost, sd) in enumerate(zip(self.costs, self.sd_after, strict=True)):
            values = [cell(name, float(each[i])) for name, each in self.inputs.items()]
            rows.append([str(i + 1), *values, format_flops(float(cost)), f"{sd:.3g}"])
        return Table(["run", *heads], rows)

    def to_frame(self) -> Tree:
        """A data frame with a row for each run, of pandas, polars or pyarrow.

        Raises:
            ModuleNotFoundError: none of the three libraries is installed.
        """
        return frame_of(self._columns())

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write a table of the runs as CSV, with an empty column for the losses.

        `Runs.read` reads it when the losses are filled in.

        Raises:
            OSError: the file cannot be written; an older one is left as it was.
        """
        columns = self._columns() | {OUTCOME: [""] * len(self.costs)}
        with atomic_write(path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            for row in zip(*columns.values(), strict=True):
                writer.writerow([_whole(each) for each in row])

    def plot(self, *, title: str = "") -> "Figure":
        """A picture: the runs among those of the fit, and the expected gain by cost."""
        from fitting.reporting.design_figures import runs_to_train  # this room is above

        return runs_to_train(self, title=title)

    def to_dict(self) -> dict[str, Json]:
        """The answer as a JSON object: the runs, the intervals and the regret."""
        columns = self._columns() | {"sd_after": self.sd_after.tolist()}
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        return {
            "runs": rows,
            "value": self.value,
            "sd": self.sd,
            "level": self.level,
            "interval": list(self.interval),
            "expected_interval": list(self.expected_interval),
            "sd_by_budget": self.sd_by_budget().tolist(),
            "train_no_more": self.train_no_more,
            "regret": None if self.regret is None else dataclasses.asdict(self.regret),
            "notes": list(self.notes),
        }

    def remarks(self) -> list[str]:
        """Sentences on copies, on the gain by budget, on the regret, and what to know."""
        after = self.sd_by_budget()
        some = ", ".join(f"{after[i]:.3g} after {10 * i}%" for i in (1, 2, 3, 5, 7))
        found = [
            "If the runs are trained in this order, the standard deviation is expected to fall "
            f"from {self.sd:.3g} now to {some} and {after[-1]:.3g} after all of the cost."
        ]
        rows = [row[1:-2] for row in self.table().rows]
        if any(rows.count(row) > 1 for row in rows):
            found.insert(
                0, "Some runs are listed several times: train each copy with another seed and data."
            )
        if self.regret is not None:
            found.append(_in_words(self.regret))
        return [*found, *self.notes]

    def _columns(self) -> dict[str, list[Json]]:
        inputs = {name: np.asarray(each).tolist() for name, each in self.inputs.items()}
        return inputs | {COST: self.costs.tolist()}

    def _card(self) -> Card:
        if not len(self.costs):
            return Card("No run is chosen", Table([], []), self.notes)
        after = self.expected_interval
        title = (
            f"{len(self.costs)} runs to train next, at a cost of {format_flops(self.costs.sum())} "
            "(FLOPs, unless another cost was given). "
            f"The quantity is {self.value:.4g}, with a {self.level:.0%} interval of "
            f"{self.interval[0]:.4g} to {self.interval[1]:.4g}; after the runs, the expected "
            f"interval is {after[0]:.4g} to {after[1]:.4g}"
        )
        return Card(title, cut(self.table()), self.remarks())


def _whole(number: Json) -> Json:
    """A number for a CSV file: a whole one without `.0`, if a float holds it exactly."""
    is_whole = isinstance(number, float) and number.is_integer() and abs(number) < 2**53
    return int(number) if is_whole else number


def _in_words(regret: Regret) -> str:
    saved = regret.flops[0] - regret.flops[1]
    verdict = (
        "Train no more: the runs cost more than they are expected to save."
        if regret.train_no_more
        else "The runs are expected to save more than they cost."
    )
    return (
        f"The plan for {format_flops(regret.plan_flops)} FLOPs is expected to lose "
        f"{regret.nats[0]:.2g} nats now and {regret.nats[1]:.2g} after the runs, which is worth "
        f"{format_flops(saved)} FLOPs. The runs cost {format_flops(regret.cost)}. {verdict}"
    )
