"""The paper's figures of plans: the best use of a budget, and its gain."""

from typing import TypedDict

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from jaxlaws.compute import ForwardFlops, transformer_forward_flops
from jaxlaws.figures.style import COLOURS, house_style, new_figure, quantity_axis
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
_BUDGETS = np.geomspace(1e20, 1e26, 61)
_COMPUTE = "compute, FLOPs"


class _Count(TypedDict):
    forward_flops: ForwardFlops


_COUNT: _Count = {"forward_flops": transformer_forward_flops}


def gain_by_scenario(law: Tree) -> Figure:
    """Draw Figs. 8 and 17: the best distilled student's loss minus the supervised model's."""
    with house_style():
        figure, panels = new_figure(len(_STUDENTS), width=2.8, height=2.9)
        for axes, size in zip(panels, _STUDENTS, strict=True):
            alone = train_fixed(law, flops=_BUDGETS, num_params=size, **_COUNT)
            for name, scenario in _SCENARIOS.items():
                plan = _distilled(law, size, scenario)
                axes.plot(_BUDGETS, plan.loss - alone.loss, label=name)
            axes.axhline(0, color="0.4", linewidth=0.8)
            axes.set_title(f"student {format_quantity(size)}", fontsize=9)
            quantity_axis(axes.xaxis, _COMPUTE)
        panels[0].set_ylabel("distilled minus supervised, nats")
        panels[0].legend(title="charged", fontsize=7, title_fontsize=7)
    return figure


def allocation(law: Tree) -> Figure:
    """Draw Figs. 28 to 31: sizes and tokens of the best plan in the scenario full."""
    with house_style():
        figure, panels = new_figure(len(_STUDENTS), 2, width=2.8, height=2.6)
        for (tokens, sizes), size in zip(np.transpose(panels), _STUDENTS, strict=True):
            plan = _distilled(law, size, TEACHER_PRETRAINING_AND_INFERENCE)
            tokens.plot(_BUDGETS, plan.num_student_tokens, label="student's tokens")
            tokens.plot(_BUDGETS, plan.num_teacher_tokens, label="teacher's tokens")
            sizes.plot(_BUDGETS, plan.num_teacher_params, color=COLOURS[2], label="teacher")
            sizes.axhline(size, color="0.4", linestyle="--", linewidth=0.8, label="student")
            tokens.set_title(f"student {format_quantity(size)}", fontsize=9)
            quantity_axis(tokens.xaxis, "")
            quantity_axis(sizes.xaxis, _COMPUTE)
            for axes in (tokens, sizes):
                quantity_axis(axes.yaxis, "")
        panels[0, 0].set_ylabel("tokens")
        panels[1, 0].set_ylabel("parameters")
        for axes in panels[:, 0]:
            axes.legend(fontsize=7)
    return figure


def shares(law: Tree) -> Figure:
    """Draw Table 3: the shares of the compute of these plans."""
    parts = {"student": "student", "logits": "teacher's logits", "teacher": "teacher's training"}
    with house_style():
        figure, panels = new_figure(len(_STUDENTS), width=2.8, height=2.6)
        for axes, size in zip(panels, _STUDENTS, strict=True):
            plan = _distilled(law, size, TEACHER_PRETRAINING_AND_INFERENCE)
            spent = [plan.shares[name] for name in parts]
            axes.stackplot(_BUDGETS, spent, labels=parts.values(), colors=COLOURS[:3], alpha=0.7)
            axes.set_title(f"student {format_quantity(size)}", fontsize=9)
            axes.set(ylim=(0, 1), xlim=(_BUDGETS[0], _BUDGETS[-1]))
            axes.yaxis.set_major_formatter(PercentFormatter(1))
            quantity_axis(axes.xaxis, _COMPUTE)
        panels[0].legend(fontsize=7, frameon=True)
    return figure


def ratios(law: Tree) -> Figure:
    """Draw Figs. 32 to 34: compute and tokens relative to supervised training, at equal loss."""
    with house_style():
        figure, panels = new_figure(len(_STUDENTS), 2, width=2.8, height=2.6)
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
                    axes.plot(targets, ratio, label=name)
            column[0].set_title(f"student {format_quantity(size)}", fontsize=9)
            column[1].set_xlabel("loss")
            for axes in column:
                axes.axhline(1, color="0.4", linewidth=0.8)
                axes.set(yscale="log", ylim=(0.1, 10))
                axes.invert_xaxis()
        panels[0, 0].set_ylabel("compute relative to supervised")
        panels[1, 0].set_ylabel("tokens relative to supervised")
        panels[0, 0].legend(title="charged", fontsize=7, title_fontsize=7)
    return figure


def _distilled(law: Tree, size: float, scenario: Scenario) -> Tree:
    return distill(law, flops=_BUDGETS, num_student_params=size, scenario=scenario, **_COUNT)


PICTURES = {
    "gain_by_scenario": gain_by_scenario,
    "allocation": allocation,
    "shares": shares,
    "ratios": ratios,
}
