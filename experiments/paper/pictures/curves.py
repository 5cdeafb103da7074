"""The paper's figures of the law itself: students, their tokens and their teachers.

Teachers are trained on 20 tokens per parameter. Compute is counted as in the paper.
"""

import numpy as np
from matplotlib.figure import Figure

from experiments.paper.pictures.fitted_range import Line, beyond, draw_lines, with_note
from fitting import predict
from jaxlaws.compute import transformer_forward_flops
from jaxlaws.figures.axes import legend_above, loss_axis, quantity_axis
from jaxlaws.figures.style import ROLES, house_style, new_figure, ordered_colours
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.provenance import Preset
from jaxlaws.foundations.quantities import format_flops, format_quantity
from jaxlaws.planning import optimal_teacher_loss

PER_PARAM = 20
BUDGETS = (3e19, 1e20, 3e20, 1e21)
_TEACHERS = (5.46e8, 1.82e9, 7.75e9)
_RATIOS = (20, 40, 80, 160, 320)
_TOKENS = (2.5e11, 5e11, 1e12, 4e12)
_TEACHER = {"color": ROLES["teacher"], "linestyle": "--", "linewidth": 1.0}


def student(law: Tree, size: Array, tokens: Array, teacher_loss: Array) -> np.ndarray:
    """Return the loss of a distilled student."""
    inputs = {"num_student_params": size, "num_student_tokens": tokens}
    return np.asarray(predict(law, inputs | {"teacher_loss": teacher_loss}))


def without_teacher(law: Tree, size: Array, tokens: Array) -> np.ndarray:
    """Return the loss of a supervised model."""
    return np.asarray(predict(law.supervised, {"num_params": size, "num_tokens": tokens}))


def tokens_of(flops: Array, size: Array) -> np.ndarray:
    """Return the tokens that a budget trains a model of a size on."""
    return np.asarray(flops / 3 / np.asarray(transformer_forward_flops(size)))


def isoflop_students(known: Preset) -> Figure:
    """Draw Figs. 2 and 39a: students of one budget with one teacher. Dots are the best sizes."""
    sizes = np.geomspace(1e8, 1.26e10, 400)
    with house_style():
        figure, panels = new_figure(len(_TEACHERS), width=3.6)
        for axes, size in zip(panels, _TEACHERS, strict=True):
            teacher_loss = without_teacher(known.law, size, PER_PARAM * size)
            lines = []
            for flops, colour in zip(BUDGETS, ordered_colours(len(BUDGETS)), strict=True):
                tokens = tokens_of(flops, sizes)
                loss = student(known.law, sizes, tokens, teacher_loss)
                inputs = {"num_student_params": sizes, "num_student_tokens": tokens}
                label = f"{format_flops(flops)} FLOPs"
                lines.append(Line(label, colour, loss, beyond(known, inputs)))
                best = np.argmin(loss)
                axes.plot(sizes[best], loss[best], "o", color=colour)
            quantity_axis(axes.xaxis, "the student's parameters")
            draw_lines(axes, sizes, lines)
            axes.axhline(teacher_loss, label="the teacher's loss", **_TEACHER)
            loss_axis(axes.yaxis, "the student's loss")
            legend_above(axes, f"teacher {format_quantity(size)}")
        return with_note(figure, "dots: the best student")


def isoflop_teachers(known: Preset) -> Figure:
    """Draw Fig. 3: students on 20 tokens per parameter, by the teacher of one budget."""
    students = (1.98e8, 5.46e8, 9.75e8, 1.82e9)
    teachers = np.geomspace(1e8, 1.26e10, 400)
    with house_style():
        figure, panels = new_figure(len(students), width=3.3)
        for axes, size in zip(panels, students, strict=True):
            lines = []
            for flops, colour in zip(BUDGETS, ordered_colours(len(BUDGETS)), strict=True):
                trained = {"num_params": teachers, "num_tokens": tokens_of(flops, teachers)}
                teacher_loss = without_teacher(known.law, *trained.values())
                loss = student(known.law, size, PER_PARAM * size, teacher_loss)
                is_beyond = beyond(known, trained | {"teacher_loss": teacher_loss})
                lines.append(Line(f"{format_flops(flops)} FLOPs", colour, loss, is_beyond))
                best = np.argmin(loss)
                axes.plot(teachers[best], loss[best], "o", color=colour)
            quantity_axis(axes.xaxis, "the teacher's parameters")
            draw_lines(axes, teachers, lines)
            alone = without_teacher(known.law, size, PER_PARAM * size)
            axes.axhline(float(alone), label="no teacher", color=ROLES["model"], linestyle="--")
            loss_axis(axes.yaxis, "the student's loss")
            legend_above(axes, f"student {format_quantity(size)}; budget of the teacher")
        return with_note(figure, "dots: the best teacher")


