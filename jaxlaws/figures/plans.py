"""Pictures of plans over a sweep of budgets."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from jaxlaws.figures.style import house_style, line_with_band, new_figure, quantity_axis

_LABELS = {
    "num_params": "parameters N",
    "num_tokens": "tokens D",
    "num_student_tokens": "student tokens",
    "num_teacher_params": "teacher parameters",
    "num_teacher_tokens": "teacher tokens",
}


def allocation(flops: np.ndarray, plan: Any, *, draws: Any = None, title: str = "") -> Figure:
    """Sizes and tokens, and the loss, against compute.

    Args:
        flops: budgets, shape `(budgets,)`.
        plan: a plan of each.
        draws: plans over a fit's draws, leaves of shape `(draws, budgets)`, drawn as 90% bands.
        title: a line above.
    """
    with house_style():
        figure, (sizes, losses) = new_figure(2)
        for name in (name for name in _LABELS if hasattr(plan, name)):
            cloud = getattr(draws, name) if draws is not None else None
            line_with_band(sizes, flops, getattr(plan, name), draws=cloud, label=_LABELS[name])
        cloud = draws.loss if draws is not None else None
        line_with_band(losses, flops, plan.loss, draws=cloud)
        sizes.set(xlabel="FLOPs", ylabel="optimal size")
        losses.set(xlabel="FLOPs", ylabel="loss there")
        for axis in (sizes.xaxis, sizes.yaxis, losses.xaxis):
            quantity_axis(axis)
        sizes.legend()
        figure.suptitle(title)
    return figure


def strategies(
    flops: np.ndarray,
    losses: Mapping[str, np.ndarray],
    *,
    draws: Mapping[str, np.ndarray] | None = None,
    title: str = "",
) -> Figure:
    """The loss that each strategy reaches, and its distance to the first of them.

    Args:
        flops: budgets, shape `(budgets,)`.
        losses: by strategy, shape `(budgets,)`; the first is what the others are measured against.
        draws: the same over a fit's draws, shape `(draws, budgets)`, drawn as 90% bands; a
            difference is taken draw by draw.
        title: a line above.
    """
    clouds = draws or {}
    base = next(iter(losses))
    with house_style():
        figure, (absolute, relative) = new_figure(2)
        for name, loss in losses.items():
            line_with_band(absolute, flops, loss, draws=clouds.get(name), label=name)
            cloud = clouds[name] - clouds[base] if name in clouds and base in clouds else None
            line_with_band(relative, flops, loss - losses[base], draws=cloud, label=name)
        absolute.set(xlabel="FLOPs", ylabel="loss")
        relative.set(xlabel="FLOPs", ylabel=f"loss above “{base}” (below 0: better)")
        for axis in (absolute.xaxis, relative.xaxis):
            quantity_axis(axis)
        absolute.legend()
        figure.suptitle(title)
    return figure
