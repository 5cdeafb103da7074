"""The paper's figures of plans: the best use of a budget, and its gain."""

from typing import TypedDict

import numpy as np
from matplotlib.figure import Figure

from jaxlaws.compute import ForwardFlops, transformer_forward_flops
from jaxlaws.figures.axes import (
    flops_axis,
    legend_above,
    loss_axis,
    quantity_axis,
    share_axis,
)
from jaxlaws.figures.style import ROLES, RULE, house_style, new_figure, ordered_colours
from jaxlaws.foundations.annotations import Tree
from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.planning import (
    FREE_TEACHER,
    TEACHER_INFERENCE,
    TEACHER_PRETRAINING,
    TEACHER_PRETRAINING_AND_INFERENCE,
    Scenario,
    distill,
    relative_cost,
    train_fixed,
)

_STUDENTS = (3e8, 1e9, 3e9, 1e10)
_SCENARIOS = {
    "free teacher": FREE_TEACHER,
    "teacher's logits": TEACHER_INFERENCE,
    "teacher's training": TEACHER_PRETRAINING,
    "both": TEACHER_PRETRAINING_AND_INFERENCE,
}
_COLOURS = dict(zip(_SCENARIOS, ordered_colours(len(_SCENARIOS)), strict=True))
_BUDGETS = np.geomspace(1e20, 1e26, 61)


class _Count(TypedDict):
    forward_flops: ForwardFlops


_COUNT: _Count = {"forward_flops": transformer_forward_flops}


def gain_by_scenario(law: Tree) -> Figure:
    """Draw Figs. 8 and 17: the gain of the best distilled student over the supervised model."""
    with house_style():
        figure, panels = new_figure(len(_STUDENTS), width=3.3, height=3.2)
        for axes, size in zip(panels, _STUDENTS, strict=True):
            alone = train_fixed(law, flops=_BUDGETS, num_params=size, **_COUNT)
            for name, scenario in _SCENARIOS.items():
                plan = _distilled(law, size, scenario)
                axes.plot(_BUDGETS, alone.loss - plan.loss, color=_COLOURS[name], label=name)
            axes.axhline(0, color=RULE, linewidth=0.8)
            flops_axis(axes.xaxis)
            loss_axis(axes.yaxis, "gain from a teacher")
            legend_above(axes, f"student {format_quantity(size)}; charged:")
    return figure


def allocation(law: Tree) -> Figure:
    """Draw Figs. 28 to 31: sizes and tokens of the best plan in the scenario full."""
    with house_style():
        figure, panels = new_figure(len(_STUDENTS), 2, width=3.3, height=3.0)
        for (tokens, sizes), size in zip(np.transpose(panels), _STUDENTS, strict=True):
            plan = _distilled(law, size, TEACHER_PRETRAINING_AND_INFERENCE)
            drawn = {
                "student": (plan.num_student_tokens, np.full(_BUDGETS.shape, size)),
                "teacher": (plan.num_teacher_tokens, plan.num_teacher_params),
            }
            for role, both in drawn.items():
                for axes, values in zip((tokens, sizes), both, strict=True):
                    axes.plot(_BUDGETS, values, color=ROLES[role], label=role)
            for axes, label in ((tokens, "tokens"), (sizes, "parameters")):
                flops_axis(axes.xaxis)
                quantity_axis(axes.yaxis, label)
                legend_above(axes, f"student {format_quantity(size)}")
    return figure


def shares(law: Tree) -> Figure:
    """Draw Table 3: the shares of the compute of these plans."""
    parts = {"student": "student", "logits": "teacher's logits", "teacher": "teacher's training"}
    with house_style():
        figure, panels = new_figure(len(_STUDENTS), width=3.3, height=3.2)
        for axes, size in zip(panels, _STUDENTS, strict=True):
            plan = _distilled(law, size, TEACHER_PRETRAINING_AND_INFERENCE)
            spent = [plan.shares[name] for name in parts]
            colours = [ROLES[name] for name in parts]
            axes.stackplot(_BUDGETS, spent, labels=parts.values(), colors=colours, alpha=0.8)
            axes.set_xlim(_BUDGETS[0], _BUDGETS[-1])
            share_axis(axes.yaxis, "share of the compute")
            flops_axis(axes.xaxis)
            legend_above(axes, f"student {format_quantity(size)}", is_stack=True)
    return figure


def ratios(law: Tree) -> Figure:
    """Draw Figs. 32 to 34: compute and tokens relative to supervised training, at equal loss."""
    with house_style():
        figure, panels = new_figure(len(_STUDENTS), 2, width=3.3, height=3.0)
        for column, size in zip(np.transpose(panels), _STUDENTS, strict=True):
            first, last = train_fixed(
                law, flops=np.array([1e19, 1e25]), num_params=size, **_COUNT
            ).loss
            targets = np.linspace(first, last, 49)
            for name in ("free teacher", "teacher's logits", "both"):
                costs = relative_cost(
                    law,
                    target_loss=targets,
                    num_student_params=size,
                    scenario=_SCENARIOS[name],
                    **_COUNT,
                )
                for axes, ratio in zip(column, (costs.compute, costs.tokens), strict=True):
                    axes.plot(targets, ratio, color=_COLOURS[name], label=name)
            for axes, what in zip(column, ("compute", "tokens"), strict=True):
                axes.axhline(1, color=RULE, linewidth=0.8)
                quantity_axis(axes.yaxis, f"{what} relative to supervised")
                axes.set_ylim(0.1, 10)
                loss_axis(axes.xaxis)
                axes.invert_xaxis()
                legend_above(axes, f"student {format_quantity(size)}; charged:")
    return figure


def _distilled(law: Tree, size: float, scenario: Scenario) -> Tree:
    return distill(law, flops=_BUDGETS, num_student_params=size, scenario=scenario, **_COUNT)


PICTURES = {
    "gain_by_scenario": gain_by_scenario,
    "allocation": allocation,
    "shares": shares,
    "ratios": ratios,
}
