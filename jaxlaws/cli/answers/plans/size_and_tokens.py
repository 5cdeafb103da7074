"""Plans of sizes and tokens, of one model or of a student and its teacher."""

from typing import TYPE_CHECKING

from jaxlaws.cli.answers.presentation import Answered, Presentation

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class SizeAndTokens(Presentation):
    """A `SupervisedPlan` or a `DistillationPlan`; a sweep of budgets has a picture."""

    picture_of = "a sweep of --flops"

    def picture(self, found: Answered) -> "Figure":
        """Sizes, tokens, loss and shares of the compute against the budget."""
        from jaxlaws.figures.plans import allocation

        return allocation(
            found.inputs["flops"],
            found.result,
            draws=found.draws,
            decades=found.decades,
            title=self.heading(found),
        )
