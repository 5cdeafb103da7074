"""The paper's figures of plans: the best use of a budget, and its gain."""

from collections.abc import Sequence
from functools import partial
from typing import TypedDict

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.paper.pictures.fitted_range import Line, beyond, draw_lines, with_note
from jaxlaws.compute import ForwardFlops, transformer_forward_flops
from jaxlaws.figures.axes import (
    flops_axis,
    legend_above,
    loss_axis,
    quantity_axis,
    share_axis,
)
from jaxlaws.figures.lines import shade_extrapolation
from jaxlaws.figures.style import ROLES, RULE, house_style, new_figure, ordered_colours
from jaxlaws.foundations.annotations import Tree
from jaxlaws.foundations.provenance import Preset
from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.planning import (
    FREE_TEACHER,
    TEACHER_INFERENCE,
    TEACHER_PRETRAINING,
    TEACHER_PRETRAINING_AND_INFERENCE,
    DistillationPlan,
    Ratios,
    distill,
    relative_cost,
    train_fixed,
)

SCENARIOS = {
    "free": FREE_TEACHER,
    "inference": TEACHER_INFERENCE,
    "pretraining": TEACHER_PRETRAINING,
    "full": TEACHER_PRETRAINING_AND_INFERENCE,
}
STUDENTS = np.array([3e8, 5e8, 1e9, 3e9, 5e9, 1e10, 3e10, 5e10])
BUDGETS = np.geomspace(1e19, 1e26, 57)
RATIO_STUDENTS = np.array([3e8, 1e9, 3e9, 1e10])
_COLOURS = dict(zip(SCENARIOS, ordered_colours(len(SCENARIOS)), strict=True))
QUANTITIES = {
    "num_student_tokens": "the student's tokens",
    "num_teacher_params": "the teacher's parameters",
    "num_teacher_tokens": "the teacher's tokens",
    "teacher_loss": "the teacher's loss (nats)",
    "loss": "the student's loss (nats)",
}


class _Count(TypedDict):
    forward_flops: ForwardFlops


_COUNT: _Count = {"forward_flops": transformer_forward_flops}


def optimal(law: Tree, scenario: str) -> DistillationPlan:
    """Return the best plans of a scenario, shape `(students, budgets)`."""
    return distill(
        law,
        flops=BUDGETS,
        num_student_params=STUDENTS[:, None],
        scenario=SCENARIOS[scenario],
        **_COUNT,
    )


def is_chosen(values: np.ndarray) -> bool:
    """Whether plans choose a quantity: the scenario has it, and it is not at its upper bound."""
    return bool(np.isfinite(values).all() and np.ptp(values) > 0)


def relative_costs(law: Tree, scenario: str, num_points: int = 49) -> tuple[np.ndarray, Ratios]:
    """Return losses to reach, and what distillation costs relative to supervised training.

    The losses go from those of 1e25 FLOPs, the lowest, to those of 1e19 FLOPs.

    Returns:
        The losses and the ratios, shape `(students, points)`.
    """
    sizes = RATIO_STUDENTS[:, None]
    ends = train_fixed(law, flops=np.array([1e25, 1e19]), num_params=sizes, **_COUNT).loss
    targets = np.linspace(ends[:, 0], ends[:, 1], num_points, axis=1)
    costs = relative_cost(
        law,
        target_loss=targets,
        num_student_params=sizes,
        scenario=SCENARIOS[scenario],
        **_COUNT,
    )
    return targets, costs


