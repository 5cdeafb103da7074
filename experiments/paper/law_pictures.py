"""The paper's figures of the law itself: students, their tokens and their teachers.

Teachers are trained on 20 tokens per parameter. Compute is counted as in the paper.
"""

import numpy as np
from matplotlib.figure import Figure

from fitting import predict
from jaxlaws.compute import transformer_forward_flops
from jaxlaws.figures.style import COLOURS, house_style, new_figure, quantity_axis
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.planning import optimal_teacher_loss

_TEACHERS = (5.46e8, 1.82e9, 7.75e9)
_BUDGETS = (3e19, 1e20, 3e20, 1e21)
_PER_PARAM = 20


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
        figure, panels = new_figure(len(_TEACHERS), width=3.2)
        for axes, size in zip(panels, _TEACHERS, strict=True):
            teacher_loss = without_teacher(law, size, _PER_PARAM * size)
            for flops in _BUDGETS:
                tokens = flops / 3 / np.asarray(transformer_forward_flops(sizes))
                loss = student(law, sizes, tokens, teacher_loss)
                (line,) = axes.plot(sizes, loss, label=f"{flops:.0e} FLOPs".replace("+", ""))
                best = np.argmin(loss)
                axes.plot(sizes[best], loss[best], "o", color=line.get_color())
            axes.axhline(teacher_loss, color="0.5", linestyle="--", linewidth=0.8)
            axes.set_title(f"teacher {format_quantity(size)} (dashed: its loss)", fontsize=9)
            quantity_axis(axes.xaxis, "student's parameters")
        panels[0].set_ylabel("student's loss")
        panels[0].legend(fontsize=7)
    return figure


def capacity_gap(law: Tree) -> Figure:
    """Draw Fig. 4: students at 20 to 320 tokens per parameter by teacher. Dots are the best."""
    teachers = np.geomspace(1e8, 1.26e10, 400)
    losses = without_teacher(law, teachers, _PER_PARAM * teachers)
    students = (1.43e8, 1.98e8, 5.46e8)
    with house_style():
        figure, panels = new_figure(len(students), width=3.2)
        for axes, size in zip(panels, students, strict=True):
            for ratio in (20, 40, 80, 160, 320):
                loss = student(law, size, ratio * size, losses)
                (line,) = axes.plot(teachers, loss, label=f"{ratio} tokens per parameter")
                best = np.argmin(loss)
                if 0 < best < len(loss) - 1:
                    axes.plot(teachers[best], loss[best], "o", color=line.get_color())
            axes.set_title(f"student {format_quantity(size)}", fontsize=9)
            quantity_axis(axes.xaxis, "teacher's parameters")
        panels[0].set_ylabel("student's loss")
        panels[-1].legend(fontsize=7)
    return figure


def gain_over_supervised(law: Tree) -> Figure:
    """Draw Fig. 6: student's loss minus that of supervised training; blue is a gain."""
    sizes, tokens = np.meshgrid(np.geomspace(1e8, 1e10, 120), np.geomspace(1e9, 1e13, 120))
    with house_style():
        figure, panels = new_figure(len(_TEACHERS), width=3.2)
        for axes, size in zip(panels, _TEACHERS, strict=True):
            teacher_loss = without_teacher(law, size, _PER_PARAM * size)
            gain = student(law, sizes, tokens, teacher_loss) - without_teacher(law, sizes, tokens)
            axes.pcolormesh(
                sizes, tokens, gain, cmap="RdBu_r", vmin=-0.18, vmax=0.18, rasterized=True
            )
            axes.contour(sizes, tokens, gain, levels=[0], colors="black", linewidths=0.8)
            axes.set_title(f"teacher {format_quantity(size)}", fontsize=9)
            quantity_axis(axes.xaxis, "parameters")
            quantity_axis(axes.yaxis, "tokens")
        figure.colorbar(
            panels[0].collections[0], ax=panels, label="distilled minus supervised, nats"
        )
    return figure


def best_teacher(law: Tree) -> Figure:
    """Draw Figs. 7 and 15: the best teacher's loss for a student, and the loss of that student."""
    sizes = np.geomspace(1e8, 1e11, 60)
    with house_style():
        figure, (teachers, students) = new_figure(2, width=3.8)
        for tokens in (2.5e11, 5e11, 1e12, 4e12):
            plan = optimal_teacher_loss(law, num_student_params=sizes, num_student_tokens=tokens)
            label = f"{format_quantity(tokens)} tokens"
            teachers.plot(sizes, plan.teacher_loss, label=label)
            students.plot(sizes, plan.loss, label=label)
        teachers.set_ylabel("best teacher's loss")
        students.set_ylabel("student's loss")
        for axes in (teachers, students):
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter("{x:.1f}")
            axes.yaxis.set_minor_formatter("{x:.1f}")
            quantity_axis(axes.xaxis, "student's parameters")
        teachers.legend(fontsize=7)
    return figure


def unlimited_data(law: Tree) -> Figure:
    """Draw Fig. 40: on unlimited data the best teacher's student equals a supervised model."""
    sizes = np.geomspace(1e8, 1e11, 61)
    best = optimal_teacher_loss(law, num_student_params=sizes, num_student_tokens=1e60).loss
    supervised = without_teacher(law, sizes, np.inf)
    with house_style():
        figure, (losses, differences) = new_figure(2, width=3.8)
        losses.plot(sizes, supervised, color=COLOURS[0], label="supervised")
        losses.plot(sizes, best, "--", color=COLOURS[1], label="best teacher's student")
        differences.plot(sizes, 100 * (best / supervised - 1), color="black")
        differences.axhline(0, color="0.6", linewidth=0.8)
        losses.set_ylabel("loss on unlimited data")
        differences.set_ylabel("student relative to supervised, %")
        for axes in (losses, differences):
            quantity_axis(axes.xaxis, "parameters")
        losses.legend()
    return figure


PICTURES = {
    "isoflop_students": isoflop_students,
    "capacity_gap": capacity_gap,
    "gain_over_supervised": gain_over_supervised,
    "best_teacher": best_teacher,
    "unlimited_data": unlimited_data,
}
