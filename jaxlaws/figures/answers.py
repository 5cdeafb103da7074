"""The picture of an answer of a planning function, by its kind."""

from typing import TYPE_CHECKING

import numpy as np

from jaxlaws.figures.catalogue import teacher_catalogue
from jaxlaws.figures.decisions import decision
from jaxlaws.figures.frontier import loss_against_serving
from jaxlaws.figures.one_decision import single_decision
from jaxlaws.figures.plans import allocation, single_plan
from jaxlaws.figures.style import data_uri
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.quantities import format_flops
from jaxlaws.planning import (
    Comparison,
    Frontier,
    TeacherChoice,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def picture_of(answer: Tree, flops: Array | None = None, *, title: str = "") -> "Figure":
    """The picture that `plot` of an answer returns; see there.

    Raises:
        TypeError: there is no picture of this kind of answer.
        ValueError: the answer is neither a single plan nor a sweep of budgets.
    """
    if isinstance(answer, Frontier):
        return loss_against_serving(answer, title=title)
    if not isinstance(answer, (Comparison, TeacherChoice)):
        if not (hasattr(answer, "shares") and hasattr(answer, "flops")):
            raise TypeError(
                f"there is no picture of a {type(answer).__name__}: draw the columns of to_frame()"
            )
        if np.ndim(answer.loss) == 0:
            return single_plan(answer, title=title or _of_single(answer))
    if isinstance(answer, Comparison) and np.ndim(answer.winner) == 0:
        return single_decision(answer, title=title)
    if isinstance(answer, TeacherChoice):
        names = [f"teacher {index}" for index in range(np.shape(answer.ranking)[-1])]
        if np.ndim(answer.best) == 0:
            return teacher_catalogue(answer, names, title=title)
        spent = answer.supervised.flops
        budgets = _rising(spent if flops is None else flops)
        return teacher_catalogue(answer, names, flops=budgets, title=title)
    plans = answer.options.values() if isinstance(answer, Comparison) else [answer]
    if flops is None:
        flops = np.fmax.reduce([plan.flops for plan in plans])
    budgets = _rising(flops)
    if isinstance(answer, Comparison):
        return decision(budgets, answer, title=title)
    return allocation(budgets, answer, title=title)


def _of_single(plan: Tree) -> str:
    """The title of a single plan."""
    return f"loss {float(plan.loss):.4f} with {format_flops(float(plan.flops))} FLOPs"


def _rising(flops: Array) -> np.ndarray:
    """The budgets of a sweep.

    Raises:
        ValueError: they do not rise along one axis.
    """
    budgets = np.asarray(flops, dtype=float)
    if budgets.ndim != 1 or budgets.size < 2 or not np.all(np.diff(budgets) > 0):
        raise ValueError(
            "a picture shows answers for rising budgets, an array of one axis: plan with "
            "flops=np.geomspace(1e20, 1e24, 20), and give these budgets to plot(flops=)"
        )
    return budgets


def uri_of(answer: Tree) -> str:
    """The picture of a sweep as an address; empty for an answer of which there is no picture."""
    try:
        return data_uri(picture_of(answer))
    except (TypeError, ValueError):
        return ""