def _eight_panels() -> tuple[Figure, Sequence[Axes]]:
    figure, panels = new_figure(len(STUDENTS) // 2, 2, width=3.3, height=3.0)
    return figure, panels.ravel()


def gain_by_scenario(known: Preset) -> Figure:
    """Draw Figs. 8 and 17: the gain of the best distilled student over the supervised model."""
    alone = train_fixed(known.law, flops=BUDGETS, num_params=STUDENTS[:, None], **_COUNT)
    plans = {name: optimal(known.law, name) for name in SCENARIOS}
    with house_style():
        figure, panels = _eight_panels()
        for row, axes in enumerate(panels):
            lines = [
                Line(name, _COLOURS[name], (alone.loss - plan.loss)[row], beyond(known, plan)[row])
                for name, plan in plans.items()
            ]
            flops_axis(axes.xaxis)
            draw_lines(axes, BUDGETS, lines)
            axes.axhline(0, color=RULE, linewidth=0.8)
            loss_axis(axes.yaxis, "gain from a teacher")
            axes.set_ylim(-0.06, 0.2)
            legend_above(axes, f"student {format_quantity(STUDENTS[row])}; scenario")
        return with_note(figure, "above 0, distillation is better")


def best_plans(known: Preset, scenario: str) -> Figure:
    """Draw Figs. 18 to 31: what the best plans of a scenario choose, for eight students."""
    plan = optimal(known.law, scenario)
    outside = beyond(known, plan)
    chosen = {name: getattr(plan, name) for name in QUANTITIES if is_chosen(getattr(plan, name))}
    colours = ordered_colours(len(STUDENTS))
    with house_style():
        figure, panels = new_figure(len(chosen), width=3.3)
        for (name, values), axes in zip(chosen.items(), panels, strict=True):
            lines = [
                Line(format_quantity(size), colour, *drawn)
                for size, colour, *drawn in zip(STUDENTS, colours, values, outside, strict=True)
            ]
            flops_axis(axes.xaxis)
            quantity_axis(axes.yaxis, QUANTITIES[name])
            draw_lines(axes, BUDGETS, lines)
            legend_above(axes, f"scenario {scenario}; student")
        return with_note(figure)


def shares(known: Preset, scenario: str) -> Figure:
    """Draw the shares of the compute of these plans; those of the scenario full are Table 3."""
    parts = {"student": "student", "logits": "teacher's logits", "teacher": "teacher's training"}
    plan = optimal(known.law, scenario)
    outside = beyond(known, plan)
    spent = {name: plan.shares[name] for name in parts if np.any(plan.shares[name] > 0)}
    labels, colours = [parts[name] for name in spent], [ROLES[name] for name in spent]
    with house_style():
        figure, panels = _eight_panels()
        for row, (axes, size) in enumerate(zip(panels, STUDENTS.tolist(), strict=True)):
            stack = [each[row] for each in spent.values()]
            axes.stackplot(BUDGETS, stack, labels=labels, colors=colours, alpha=0.8)
            share_axis(axes.yaxis, "share of the compute")
            flops_axis(axes.xaxis)
            shade_extrapolation(axes, BUDGETS, outside[row].astype(float))
            for patch in axes.patches:  # over the stack, so that it can be seen
                patch.set(zorder=3, alpha=0.35)
            title = f"scenario {scenario}, student {format_quantity(size)}"
            legend_above(axes, title, is_stack=True)
        return with_note(figure)


def ratios(known: Preset) -> Figure:
    """Draw Figs. 32 to 34: compute and tokens relative to supervised training, at equal loss."""
    drawn = {name: relative_costs(known.law, name) for name in SCENARIOS}
    with house_style():
        figure, panels = new_figure(len(RATIO_STUDENTS), 2, width=3.3, height=3.0)
        for (row, column), axes in np.ndenumerate(panels):
            what = ("compute", "tokens")[row]
            lines = [
                Line(
                    name,
                    _COLOURS[name],
                    getattr(costs, what)[column],
                    beyond(known, costs.distilled)[column],
                )
                for name, (_, costs) in drawn.items()
            ]
            quantity_axis(axes.yaxis, f"{what} relative to supervised")
            draw_lines(axes, drawn["free"][0][column], lines)
            axes.axhline(1, color=RULE, linewidth=0.8)
            axes.set_ylim(0.1, 10)
            loss_axis(axes.xaxis)
            axes.invert_xaxis()
            legend_above(
                axes, f"student {format_quantity(float(RATIO_STUDENTS[column]))}; scenario"
            )
        return with_note(figure, "below 1, distillation costs less")


def exponents(plan: DistillationPlan) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Fit a power of the compute to what plans choose, by least squares of the logarithms.

    Args:
        plan: plans of shape `(students, budgets)`.

    Returns:
        By quantity, the exponent, and the largest distance of a plan from the power, as a factor;
        both of shape `(students,)`.
    """
    log_flops = np.log(plan.flops[0])
    centred = log_flops - log_flops.mean()
    found = {}
    for name in ("num_student_tokens", "num_teacher_params", "num_teacher_tokens"):
        values = getattr(plan, name)
        if is_chosen(values):
            logs = np.log(values)
            logs = logs - logs.mean(axis=1, keepdims=True)
            slopes = logs @ centred / np.sum(centred**2)
            distance = np.abs(logs - slopes[:, None] * centred[None, :]).max(axis=1)
            found[name] = (slopes, np.exp(distance))
    return found


PICTURES = {
    "gain_by_scenario": gain_by_scenario,
    **{f"best_plans_{name}": partial(best_plans, scenario=name) for name in SCENARIOS},
    **{f"shares_{name}": partial(shares, scenario=name) for name in SCENARIOS if name != "free"},
    "ratios": ratios,
}
