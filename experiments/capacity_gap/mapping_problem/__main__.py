"""`python -m experiments.capacity_gap.mapping_problem`: train networks and test for a U shape."""

import csv
import time
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np

from experiments.capacity_gap.mapping_problem.problem import share_kept_by_rejection
from experiments.capacity_gap.mapping_problem.training import Params, Setting, evaluate, train
from experiments.capacity_gap.mapping_problem.verdict import u_shape
from jaxlaws.figures.axes import legend_above, loss_axis, quantity_axis
from jaxlaws.figures.style import (
    ROLES,
    house_style,
    new_figure,
    ordered_colours,
    save_figure,
)

SCALES = {
    # students, teachers' widths, teachers' lengths (of the widest), setting
    "small": (
        (64, 128, 181),
        (64, 96, 128, 181, 256, 362),
        (150, 500, 1000, 2000, 5500),
        Setting(5),
    ),
    "narrow": (  # contexts without a label are drawn again; nothing else is changed
        (16, 32, 64),
        (16, 32, 48, 64, 96, 128, 181),
        (50, 150, 300, 500, 800, 1500),
        Setting(5, share_of_easy=share_kept_by_rejection()),
    ),
    "tiny": ((4,), (4, 8, 16), (50, 100, 150), Setting(2, 64, 1e-2, 50, 1.0)),
}
TRAINED = Path(__file__).with_name("small.csv")  # the table of `--scale small --seed 0`
COLUMNS = ("sweep", "teacher", "student", "trial", "loss", "accuracy")
SWEEPS = {"width": "teacher width", "length": "steps of the widest teacher"}


def rows(scale: str, seed: int) -> Iterator[tuple]:
    """Yield the rows of the table, one per network; the student is empty for a teacher."""
    students, widths, lengths, setting = SCALES[scale]
    taught = [("width", width, width, setting.steps(width)) for width in widths]
    taught += [("length", steps, max(widths), steps) for steps in lengths]
    done: dict[tuple[int, int], list[tuple]] = {}  # the two sweeps share a teacher
    for sweep, teacher, width, steps in taught:
        if (width, steps) not in done:
            trained = train(setting, width, steps, seed)
            measured: list[tuple[int | str, Params]] = [("", trained)]
            for student in students:
                student_params = train(setting, student, setting.steps(student), seed + 1, trained)
                measured.append((student, student_params))
            done[width, steps] = [row for each in measured for row in _measured(*each, setting)]
        yield from ((sweep, teacher, *row) for row in done[width, steps])


def _measured(student: int | str, params: Params, setting: Setting) -> Iterator[tuple]:
    """Yield a row for each trial: student (empty for the teacher), trial, loss, accuracy."""
    measures = zip(*evaluate(params, setting), strict=True)
    for trial, (loss, accuracy) in enumerate(measures):
        yield student, trial, round(float(loss), 5), round(float(accuracy), 5)


def losses(table: list[tuple], sweep: str) -> dict[int | str, np.ndarray]:
    """Return the losses `(trials, teachers)` of each student; the teachers have an empty name."""
    found: dict[int | str, dict[int, list[float]]] = {}
    for kind, teacher, student, _, loss, _ in table:
        if kind == sweep:
            found.setdefault(student, {}).setdefault(teacher, []).append(loss)
    return {student: np.array(list(some.values())).T for student, some in found.items()}


def read_table(file: Path) -> list[tuple]:
    """Read the rows of a table that this command wrote."""
    with file.open(newline="") as lines:
        return [
            (
                sweep,
                int(teacher),
                student and int(student),
                int(trial),
                float(loss),
                float(accuracy),
            )
            for sweep, teacher, student, trial, loss, accuracy in list(csv.reader(lines))[1:]
        ]


def print_medians(table: list[tuple]) -> None:
    """Print medians over trials, and the test for a U shape of each student's curve."""
    for sweep, label in SWEEPS.items():
        teachers = list(dict.fromkeys(row[1] for row in table if row[0] == sweep))
        click.echo(f"{label:28}" + "".join(f"{each:9d}" for each in teachers) + "   U shape")
        for student, each in losses(table, sweep).items():
            result = ""
            if student != "":
                verdict = u_shape(each)
                result = (
                    f"   {'yes' if verdict.is_u else 'no'}, p = {verdict.p_value:.3f}, "
                    f"falls {verdict.fall:+.3f}, rises {verdict.rise:+.3f}"
                )
            name = f"student, width {student}" if student != "" else "teacher"
            medians = "".join(f"{median:9.3f}" for median in np.median(each, axis=0))
            click.echo(f"{name:28}{medians}{result}")


def draw_figure(table: list[tuple], folder: Path) -> None:
    """Draw medians and quartile bands over the trials, one figure for each sweep."""
    for sweep, label in SWEEPS.items():
        teachers = list(dict.fromkeys(row[1] for row in table if row[0] == sweep))
        with house_style():
            figure, axes = new_figure(width=6.0, height=4.0)
            found = losses(table, sweep)
            widths = sorted(set(found) - {""})
            colours = dict(zip(widths, ordered_colours(len(widths)), strict=True))
            for student, each in found.items():
                colour = colours.get(student, ROLES["teacher"])
                name = "teacher" if student == "" else f"student, width {student}"
                low, middle, high = np.quantile(each, [0.25, 0.5, 0.75], axis=0)
                axes.plot(teachers, middle, color=colour, label=name)
                axes.fill_between(teachers, low, high, color=colour, alpha=0.25, linewidth=0)
            quantity_axis(axes.xaxis, label)
            loss_axis(axes.yaxis, "cross-entropy to the labels")
            legend_above(axes)
            save_figure(figure, folder / f"mapping_problem_{sweep}.svg")


@click.command()
@click.option("-o", "--out", default="out/capacity_gap", type=click.Path(path_type=Path))
@click.option("--scale", type=click.Choice(sorted(SCALES)), default="small", show_default=True)
@click.option("--seed", default=0, show_default=True)
def main(out: Path, scale: str, seed: int) -> None:
    """Vary a teacher's width and its training; write the table, draw figures, test for a U."""
    out.mkdir(parents=True, exist_ok=True)
    begin, table = time.monotonic(), []
    with (out / f"mapping_problem_{scale}.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows(scale, seed):
            table.append(row)
            writer.writerow(row)
            file.flush()
    print_medians(table)
    draw_figure(table, out)
    click.echo(f"{len(table)} networks in {time.monotonic() - begin:.0f} s; see {out}")


if __name__ == "__main__":
    main()
