"""`python -m experiments.beyond_eq8`: fits every rival law, holds runs out, prints a page."""

import click
import numpy as np

from experiments.beyond_eq8.rivals import RIVALS
from experiments.predictions.__main__ import RESULTS
from experiments.runlab import table
from experiments.runlab.__main__ import TABLE as BUNDLED
from fitting import FitResult, Runs, fit
from fitting.data.predictions import predict, relative_errors
from fitting.reporting.markdown import markdown_table
from fitting.validation.hold_outs import best_teachers, hold_out, lowest_losses
from jaxlaws import presets
from jaxlaws.foundations.annotations import Tree
from jaxlaws.foundations.law import Law
from jaxlaws.laws.distillation_limit import DistillationLimit
from jaxlaws.laws.supervised import Supervised

COLUMNS = ["form", "objective x 1e4", "agree", "mean %", "below %"]
HELD_OUT = ["low losses %", "teachers %", "further %"]


def row(
    name: str, runs: Runs, supervised: Law | FitResult, masks: list[np.ndarray], starts: int
) -> list[str]:
    """The row of a rival law: its fit, its errors, and its errors on held-out runs.

    Args:
        name: the name of the law in `RIVALS`.
        runs: the distilled runs.
        supervised: the frozen supervised law, or its fit.
        masks: the held-out runs of each hold-out, boolean `(num_runs,)`.
        starts: number of starts of each fit.
    """
    freeze = {"supervised": supervised}
    result = fit(RIVALS[name], runs, freeze=freeze, num_starts=starts)
    errors = np.abs(relative_errors(predict(result.law, runs.inputs), runs))
    below = runs.loss < runs.inputs["teacher_loss"]
    held_out = [
        hold_out(RIVALS[name], runs, mask, against={}, freeze=freeze, num_starts=starts)
        for mask in masks
    ]
    unseen = [np.abs(each.errors["law"]).mean() for each in held_out]
    numbers = [errors.mean(), errors[below].mean(), *unseen]
    return [
        name,
        f"{1e4 * result.objective:.3f}",
        f"{result.starts_agreeing:.2f}",
        *(f"{number:.3f}" for number in numbers),
        best_teacher(result.law, runs),
    ]


def best_teacher(law: Tree, runs: Runs) -> str:
    """The loss of the best teacher for the student with the lowest loss, or `none`.

    `none` means that the strongest possible teacher is the best: the law has no capacity gap for
    this student.
    """
    student = {name: runs.inputs[name][np.argmin(runs.loss)] for name in law.input_names[:2]}
    strongest = float(predict(law.supervised, {"num_params": np.inf, "num_tokens": np.inf}))
    teachers = np.linspace(strongest, runs.inputs["teacher_loss"].max(), 3001)[1:]
    best = int(np.argmin(predict(law, student | {"teacher_loss": teachers})))
    return f"{teachers[best]:.2f}" if best else "none"


def students_below(runs: Runs, supervised: Law) -> str:
    """A line on the students below their teachers: their number and their gains.

    The correlation is that of the logarithms of the gain and of share (L_T - E), the gain of a
    student that averages the noise of its teacher.
    """
    some = runs.where(runs.loss < runs.inputs["teacher_loss"])
    size, tokens, teacher = (some.column(name) for name in DistillationLimit.input_names)
    gain = teacher - some.loss
    alone, endless, irreducible = (
        predict(supervised, {"num_params": n, "num_tokens": d})
        for n, d in ((size, tokens), (size, np.inf), (np.inf, np.inf))
    )
    averaged = (alone - endless) / (alone - irreducible) * (teacher - irreducible)
    correlation = np.corrcoef(np.log(gain), np.log(averaged))[0, 1]
    return (
        f"{len(some)} students are below their teachers, by at most {gain.max():.3f} nats. The "
        f"correlation of log gain and log share (L_T - E) is {correlation:.2f}."
    )


@click.command()
@click.option("--data", type=click.Path(exists=True), help="CSV file of the points of Fig. 1.")
@click.option("--starts", default=16, show_default=True, help="Number of starts of each fit.")
@click.option(
    "--only",
    type=click.Choice(list(RIVALS)),
    multiple=True,
    help="A form to fit; can be given several times. All forms without it.",
)
def main(data: str | None, starts: int, only: tuple[str, ...]) -> None:
    """Compare the rival laws on the bundled runs, and with --data on the published points."""
    names = only or tuple(RIVALS)
    tables = []  # title, runs, supervised law, held-out runs
    if data is not None:
        runs = Runs.read(data, {"loss": "student_loss"}, DistillationLimit)
        masks = [runs.loss <= 2.3, runs.inputs["teacher_loss"] <= 2.0]
        tables.append(("published", runs, presets.load("busbridge2025_supervised"), masks))
    runs = table.runs("distilled", BUNDLED)
    masks = [lowest_losses(runs), best_teachers(runs)]
    tables.append(("bundled", runs, fit(Supervised, table.runs("supervised", BUNDLED)), masks))
    runs = table.runs("distilled", BUNDLED, RESULTS)
    masks = [lowest_losses(runs), best_teachers(runs), runs.others["sweep"] == "predictions"]
    alone = fit(Supervised, table.runs("supervised", BUNDLED, RESULTS))
    tables.append(("bundled and further", runs, alone, masks))
    click.echo(
        "# Forms of the distillation law\n\n`python -m experiments.beyond_eq8` prints this page."
    )
    for title, runs, supervised, masks in tables:
        sizes = ", ".join(str(mask.sum()) for mask in masks)
        law = supervised.law if isinstance(supervised, FitResult) else supervised
        click.echo(f"\n## {title}\n\n{len(runs)} runs; held out {sizes}.")
        click.echo(f"{students_below(runs, law)}\n")
        click.echo(markdown_table([*COLUMNS, *HELD_OUT[: len(masks)], "L_T*"], []))
        for name in names:
            click.echo("| " + " | ".join(row(name, runs, supervised, masks, starts)) + " |")


if __name__ == "__main__":
    main()