def capacity_gap(known: Preset) -> Figure:
    """Draw Fig. 4: students at 20 to 320 tokens per parameter by teacher. Dots are the best."""
    teachers = np.geomspace(1e8, 1.26e10, 400)
    losses = without_teacher(known.law, teachers, PER_PARAM * teachers)
    trained = {"num_params": teachers, "teacher_loss": losses}
    students = (1.43e8, 1.98e8, 5.46e8)
    with house_style():
        figure, panels = new_figure(len(students), width=3.6)
        for axes, size in zip(panels, students, strict=True):
            lines = []
            for ratio, colour in zip(_RATIOS, ordered_colours(len(_RATIOS)), strict=True):
                loss = student(known.law, size, ratio * size, losses)
                inputs = {"num_student_params": size, "num_student_tokens": ratio * size}
                lines.append(Line(str(ratio), colour, loss, beyond(known, trained | inputs)))
                best = np.argmin(loss)
                if 0 < best < len(loss) - 1:
                    axes.plot(teachers[best], loss[best], "o", color=colour)
            quantity_axis(axes.xaxis, "the teacher's parameters")
            draw_lines(axes, teachers, lines)
            loss_axis(axes.yaxis, "the student's loss")
            legend_above(axes, f"student {format_quantity(size)}; tokens per parameter")
        return with_note(figure, "dots: the best teacher, where it is not the largest one")


def best_teacher(known: Preset) -> Figure:
    """Draw Fig. 7 (above) and Fig. 15 (below): the best teacher's loss and its student's loss."""
    sizes, tokens = np.geomspace(1e8, 1e11, 60), np.geomspace(1e9, 1e13, 60)
    students = (3e8, 1e9, 3e9, 1e10)
    sweeps = {
        "the student's parameters": (sizes, np.meshgrid(sizes, _TOKENS), _TOKENS, "tokens"),
        "the student's tokens": (tokens, np.meshgrid(students, tokens), students, "parameters"),
    }
    with house_style():
        figure, panels = new_figure(2, 2, width=3.8)
        for row, (swept, (x, grid, given, what)) in zip(panels, sweeps.items(), strict=True):
            size, on = grid if len(given) == len(grid[0]) else (each.T for each in grid)
            plan = optimal_teacher_loss(known.law, num_student_params=size, num_student_tokens=on)
            outside = beyond(known, plan)
            drawn = (plan.teacher_loss, plan.loss)
            words = ("the best teacher's loss (nats)", "the student's loss (nats)")
            for axes, values, word in zip(row, drawn, words, strict=True):
                quantity_axis(axes.xaxis, swept)
                quantity_axis(axes.yaxis, word)
                looks = zip(map(format_quantity, given), ordered_colours(len(given)), strict=True)
                lines = [
                    Line(*look, *both)
                    for look, both in zip(looks, zip(values, outside, strict=True), strict=True)
                ]
                draw_lines(axes, x, lines)
                legend_above(axes, f"the student's {what}")
        return with_note(figure)


def unlimited_data(known: Preset) -> Figure:
    """Draw Fig. 40: on unlimited data the best teacher's student equals a supervised model."""
    sizes = np.geomspace(1e8, 1e11, 61)
    plan = optimal_teacher_loss(known.law, num_student_params=sizes, num_student_tokens=1e60)
    supervised = without_teacher(known.law, sizes, np.inf)
    outside = beyond(known, plan)
    with house_style():
        figure, (losses, differences) = new_figure(2, width=3.8)
        quantity_axis(losses.xaxis, "parameters")
        quantity_axis(differences.xaxis, "parameters")
        both = [
            Line("supervised", ROLES["model"], supervised, outside),
            Line("the best teacher's student", ROLES["student"], plan.loss, outside, "--"),
        ]
        draw_lines(losses, sizes, both)
        relative = 100 * (plan.loss / supervised - 1)
        draw_lines(differences, sizes, [Line("", "black", relative, outside)])
        differences.axhline(0, color="0.6", linewidth=0.8)
        loss_axis(losses.yaxis, "loss on unlimited data")
        loss_axis(differences.yaxis, "student relative to supervised", "%")
        legend_above(losses)
        return with_note(figure)


PICTURES = {
    "isoflop_students": isoflop_students,
    "isoflop_teachers": isoflop_teachers,
    "capacity_gap": capacity_gap,
    "best_teacher": best_teacher,
    "unlimited_data": unlimited_data,
}
