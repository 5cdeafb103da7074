"""`jaxlaws plan frontier`: the loss of each size against the cost of serving a token."""

from typing import TYPE_CHECKING

import numpy as np

from jaxlaws.cli.answers.presentation import Answered, Presentation
from jaxlaws.cli.output.question_marks import failed, questioned, with_question_marks
from jaxlaws.cli.output.wording import distance
from jaxlaws.foundations.annotations import Array, Json, Tree
from jaxlaws.foundations.text.table_columns import columns, flat, table_of
from jaxlaws.foundations.text.tables import Table
from jaxlaws.planning import Method, Status

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = {
    "num_params": "parameters",
    "inference_flops": "serving (FLOPs/token)",
    "supervised.loss": "loss, train",
    "distilled.loss": "loss, distil",
    "method": "better",
    "efficient": "Pareto-optimal",
}


class ServingFrontier(Presentation):
    """A `Frontier` of one budget: a row for each size.

    Args:
        scenario: name of the scenario.
    """

    picture_of = "every answer"

    def __init__(self, scenario: str) -> None:
        title = f"loss against the cost of serving, scenario {scenario}"
        super().__init__(title, has_draws=False)
        self.scenario = scenario

    def is_infeasible(self, result: Tree) -> bool:
        """Whether the budget pays for none of the sizes."""
        plans = (result.supervised, result.distilled)
        return all(np.all(plan.status == Status.INFEASIBLE) for plan in plans)

    def decades(self, found: Answered) -> Array:
        """How far the better plan of each size lies outside the fitted range, in decades."""
        frontier, source = found.result, found.source
        alone, distilled = source.decades(frontier.supervised), source.decades(frontier.distilled)
        return np.where(frontier.method == Method.DISTILLATION, distilled, alone)

    def document(self, found: Answered) -> dict[str, Json]:
        """The frontier, with the names of the methods."""
        document = super().document(found)
        document["asked"]["scenario"] = self.scenario
        return document

    def file_columns(self, found: Answered, document: dict[str, Json]) -> dict[str, list[Json]]:
        """A row for each size."""
        return columns(document, found.result.loss.shape)

    def table(self, found: Answered, document: dict[str, Json]) -> Table:
        """A row for each size. A plan that is not solved makes the choice of the method unsure."""
        values = flat(document)
        unsure = failed(values["supervised.status"]) | failed(values["distilled.status"])
        choices = {n: questioned(n, values[n], unsure) for n in ("method", "efficient")}
        return table_of(with_question_marks(values) | choices, _COLUMNS, "sizes")

    def notes(self, found: Answered, document: dict[str, Json]) -> list[str]:
        """How far the Pareto-optimal sizes lie outside the fitted range."""
        frontier = found.result
        distils = frontier.method == Method.DISTILLATION
        plans = (frontier.supervised, frontier.distilled)
        masks = (frontier.efficient & ~distils, frontier.efficient & distils)
        farthest = found.source.farthest(*plans, where=masks)
        outside = distance(found.decades[frontier.efficient], farthest)
        return [
            f"A Pareto-optimal size has a lower loss than all smaller sizes. Of these: {outside}"
        ]

    def picture(self, found: Answered) -> "Figure":
        """The loss of each size against the cost of serving a token."""
        from jaxlaws.figures.frontier import loss_against_serving

        return loss_against_serving(
            found.result,
            decades=found.decades,
            unit=found.source.loss_unit,
            title=self.picture_title(found),
        )
