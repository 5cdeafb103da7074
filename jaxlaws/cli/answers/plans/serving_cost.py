"""`jaxlaws plan serve` in money: what training and serving cost on given hardware."""

from collections.abc import Mapping

from jaxlaws.annotations import Array, Tree
from jaxlaws.cli.answers.presentation import Answered, Presentation
from jaxlaws.cli.output.wording import WORDS

_WORDS = {
    **{name: WORDS[name] for name in ("num_params", "num_tokens", "loss")},
    "dollars": "dollars",
    "training_dollars": "of that, training",
    "serving_dollars": "of that, serving",
}


class ServingCost(Presentation):
    """A `PricedPlan`: size, tokens and loss of its plan, and dollars."""

    def __init__(self) -> None:
        super().__init__("training and serving in money", words=_WORDS)

    def decades(self, found: Answered) -> Array:
        """How far each plan lies outside the fitted range, in decades."""
        return found.source.decades(found.result.plan)

    def _fields(self, result: Tree) -> Mapping[str, Array]:
        # Without the FLOPs and shares of the plan, which are priced as training.
        names = ("num_params", "num_tokens", "loss", "status", "active_bounds")
        return vars(result) | {name: getattr(result.plan, name) for name in names}
