"""Draw the figure and print the numbers: `python -m experiments.capacity_gap.kernel_regression`."""

from pathlib import Path

import click
import numpy as np
from matplotlib.figure import Figure

from experiments.capacity_gap.kernel_regression import (
    Setting,
    last_flat,
    student_error,
    teacher_error,
)
from jaxlaws.figures.axes import legend_above, loss_axis
from jaxlaws.figures.style import (
    ROLES,
    house_style,
    new_figure,
    ordered_colours,
    save_figure,
    set_title,
)
from jaxlaws.precision import float64

STUDENTS = np.array([300, 400, 500, 600, 700, 800])
TEACHERS = np.arange(1, 1001)


def paper_setting(seed: int = 0) -> Setting:
    """Return the setting of Appendix C.1: 1,000 coefficients in [-1, 1], T = 5, D = 4.5."""
    coefficients = np.random.default_rng(seed).uniform(-1, 1, 1000)
    return Setting(coefficients=coefficients, teacher_norm=5.0, student_norm=4.5)


def draw(setting: Setting) -> Figure:
    """Draw the errors of teacher and students against the teacher's size (Figs. 9 and 10)."""
    with float64():
        of_teacher = np.asarray(teacher_error(setting, TEACHERS))
        of_students = np.asarray(student_error(setting, STUDENTS[:, None], TEACHERS[None, :]))
        flat = np.asarray(last_flat(setting, STUDENTS))
    with house_style():
        figure, axes = new_figure(width=6.0, height=4.0)
        axes.plot(TEACHERS, of_teacher, color=ROLES["teacher"], label="teacher")
        colours = ordered_colours(len(STUDENTS))
        for size, errors, end, colour in zip(STUDENTS, of_students, flat, colours, strict=True):
            axes.plot(TEACHERS, errors, color=colour, label=f"student, n = {size}")
            axes.plot(end, errors[end - 1], "o", color=colour, markersize=4)
        loss_axis(axes.xaxis, "teacher size m", "basis functions")
        loss_axis(axes.yaxis, "error to the target", "")
        legend_above(axes)
        set_title(
            figure, "A stronger teacher can make a worse student (dots: where the rise begins)"
        )
    return figure


@click.command()
@click.option("-o", "--output", default="out/capacity_gap/kernel_regression.svg", show_default=True)
@click.option("--seed", default=0, show_default=True)
def main(output: str, seed: int) -> None:
    """Print and draw the errors of teacher and students against the teacher's size."""
    setting = paper_setting(seed)
    with float64():
        of_students = np.asarray(student_error(setting, STUDENTS[:, None], TEACHERS[None, :]))
        flat = np.asarray(last_flat(setting, STUDENTS))
    print("student  best error  error at m = 1000  constant from m = n to")
    for size, errors, end in zip(STUDENTS, of_students, flat, strict=True):
        print(f"{size:7d}  {errors.min():10.3f}  {errors[-1]:17.3f}  {end:22d}")
    Path(output).parent.mkdir(parents=True, exist_ok=True)
    save_figure(draw(setting), output)
    print(f"drew {output}")


if __name__ == "__main__":
    main()
