"""The paper's figures of the law itself: students, their tokens and their teachers.

Teachers are trained on 20 tokens per parameter. Compute is counted as in the paper.
"""

import numpy as np
from matplotlib.figure import Figure

from fitting import predict
from jaxlaws.compute import transformer_forward_flops
from jaxlaws.figures.axes import (
    colour_bar,
    legend_above,
    loss_axis,
    quantity_axis,
)
from jaxlaws.figures.style import ROLES, house_style, new_figure, ordered_colours
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.quantities import format_flops, format_quantity
from jaxlaws.planning import optimal_teacher_loss

_TEACHERS = (5.46e8, 1.82e9, 7.75e9)
_BUDGETS = (3e19, 1e20, 3e20, 1e21)
_PER_PARAM = 20
_RATIOS = (20, 40, 80, 160, 320)
_TOKENS = (2.5e11, 5e11, 1e12, 4e12)


def student(law: Tree, size: Array, tokens: Array, teacher_loss: Array) -> np.ndarray:
    """Return the loss of a distilled student."""
    inputs = {"num_student_params": size, "num_student_tokens": tokens}
    return np.asarray(predict(law, inputs | {"teacher_loss": teacher_loss}))


def without_teacher(law: Tree, size: Array, tokens: Array) -> np.ndarray:
    """Return the loss of a supervised model."""
    return np.asarray(predict(law.supervised, {"num_params": size, "num_tokens": tokens}))


def isoflop_students(law: Tree) -> Figure:
    """Draw Figs. 2 and 39a: students of one budget with one teacher. Dots are the best sizes."""
    sizes = np.geomspace(1e8, 1e10, 400)
    with house_style():
        figure, panels = new_figure(len(_TEACHERS), width=3.6)
        for axes, size in zip(panels, _TEACHERS, strict=True):
            teacher_loss = without_teacher(law, size, _PER_PARAM * size)
            for flops, colour in zip(_BUDGETS, ordered_colours(len(_BUDGETS)), strict=True):
                tokens = flops / 3 / np.asarray(transformer_forward_flops(sizes))
                loss = student(law, sizes, tokens, teacher_loss)
                axes.plot(sizes, loss, color=colour, label=f"{format_flops(flops)} FLOPs")
                best = np.argmin(loss)
                axes.plot(sizes[best], loss[best], "o", color=colour)
            look = {"color": ROLES["teacher"], "linestyle": "--", "linewidth": 1.0}
            axes.axhline(teacher_loss, label="the teacher's loss", **look)
            quantity_axis(axes.xaxis, "the student's parameters")
            loss_axis(axes.yaxis, "the student's loss")
            legend_above(axes, f"teacher {format_quantity(size)}")
    return figure


def capacity_gap(law: Tree) -> Figure:
    """Draw Fig. 4: students at 20 to 320 tokens per parameter by teacher. Dots are the best."""
    teachers = np.geomspace(1e8, 1.26e10, 400)
    losses = without_teacher(law, teachers, _PER_PARAM * teachers)
    students = (1.43e8, 1.98e8, 5.46e8)
    with house_style():
        figure, panels = new_figure(len(students), width=3.6)
        for axes, size in zip(panels, students, strict=True):
            for ratio, colour in zip(_RATIOS, ordered_colours(len(_RATIOS)), strict=True):
                loss = student(law, size, ratio * size, losses)
                axes.plot(teachers, loss, color=colour, label=str(ratio))
                best = np.argmin(loss)
                if 0 < best < len(loss) - 1:
                    axes.plot(teachers[best], loss[best], "o", color=colour)
            quantity_axis(axes.xaxis, "the teacher's parameters")
            loss_axis(axes.yaxis, "the student's loss")
            legend_above(axes, f"student {format_quantity(size)}; tokens per parameter")
    return figure


def gain_over_supervised(law: Tree) -> Figure:
    """Draw Fig. 6: the gain of distilling over supervised training; blue is a gain."""
    sizes, tokens = np.meshgrid(np.geomspace(1e8, 1e10, 120), np.geomspace(1e9, 1e13, 120))
    with house_style():
        figure, panels = new_figure(len(_TEACHERS), width=3.6)
        drawn = []
        for axes, size in zip(panels, _TEACHERS, strict=True):
            teacher_loss = without_teacher(law, size, _PER_PARAM * size)
            gain = without_teacher(law, sizes, tokens) - student(law, sizes, tokens, teacher_loss)
            shades = axes.pcolormesh(
                sizes, tokens, gain, cmap="RdBu", vmin=-0.18, vmax=0.18, rasterized=True
            )
            drawn.append(shades)
            axes.contour(sizes, tokens, gain, levels=[0], colors="black", linewidths=0.8)
            axes.set_title(f"teacher {format_quantity(size)}", fontsize=9)
            quantity_axis(axes.xaxis, "parameters")
            quantity_axis(axes.yaxis, "tokens")
        widest = max(drawn, key=lambda each: float(np.ptp(each.get_array())))
        colour_bar(figure, widest, panels, "gain from the teacher (nats)")
    return figure


def best_teacher(law: Tree) -> Figure:
    """Draw Figs. 7 and 15: the best teacher's loss for a student, and the loss of that student."""
    sizes = np.geomspace(1e8, 1e11, 60)
    with house_style():
        figure, (teachers, students) = new_figure(2, width=3.8)
        for tokens, colour in zip(_TOKENS, ordered_colours(len(_TOKENS)), strict=True):
            plan = optimal_teacher_loss(law, num_student_params=sizes, num_student_tokens=tokens)
            look = {"label": format_quantity(tokens), "color": colour}
            teachers.plot(sizes, plan.teacher_loss, **look)
            students.plot(sizes, plan.loss, **look)
        quantity_axis(teachers.yaxis, "the best teacher's loss (nats)")
        quantity_axis(students.yaxis, "the student's loss (nats)")
        for axes in (teachers, students):
            quantity_axis(axes.xaxis, "the student's parameters")
            legend_above(axes, "the student's tokens")
    return figure


def unlimited_data(law: Tree) -> Figure:
    """Draw Fig. 40: on unlimited data the best teacher's student equals a supervised model."""
    sizes = np.geomspace(1e8, 1e11, 61)
    best = optimal_teacher_loss(law, num_student_params=sizes, num_student_tokens=1e60).loss
    supervised = without_teacher(law, sizes, np.inf)
    with house_style():
        figure, (losses, differences) = new_figure(2, width=3.8)
        losses.plot(sizes, supervised, color=ROLES["model"], label="supervised")
        losses.plot(sizes, best, "--", color=ROLES["student"], label="the best teacher's student")
        differences.plot(sizes, 100 * (best / supervised - 1), color="black")
        differences.axhline(0, color="0.6", linewidth=0.8)
        loss_axis(losses.yaxis, "loss on unlimited data")
        loss_axis(differences.yaxis, "student relative to supervised", "%")
        for axes in (losses, differences):
            quantity_axis(axes.xaxis, "parameters")
        legend_above(losses)
    return figure


PICTURES = {
    "isoflop_students": isoflop_students,
    "capacity_gap": capacity_gap,
    "gain_over_supervised": gain_over_supervised,
    "best_teacher": best_teacher,
    "unlimited_data": unlimited_data,
}
