"""The paper's contour maps: the gain from a teacher with the crossover, and given teachers.

Teachers have 20 tokens per parameter, unless a map varies them. Compute is counted as in the paper.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from experiments.paper.pictures.curves import PER_PARAM, student, tokens_of, without_teacher
from experiments.paper.pictures.fitted_range import (
    beyond,
    draw_gain,
    shade_map,
    with_note,
)
from jaxlaws.compute import transformer_forward_flops
from jaxlaws.figures.axes import colour_bar, flops_axis, loss_axis, quantity_axis
from jaxlaws.figures.style import INK, house_style, new_figure
from jaxlaws.foundations.annotations import Tree
from jaxlaws.foundations.provenance import Preset
from jaxlaws.foundations.quantities import format_flops, format_quantity
from jaxlaws.planning import DistillationPlan, distill_with

TEACHERS = (5.46e8, 9.75e8, 1.82e9, 2.72e9, 4.82e9, 7.75e9)
_POINTS = 100


class GainMap(NamedTuple):
    """The gain from a teacher on a grid.

    Attributes:
        title: of the panel.
        x: values along x, shape `(points, points)`.
        y: values along y, shape `(points, points)`.
        gain: loss without a teacher minus loss with it, nats, shape `(points, points)`.
        inputs: of the law, and the teacher's as `num_params` and `num_tokens`, by name.
    """

    title: str
    x: np.ndarray
    y: np.ndarray
    gain: np.ndarray
    inputs: Mapping[str, Tree]


def _gain(law: Tree, size: Tree, tokens: Tree, teacher_loss: Tree) -> np.ndarray:
    return without_teacher(law, size, tokens) - student(law, size, tokens, teacher_loss)


def maps_of_students(law: Tree, *, by_flops: bool) -> list[GainMap]:
    """Fig. 6: students by size and tokens; Fig. 14: by size and compute. A map for each teacher."""
    ends = (1e19, 1e22) if by_flops else (1e9, 1e13)
    sizes, y = np.meshgrid(np.geomspace(1e8, 1e10, _POINTS), np.geomspace(*ends, _POINTS))
    tokens = tokens_of(y, sizes) if by_flops else y
    found = []
    for size in TEACHERS:
        teacher_loss = without_teacher(law, size, PER_PARAM * size)
        inputs = {"num_student_params": sizes, "num_student_tokens": tokens}
        gain = _gain(law, sizes, tokens, teacher_loss)
        found.append(GainMap(f"teacher {format_quantity(size)}", sizes, y, gain, inputs))
    return found


def maps_of_teachers(law: Tree) -> list[GainMap]:
    """Fig. 13: teachers by size and compute, a map for each student on 20 tokens per parameter."""
    points = (np.geomspace(1e8, 1.26e10, _POINTS), np.geomspace(1e19, 1e22, _POINTS))
    teachers, flops = np.meshgrid(*points)
    trained = {"num_params": teachers, "num_tokens": tokens_of(flops, teachers)}
    teacher_loss = without_teacher(law, *trained.values())
    inputs = trained | {"teacher_loss": teacher_loss}
    return [
        GainMap(
            f"student {format_quantity(size)}",
            teachers,
            flops,
            _gain(law, size, PER_PARAM * size, teacher_loss),
            inputs,
        )
        for size in (1.98e8, 5.46e8, 9.75e8, 1.82e9)
    ]


def _draw(known: Preset, maps: Sequence[GainMap], columns: int, labels: tuple[str, str]) -> Figure:
    with house_style():
        figure, panels = new_figure(columns, len(maps) // columns, width=3.4, height=3.0)
        drawn = []
        for axes, each in zip(np.ravel(panels), maps, strict=True):
            outside = np.broadcast_to(beyond(known, each.inputs), each.gain.shape)
            quantity_axis(axes.xaxis, labels[0])
            y_axis = flops_axis if "compute" in labels[1] else quantity_axis
            y_axis(axes.yaxis, labels[1])
            drawn.append(draw_gain(axes, each.x, each.y, each.gain, outside))
            axes.set_title(each.title)
        widest = max(drawn, key=lambda each: float(np.ptp(each.get_array())))
        colour_bar(figure, widest, np.ravel(panels).tolist(), "gain from the teacher (nats)")
        return with_note(figure, "thick line: the crossover, where the teacher makes no difference")


def gain_by_tokens(known: Preset) -> Figure:
    """Draw Fig. 6: the gain of distilling over supervised training at equal size and tokens."""
    maps = maps_of_students(known.law, by_flops=False)
    return _draw(known, maps, 3, ("the student's parameters", "the student's tokens"))


def gain_by_teacher(known: Preset) -> Figure:
    """Draw Fig. 13: the same for four students on 20 tokens per parameter, by their teacher."""
    labels = ("the teacher's parameters", "the teacher's compute (FLOPs)")
    return _draw(known, maps_of_teachers(known.law), 4, labels)


def gain_by_flops(known: Preset) -> Figure:
    """Draw Fig. 14: the same at equal size and compute of the student, for six teachers."""
    maps = maps_of_students(known.law, by_flops=True)
    return _draw(known, maps, 3, ("the student's parameters", "the student's compute (FLOPs)"))


GIVEN_STUDENTS = (1e9, 3e9, 1e10, 3e10)
GIVEN_BUDGETS = (1e21, 1e22)


def given_teachers(law: Tree, num_points: int) -> tuple[np.ndarray, np.ndarray, DistillationPlan]:
    """Students of given teachers at fixed compute, with the cost of the logits (Fig. 16).

    Returns:
        Sizes and losses of the teachers, shape `(points,)`, and the plans, shape
        `(budgets, students, points of losses, points of sizes)`. The lowest loss is the E of the
        supervised law.
    """
    sizes, losses = (
        np.geomspace(1e8, 1e12, num_points),
        np.linspace(law.supervised.E, 3, num_points),
    )
    plan = distill_with(
        law,
        flops=np.reshape(GIVEN_BUDGETS, (-1, 1, 1, 1)),
        num_student_params=np.reshape(GIVEN_STUDENTS, (1, -1, 1, 1)),
        teacher_loss=losses[:, None],
        num_teacher_params=sizes,
        forward_flops=transformer_forward_flops,
    )
    return sizes, losses, plan


def fixed_compute(known: Preset) -> Figure:
    """Draw Fig. 16: the loss of a student at fixed compute, by the teacher's size and loss."""
    sizes, losses, plan = given_teachers(known.law, 40)
    outside = beyond(known, plan) | beyond(known, {"num_params": sizes})
    with house_style():
        figure, panels = new_figure(len(GIVEN_STUDENTS), len(GIVEN_BUDGETS), width=3.2, height=2.9)
        for (row, column), axes in np.ndenumerate(panels):
            loss = plan.loss[row, column]
            levels = np.unique(np.quantile(loss, np.linspace(0.05, 0.98, 8)).round(2))
            lines = axes.contour(sizes, losses, loss, levels=levels, cmap="viridis", linewidths=1.0)
            axes.plot(sizes, losses[np.argmin(loss, axis=0)], color=INK, linewidth=1.0)
            shade_map(axes, sizes, losses, outside[row, column])
            axes.clabel(lines, fontsize=7, fmt="%.2f", colors=INK)
            quantity_axis(axes.xaxis, "the teacher's parameters")
            loss_axis(axes.yaxis, "the teacher's loss")
            size = format_quantity(GIVEN_STUDENTS[column])
            axes.set_title(f"student {size}, {format_flops(GIVEN_BUDGETS[row])} FLOPs")
        note = "coloured: the student's loss (nats); dark: the best teacher's loss at a size"
        return with_note(figure, note)


PICTURES = {
    "gain_by_tokens": gain_by_tokens,
    "gain_by_teacher": gain_by_teacher,
    "gain_by_flops": gain_by_flops,
    "fixed_compute": fixed_compute,
}
