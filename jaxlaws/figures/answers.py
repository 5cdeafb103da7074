"""The picture of an answer of a planning function, by its kind."""

from typing import TYPE_CHECKING

import numpy as np

from jaxlaws.figures.frontier import loss_against_serving
from jaxlaws.figures.plans import allocation, decision
from jaxlaws.figures.style import data_uri
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning import Comparison, DistillationPlan, Frontier, SupervisedPlan

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def picture_of(answer: Tree, flops: Array | None = None, *, title: str = "") -> "Figure":
    """The picture that `plot` of an answer returns; see there.

    Raises:
        TypeError: there is no picture of this kind of answer.
        ValueError: the answer is not a sweep of budgets.
    """
    if isinstance(answer, Frontier):
        return loss_against_serving(answer, title=title)
    if not isinstance(answer, (Comparison, SupervisedPlan, DistillationPlan)):
        raise TypeError(
            f"there is no picture of a {type(answer).__name__}: draw the columns of to_frame()"
        )
    plans = answer.options.values() if isinstance(answer, Comparison) else [answer]
    if flops is None:
        flops = np.fmax.reduce([plan.flops for plan in plans])
    budgets = np.asarray(flops, dtype=float)
    if budgets.ndim != 1 or budgets.size < 2 or not np.all(np.diff(budgets) > 0):
        raise ValueError(
            "a picture shows answers for rising budgets, an array of one axis: plan with "
            "flops=np.geomspace(1e20, 1e24, 20), and give these budgets to plot(flops=)"
        )
    if isinstance(answer, Comparison):
        return decision(budgets, answer, title=title)
    return allocation(budgets, answer, title=title)


def uri_of(answer: Tree) -> str:
    """The picture of a sweep as an address; empty for an answer of which there is no picture."""
    try:
        return data_uri(picture_of(answer))
    except (TypeError, ValueError):
        return ""
