"""A number that follows from a law, as `verbs/question_text.py` reads it from a text."""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

from jaxlaws.foundations.annotations import Array
from jaxlaws.foundations.text.cells import heading

if TYPE_CHECKING:
    from jaxlaws.foundations.law import Law


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Quantity:
    """A number that a plan or a prediction has, as a function of the law.

    Attributes:
        text: the question as the user wrote it.
        name: the name of the number in the answer, such as `options.distil.loss`; for a difference
            both names.
        is_log: whether `function` returns the natural logarithm of the number. It does so for
            sizes, tokens, FLOPs and dollars: a change by .01 is then one of 1%. Losses, margins
            and shares stay as they are.
        function: from a law to the number, in JAX.
    """

    text: str
    name: str
    is_log: bool
    function: "Callable[[Law], Array]"

    @property
    def title(self) -> str:
        """What the number is called, such as `parameters`."""
        return " minus ".join(heading(name) for name in self.name.split(" - "))
